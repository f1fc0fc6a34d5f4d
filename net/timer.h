#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/clock.h"
#include "net/async.h"

namespace longhaul::net {

/// Names one timer of a TimeSource. A default-made id names none; cancelling it does nothing.
struct TimerId {
  SteadyTime when{};
  std::uint64_t sequence = 0;
  auto operator<=>(const TimerId&) const = default;
};

/// Where waiting comes from: the system, or a simulation's virtual time. One per core, and like everything
/// else there it is used by that core only. Outlives all that waits on it.
class TimeSource : public Clock {
 public:
  using Callback = std::move_only_function<void()>;

  /// Calls `callback` once, from the core's event loop, when `when` has come; never from inside this call,
  /// not even for a time that has passed. Timers of the same instant fire in order of registration.
  /// `SteadyTime::max()` never fires.
  [[nodiscard]] virtual TimerId call_at(SteadyTime when, Callback callback) = 0;
  /// After this the callback is not called any more; nothing happens when it was called already.
  virtual void cancel(const TimerId& timer) = 0;

  /// Returns when `when` has come; fails with `operation_aborted` when cancelled, and with nothing else.
  [[nodiscard]] Async<void> sleep_until(SteadyTime when);
  [[nodiscard]] Async<void> sleep_for(milliseconds duration);
};

/// `now + duration` without overflow: a deadline of `SteadyTime::max()` means "wait for ever".
[[nodiscard]] SteadyTime saturating_add(SteadyTime now, SteadyTime::duration duration);

/// Sans-I/O: pending timers in order of time. Both time sources are thin shells around one.
class TimerQueue {
 public:
  [[nodiscard]] TimerId add(SteadyTime when, TimeSource::Callback callback);
  void cancel(const TimerId& timer) { pending_.erase(timer); }
  /// When the next timer is due; `SteadyTime::max()` when there is none.
  [[nodiscard]] SteadyTime next() const;
  /// Calls all callbacks that are due at `now`, in order. Timers added by them wait for the next call.
  void run_due(SteadyTime now);
  [[nodiscard]] std::size_t size() const { return pending_.size(); }

 private:
  std::map<TimerId, TimeSource::Callback> pending_;
  std::uint64_t last_sequence_ = 0;
};

/// System time on one core's event loop: all timers of the core share one Asio timer, which is armed for the
/// earliest, because nearly every deadline is cancelled before it passes.
class SystemTime final : public TimeSource {
 public:
  explicit SystemTime(const Executor& executor);
  ~SystemTime() override;
  SystemTime(const SystemTime&) = delete;
  SystemTime& operator=(const SystemTime&) = delete;

  [[nodiscard]] SteadyTime now() const override { return clock_.now(); }
  [[nodiscard]] std::int64_t wall_ms() const override { return clock_.wall_ms(); }
  [[nodiscard]] TimerId call_at(SteadyTime when, Callback callback) override;
  void cancel(const TimerId& timer) override;

 private:
  struct State;
  SystemClock clock_;
  std::shared_ptr<State> state_;
};

}  // namespace longhaul::net
