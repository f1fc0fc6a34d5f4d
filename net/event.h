#pragma once

#include <memory>
#include <vector>

#include "net/async.h"
#include "net/timer.h"

namespace longhaul::net {

/// Lets coroutines of one core wait for something that other coroutines or callbacks of that core bring
/// about. The condition itself is the caller's:
///
///     while (queue.empty()) LH_CO_TRY_VOID(co_await changed.wait());
///
/// `notify()` wakes every coroutine that waits; without one it is remembered once, so the next wait returns
/// at once. A wake-up can thus be spurious, never lost. Waiters are resumed from the event loop, not from
/// inside `notify()`. An Event that is destroyed wakes its waiters with `operation_aborted`.
class Event {
 public:
  /// Without a time source there are no deadlines: only `wait()` may be used.
  Event() = default;
  explicit Event(TimeSource& time) : time_(&time) {}
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void notify();

  /// Fails with `operation_aborted` when cancelled, and with nothing else.
  [[nodiscard]] Async<void> wait();
  /// Fails with NetErrc::timed_out when `deadline` passes first; `SteadyTime::max()` is no deadline.
  [[nodiscard]] Async<void> wait_until(SteadyTime deadline);
  /// Ignores cancellation of the waiting coroutine: for `stop()` functions, which must see their work
  /// through.
  [[nodiscard]] Task wait_uncancelled();

  [[nodiscard]] bool has_waiters() const;

 private:
  struct Waiter;
  enum class Cancellation { heeded, ignored };
  [[nodiscard]] std::shared_ptr<Waiter> add_waiter();
  [[nodiscard]] static boost::asio::awaitable<ErrorCode> suspend(std::shared_ptr<Waiter> waiter,
                                                                 Cancellation cancellation);

  TimeSource* time_ = nullptr;
  std::vector<std::shared_ptr<Waiter>> waiters_;
  bool notified_ = false;
};

}  // namespace longhaul::net
