#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "net/task_group.h"
#include "net/timer.h"

namespace longhaul::test {

/// Time that stands still until a test moves it.
class VirtualTime final : public net::TimeSource {
 public:
  [[nodiscard]] SteadyTime now() const override { return now_; }
  [[nodiscard]] std::int64_t wall_ms() const override {
    return 1'700'000'000'000 + std::chrono::duration_cast<milliseconds>(now_ - SteadyTime{}).count();
  }
  [[nodiscard]] net::TimerId call_at(SteadyTime when, Callback callback) override {
    return queue_.add(when, std::move(callback));
  }
  void cancel(const net::TimerId& timer) override { queue_.cancel(timer); }

  [[nodiscard]] SteadyTime next_timer() const { return queue_.next(); }
  void advance_to(SteadyTime when) {
    LH_CHECK(when >= now_);
    now_ = when;
    queue_.run_due(now_);
  }

 private:
  SteadyTime now_{std::chrono::hours(1)};
  net::TimerQueue queue_;
};

/// An event loop under virtual time on the test's own thread: runs what can run, then jumps to the next
/// timer.
class VirtualLoop {
 public:
  [[nodiscard]] net::Executor executor() { return context_.get_executor(); }

  /// Runs everything that needs no time to pass. Returns how many handlers ran.
  std::size_t settle() {
    context_.restart();
    return context_.poll();
  }
  /// Lets `duration` pass, firing timers in order.
  void run_for(SteadyTime::duration duration) {
    const auto end = time.now() + duration;
    settle();
    while (time.next_timer() <= end) {
      time.advance_to(std::max(time.now(), time.next_timer()));
      settle();
    }
    time.advance_to(end);
    settle();
  }
  /// Runs until `done` or until `limit` has passed; returns whether it was done.
  template <class Done>
  bool run_until(Done done, SteadyTime::duration limit = std::chrono::hours(1)) {
    const auto end = time.now() + limit;
    settle();
    while (!done() && time.next_timer() <= end) {
      time.advance_to(std::max(time.now(), time.next_timer()));
      settle();
    }
    return done();
  }
  /// Runs one coroutine to its end and returns its result; fails the process when it does not end in virtual
  /// time.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine, SteadyTime::duration limit = std::chrono::hours(1)) {
    std::optional<T> result;
    net::TaskGroup group(executor());
    group.spawn([&coroutine, &result]() -> net::Task { result = co_await std::move(coroutine); });
    const bool done = run_until([&] { return result.has_value() && group.size() == 0; }, limit);
    LH_CHECK(done);
    return *std::move(result);
  }
  void run(net::Task coroutine, SteadyTime::duration limit = std::chrono::hours(1)) {
    net::TaskGroup group(executor());
    group.spawn([&coroutine]() -> net::Task { co_await std::move(coroutine); });
    const bool done = run_until([&] { return group.size() == 0; }, limit);
    LH_CHECK(done);
  }

  VirtualTime time;

 private:
  boost::asio::io_context context_{1};
};

}  // namespace longhaul::test
