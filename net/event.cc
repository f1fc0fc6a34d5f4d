#include "net/event.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <utility>

#include "base/check.h"
#include "net/error.h"

namespace longhaul::net {

namespace asio = boost::asio;

/// One suspended coroutine. The first to call `complete` (a notification, the deadline, a cancellation)
/// resumes it.
struct Event::Waiter {
  std::move_only_function<void(ErrorCode)> resume;
  bool done = false;

  void complete(const ErrorCode& code) {
    if (std::exchange(done, true)) return;
    // Released before it runs: the coroutine may destroy what owns this waiter.
    if (auto handler = std::exchange(resume, nullptr)) handler(code);
  }
};

Event::~Event() {
  for (const auto& waiter : waiters_) waiter->complete(aborted());
}

bool Event::has_waiters() const {
  return std::ranges::any_of(waiters_, [](const auto& waiter) { return !waiter->done; });
}

void Event::notify() {
  notified_ = true;
  for (const auto& waiter : std::exchange(waiters_, {})) {
    if (!waiter->done) notified_ = false;
    waiter->complete({});
  }
}

std::shared_ptr<Event::Waiter> Event::add_waiter() {
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->done; });
  return waiters_.emplace_back(std::make_shared<Waiter>());
}

asio::awaitable<ErrorCode> Event::suspend(std::shared_ptr<Waiter> waiter, Cancellation cancellation) {
  auto initiate = [](auto handler, const std::shared_ptr<Waiter>& target, Cancellation policy) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (policy == Cancellation::heeded && slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(target)](asio::cancellation_type) {
        if (const auto alive = weak.lock()) alive->complete(aborted());
      });
    }
    auto executor = asio::get_associated_executor(handler);
    target->resume = [executor, held = std::move(handler)](const ErrorCode& code) mutable {
      asio::post(executor, [resumed = std::move(held), code]() mutable { std::move(resumed)(code); });
    };
  };
  const auto [code] = co_await asio::async_initiate<decltype(kAsResult), void(ErrorCode)>(
      std::move(initiate), kAsResult, waiter, cancellation);
  co_return code;
}

Async<void> Event::wait() {
  return wait_until(SteadyTime::max());
}

Async<void> Event::wait_until(SteadyTime deadline) {
  if (co_await cancelled()) co_return fail(aborted());
  if (std::exchange(notified_, false)) co_return Result<void>{};
  LH_CHECK(deadline == SteadyTime::max() || time_ != nullptr);
  auto* const time = time_;
  const auto waiter = add_waiter();
  TimerId timer;
  if (deadline != SteadyTime::max()) {
    timer = time->call_at(deadline, [weak = std::weak_ptr(waiter)] {
      if (const auto alive = weak.lock()) alive->complete(NetErrc::timed_out);
    });
  }
  const auto code = co_await suspend(waiter, Cancellation::heeded);
  // The event itself may be gone here.
  if (deadline != SteadyTime::max()) time->cancel(timer);
  if (code) co_return fail(code);
  co_return Result<void>{};
}

Task Event::wait_uncancelled() {
  if (std::exchange(notified_, false)) co_return;
  co_await suspend(add_waiter(), Cancellation::ignored);
}

}  // namespace longhaul::net
