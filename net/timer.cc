#include "net/timer.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "net/error.h"
#include "net/event.h"

namespace longhaul::net {

Async<void> TimeSource::sleep_until(SteadyTime when) {
  Event never(*this);
  auto outcome = co_await never.wait_until(when);
  if (!outcome && outcome.error().code == NetErrc::timed_out) co_return Result<void>{};
  co_return outcome;
}

Async<void> TimeSource::sleep_for(milliseconds duration) {
  return sleep_until(saturating_add(now(), duration));
}

SteadyTime saturating_add(SteadyTime now, SteadyTime::duration duration) {
  if (duration > SteadyTime::max() - now) return SteadyTime::max();
  return now + duration;
}

TimerId TimerQueue::add(SteadyTime when, TimeSource::Callback callback) {
  if (when == SteadyTime::max()) return {};
  const TimerId timer{when, ++last_sequence_};
  pending_.emplace(timer, std::move(callback));
  return timer;
}

SteadyTime TimerQueue::next() const {
  return pending_.empty() ? SteadyTime::max() : pending_.begin()->first.when;
}

void TimerQueue::run_due(SteadyTime now) {
  const auto last = last_sequence_;
  while (true) {
    // A callback may cancel any other one, so the next is looked up anew each time.
    auto next = pending_.begin();
    while (next != pending_.end() && next->first.when <= now && next->first.sequence > last) ++next;
    if (next == pending_.end() || next->first.when > now) return;
    auto callback = std::move(next->second);
    pending_.erase(next);
    callback();
  }
}

/// Kept by the handler of the Asio timer too: a cancelled wait completes after the SystemTime may be gone.
struct SystemTime::State : std::enable_shared_from_this<SystemTime::State> {
  explicit State(const Executor& executor) : timer(executor) {}

  void arm() {
    const auto next = queue.next();
    if (next == armed_for) return;
    armed_for = next;
    // Setting the expiry cancels the wait under way; its handler sees `operation_aborted` and leaves.
    timer.expires_at(next);
    if (next == SteadyTime::max()) return;
    timer.async_wait([self = shared_from_this()](const ErrorCode& ec) {
      if (ec || self->closed) return;
      self->armed_for = SteadyTime::max();
      self->queue.run_due(std::chrono::steady_clock::now());
      if (!self->closed) self->arm();
    });
  }

  boost::asio::steady_timer timer;
  TimerQueue queue;
  SteadyTime armed_for = SteadyTime::max();
  bool closed = false;
};

SystemTime::SystemTime(const Executor& executor) : state_(std::make_shared<State>(executor)) {}

SystemTime::~SystemTime() {
  state_->closed = true;
  state_->timer.cancel();
}

TimerId SystemTime::call_at(SteadyTime when, Callback callback) {
  const auto timer = state_->queue.add(when, std::move(callback));
  state_->arm();
  return timer;
}

// The Asio timer stays armed for a cancelled timer: waking up once for nothing is cheaper than arming it
// twice.
void SystemTime::cancel(const TimerId& timer) {
  state_->queue.cancel(timer);
}

}  // namespace longhaul::net
