#pragma once

#include <memory>
#include <utility>

#include "net/timer.h"

namespace longhaul::net {

/// While it lives, `on_expiry` runs when `when` passes; the usual action is to close a stream, which makes
/// the operation under way fail: a stream that timed out is in an unknown state and never used again.
class Deadline {
 public:
  Deadline(TimeSource& time, SteadyTime when, TimeSource::Callback on_expiry)
      : time_(time), expired_(std::make_shared<bool>(false)) {
    timer_ = time_.call_at(when, [expired = expired_, action = std::move(on_expiry)]() mutable {
      *expired = true;
      action();
    });
  }
  ~Deadline() { time_.cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  [[nodiscard]] bool expired() const { return *expired_; }

 private:
  TimeSource& time_;
  std::shared_ptr<bool> expired_;
  TimerId timer_;
};

}  // namespace longhaul::net
