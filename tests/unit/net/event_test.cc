#include "net/event.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/error.h"
#include "tests/unit/net/virtual_time.h"

namespace longhaul::net {
namespace {

using std::chrono::seconds;

TEST(Event, WakesEveryWaiterInOrderAndNotFromInsideNotify) {
  test::VirtualLoop loop;
  Event event(loop.time);
  TaskGroup group(loop.executor());
  std::vector<int> woken;
  for (int i = 0; i < 3; ++i) {
    group.spawn([&, i]() -> Task {
      if (const auto waited = co_await event.wait()) woken.push_back(i);
    });
  }
  loop.settle();
  EXPECT_TRUE(event.has_waiters());
  event.notify();
  EXPECT_TRUE(woken.empty());
  loop.settle();
  EXPECT_EQ(woken, (std::vector{0, 1, 2}));
  EXPECT_EQ(group.size(), 0u);
}

TEST(Event, RemembersOneNotificationWithoutWaiter) {
  test::VirtualLoop loop;
  Event event(loop.time);
  event.notify();
  event.notify();
  EXPECT_TRUE(loop.run(event.wait()));
  const auto second = loop.run(event.wait_until(loop.time.now() + seconds(5)));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, NetErrc::timed_out);
}

TEST(Event, TimesOutAtItsDeadlineAndNotBefore) {
  test::VirtualLoop loop;
  Event event(loop.time);
  const auto begin = loop.time.now();
  const auto waited = loop.run(event.wait_until(begin + seconds(3)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, NetErrc::timed_out);
  EXPECT_EQ(loop.time.now(), begin + seconds(3));
  EXPECT_FALSE(event.has_waiters());
}

TEST(Event, NotificationAfterATimeoutIsKeptForTheNextWait) {
  test::VirtualLoop loop;
  Event event(loop.time);
  EXPECT_FALSE(loop.run(event.wait_until(loop.time.now() + seconds(1))));
  event.notify();
  EXPECT_TRUE(loop.run(event.wait_until(loop.time.now() + seconds(1))));
}

TEST(Event, WaiterCancelsItsTimerWhenNotified) {
  test::VirtualLoop loop;
  Event event(loop.time);
  TaskGroup group(loop.executor());
  group.spawn([&]() -> Task { EXPECT_TRUE(co_await event.wait_until(loop.time.now() + seconds(3))); });
  loop.settle();
  EXPECT_NE(loop.time.next_timer(), SteadyTime::max());
  event.notify();
  loop.settle();
  EXPECT_EQ(loop.time.next_timer(), SteadyTime::max());
}

TEST(Event, DestructionWakesWaitersWithAborted) {
  test::VirtualLoop loop;
  auto event = std::make_unique<Event>(loop.time);
  TaskGroup group(loop.executor());
  Result<void> outcome;
  group.spawn([&]() -> Task { outcome = co_await event->wait_until(loop.time.now() + seconds(60)); });
  loop.settle();
  event.reset();
  loop.settle();
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(is_aborted(outcome.error()));
  EXPECT_EQ(group.size(), 0u);
}

TEST(TaskGroup, StopCancelsWaitsAndEveryLaterWaitFailsToo) {
  test::VirtualLoop loop;
  Event event(loop.time);
  TaskGroup group(loop.executor());
  std::vector<std::string> seen;
  group.spawn([&]() -> Task {
    const auto first = co_await event.wait();
    seen.push_back(first ? "woken" : first.error().message());
    const auto second = co_await loop.time.sleep_for(seconds(10));
    seen.push_back(second ? "slept" : second.error().message());
    const auto is_cancelled = co_await cancelled();
    seen.push_back(is_cancelled ? "cancelled" : "running");
  });
  loop.settle();
  const auto begin = loop.time.now();
  loop.run(group.stop());
  const auto aborted_text = aborted().message();
  EXPECT_EQ(seen, (std::vector<std::string>{aborted_text, aborted_text, "cancelled"}));
  EXPECT_EQ(loop.time.now(), begin);
}

TEST(TaskGroup, StopWaitsForTasksThatStillHaveWorkToDo) {
  test::VirtualLoop loop;
  Event event;
  TaskGroup group(loop.executor());
  bool finished = false;
  group.spawn([&]() -> Task {
    co_await event.wait_uncancelled();
    finished = true;
  });
  loop.settle();
  TaskGroup stopper(loop.executor());
  bool stopped = false;
  stopper.spawn([&]() -> Task {
    co_await group.stop();
    stopped = true;
  });
  loop.settle();
  EXPECT_FALSE(stopped);
  event.notify();
  loop.settle();
  EXPECT_TRUE(finished);
  EXPECT_TRUE(stopped);
}

TEST(TaskGroup, RefusesAndNeverStartsTasksOnceStopping) {
  test::VirtualLoop loop;
  TaskGroup group(loop.executor());
  bool started = false;
  EXPECT_TRUE(group.spawn([&]() -> Task {
    started = true;
    co_return;
  }));
  EXPECT_FALSE(started);
  group.cancel();
  EXPECT_FALSE(group.spawn([&]() -> Task {
    started = true;
    co_return;
  }));
  loop.run(group.stop());
  EXPECT_FALSE(started);
}

TEST(TaskGroup, StopIgnoresCancellationOfTheStopper) {
  test::VirtualLoop loop;
  Event event;
  TaskGroup group(loop.executor());
  group.spawn([&]() -> Task { co_await event.wait_uncancelled(); });
  TaskGroup outer(loop.executor());
  std::size_t left = 99;
  outer.spawn([&]() -> Task {
    co_await group.stop();
    left = group.size();
  });
  loop.settle();
  outer.cancel();
  loop.settle();
  EXPECT_EQ(left, 99u);
  event.notify();
  loop.settle();
  EXPECT_EQ(left, 0u);
}

TEST(TimerQueue, FiresInOrderOfTimeThenRegistration) {
  TimerQueue queue;
  std::vector<int> fired;
  const SteadyTime t0{};
  (void)queue.add(t0 + seconds(2), [&] { fired.push_back(3); });
  (void)queue.add(t0 + seconds(1), [&] { fired.push_back(1); });
  (void)queue.add(t0 + seconds(1), [&] { fired.push_back(2); });
  const auto cancelled_timer = queue.add(t0 + seconds(1), [&] { fired.push_back(99); });
  queue.cancel(cancelled_timer);
  (void)queue.add(SteadyTime::max(), [&] { fired.push_back(98); });
  EXPECT_EQ(queue.next(), t0 + seconds(1));
  queue.run_due(t0 + seconds(1));
  EXPECT_EQ(fired, (std::vector{1, 2}));
  queue.run_due(t0 + seconds(100));
  EXPECT_EQ(fired, (std::vector{1, 2, 3}));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(TimerQueue, ACallbackMayCancelAndAdd) {
  TimerQueue queue;
  std::vector<int> fired;
  TimerId second;
  const SteadyTime t0{};
  (void)queue.add(t0, [&] {
    queue.cancel(second);
    (void)queue.add(t0, [&] { fired.push_back(3); });
    fired.push_back(1);
  });
  second = queue.add(t0, [&] { fired.push_back(2); });
  queue.run_due(t0);
  EXPECT_EQ(fired, (std::vector{1}));
  queue.run_due(t0);
  EXPECT_EQ(fired, (std::vector{1, 3}));
}

TEST(TimeSource, DeadlinesSaturate) {
  EXPECT_EQ(saturating_add(SteadyTime{} + seconds(1), seconds(1)), SteadyTime{} + seconds(2));
  EXPECT_EQ(saturating_add(SteadyTime{} + seconds(1), SteadyTime::duration::max()), SteadyTime::max());
}

}  // namespace
}  // namespace longhaul::net
