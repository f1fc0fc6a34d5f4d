#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/ids.h"
#include "client/connection.h"
#include "client/options.h"
#include "client/outage_board.h"
#include "client/retry.h"
#include "net/io.h"
#include "net/task_group.h"

namespace longhaul::client {

/// What a connection is used for. A broker serves one request at a time per connection, so a long poll, a
/// produce request that waits for replicas and control traffic never share one.
enum class Role : std::uint8_t { control, fetch, produce };

/// One of the connections to a broker. Equal lanes share a connection.
struct Lane {
  Role role = Role::control;
  int index = 0;
  auto operator<=>(const Lane&) const = default;
};

/// The connections of one cluster, by broker and lane: opened when asked for, one attempt at a time shared by
/// all who ask, with back-off between attempts. Knows no metadata: whoever asks says where the broker is.
class BrokerPool {
 public:
  /// All of them outlive the pool. Its coroutines run in `group`, which is stopped before the pool goes.
  BrokerPool(net::Io& io, net::TaskGroup& group, const ClusterOptions& options, OutageBoard& outages)
      : io_(io), group_(group), options_(options), outages_(outages) {}

  /// The open connection, or the outcome of one attempt to open it after the back-off has passed.
  /// Errors: why the attempt failed; NetErrc::timed_out when `deadline` passes before it ends.
  [[nodiscard]] net::Async<std::shared_ptr<Connection>> connection(BrokerId broker, Lane lane,
                                                                   Endpoint endpoint, SteadyTime deadline);

  /// How soon a connection may be expected: lower is better. 0: it is open; above: attempts that failed in a
  /// row.
  [[nodiscard]] int reluctance(BrokerId broker, Lane lane) const;

  /// Closes and forgets connections of a broker that listens elsewhere, or no longer exists (nullopt).
  template <class EndpointOf>
  void retain(EndpointOf endpoint_of) {
    for (auto entry = slots_.begin(); entry != slots_.end();) {
      const auto next = std::next(entry);
      if (endpoint_of(entry->first.first) != entry->second->endpoint) close_slot(entry);
      entry = next;
    }
  }
  /// Takes note of all connections that were lost since they were last asked for.
  void note_losses();
  /// Closes a connection on which nothing is pending.
  void close_idle(BrokerId broker, Lane lane);
  /// Fails everything that is pending.
  void close_all(const Error& reason);

 private:
  using Key = std::pair<BrokerId, Lane>;
  struct Slot {
    Slot(Endpoint where, Backoff waits, net::TimeSource& time)
        : endpoint(std::move(where)), backoff(waits), attempted(time) {}
    Endpoint endpoint;
    Backoff backoff;
    std::shared_ptr<Connection> connection;
    bool connecting = false;
    bool closed = false;  ///< no longer in the pool
    int failures = 0;     ///< attempts in a row that failed or led to a connection without a single answer
    SteadyTime not_before{};
    std::optional<Error> error;
    net::Event attempted;
  };
  using Slots = std::map<Key, std::shared_ptr<Slot>>;

  [[nodiscard]] std::shared_ptr<Slot> slot(const Key& key, const Endpoint& endpoint);
  [[nodiscard]] net::Async<void> wait_for_attempt(std::shared_ptr<Slot> slot, SteadyTime deadline);
  [[nodiscard]] net::Task attempt(std::shared_ptr<Slot> slot, BrokerId broker);
  void note_loss(Slot& slot, BrokerId broker);
  void close_slot(Slots::iterator entry);

  net::Io& io_;
  net::TaskGroup& group_;
  const ClusterOptions& options_;
  Slots slots_;
  OutageBoard& outages_;
};

}  // namespace longhaul::client
