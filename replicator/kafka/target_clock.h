#pragma once

#include <cstdint>
#include <optional>

#include "net/timer.h"

namespace longhaul::replicator {

/// The time of day on the target, as its brokers wrote it into our own markers, and from there on by the
/// steady clock. A broker refuses records from too far ahead and forgets producers of records that are too
/// old, both by its own clock, and the clock of this host may be wrong by any amount. Lives on one core.
class TargetClock {
 public:
  explicit TargetClock(net::TimeSource& time) : time_(time) {}

  /// A marker says `target_ms`. One that was read before and is only looked up again is no news: the time
  /// never goes back.
  void saw_marker(std::int64_t target_ms) {
    if (seen_ && target_ms < wall_ms()) return;
    seen_ = Seen{.target_ms = target_ms, .at = time_.now()};
  }
  /// Until a marker was seen, the time of this host.
  [[nodiscard]] std::int64_t wall_ms() const {
    if (!seen_) return time_.wall_ms();
    return seen_->target_ms + std::chrono::duration_cast<milliseconds>(time_.now() - seen_->at).count();
  }

 private:
  struct Seen {
    std::int64_t target_ms = 0;
    SteadyTime at;
  };
  net::TimeSource& time_;
  std::optional<Seen> seen_;
};

}  // namespace longhaul::replicator
