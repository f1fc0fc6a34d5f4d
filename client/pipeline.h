#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client/call.h"

namespace longhaul::client {

/// Sans-I/O: requests of one connection in order, matched with the answers that a broker gives in that same
/// order. Decides which answer is next, when a deadline has passed, and when nothing may be written.
///
/// Deadlines stand still while an answer waits for room (`pause` to `resume`) and are moved by the time a
/// broker throttles us (KIP-219: it stops reading for so long), because neither is the peer's silence.
class Pipeline {
 public:
  explicit Pipeline(std::size_t requests_max) : requests_max_(requests_max) {}

  /// Correlation id of the next request: 0, 1, ... and from 0 again after 2^31 - 9. The ids above stay free,
  /// Kafka's clients keep them for frames of a re-authentication.
  [[nodiscard]] std::int32_t next_correlation_id() const { return next_correlation_id_; }
  [[nodiscard]] bool full() const { return in_flight_.size() >= requests_max_; }
  [[nodiscard]] std::size_t size() const { return in_flight_.size(); }
  [[nodiscard]] bool empty() const { return in_flight_.empty(); }

  /// Adds a request at the end; it took `next_correlation_id()`.
  void add(std::shared_ptr<Call> call);

  /// Adds a request in front of the last `count` ones, under an id of its own.
  void add_before(std::size_t count, std::shared_ptr<Call> call, std::int32_t correlation_id);

  /// The request that the next answer belongs to; null when nothing was asked.
  [[nodiscard]] std::shared_ptr<Call> head() const {
    return in_flight_.empty() ? nullptr : in_flight_.front().call;
  }
  /// Takes the oldest request, to which `correlation_id` must belong.
  [[nodiscard]] Result<std::shared_ptr<Call>> match(std::int32_t correlation_id);
  /// Takes all requests, oldest first.
  [[nodiscard]] std::vector<std::shared_ptr<Call>> take_all();

  /// The broker's throttle_time_ms, which came at `now`.
  void throttle(SteadyTime now, milliseconds duration);
  [[nodiscard]] SteadyTime throttled_until() const { return throttled_until_; }

  void pause(SteadyTime now);
  void resume(SteadyTime now);

  /// The earliest deadline; `SteadyTime::max()` when there is none or the clock is paused.
  [[nodiscard]] SteadyTime next_deadline() const;
  /// The latest deadline of all that is before a request that is sent at `now`, and at least `now` and the
  /// end of the throttling.
  [[nodiscard]] SteadyTime latest_deadline(SteadyTime now) const;
  /// The request whose deadline has passed at `now`; null when there is none or the clock is paused.
  [[nodiscard]] const Call* expired(SteadyTime now) const;

 private:
  struct Entry {
    std::int32_t correlation_id;
    SteadyTime deadline;
    std::shared_ptr<Call> call;
  };
  void postpone_deadlines(SteadyTime::duration duration);

  std::size_t requests_max_;
  std::deque<Entry> in_flight_;
  std::int32_t next_correlation_id_ = 0;
  SteadyTime throttled_until_{};
  SteadyTime paused_since_ = SteadyTime::max();
};

}  // namespace longhaul::client
