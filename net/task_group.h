#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstddef>
#include <exception>
#include <list>
#include <utility>

#include "net/async.h"
#include "net/event.h"

namespace longhaul::net {

/// Owns coroutines of one core. Whoever starts coroutines has a group, and its own `stop()` ends with the
/// group's. Must be empty when it is destroyed: the coroutines refer to things that live as long as the
/// group.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(std::move(executor)) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task()`, a callable that returns a Task, at the next turn of the event loop (never inside this
  /// call). The callable is kept until its coroutine ends, so it may be a lambda with captures. Returns
  /// false, and does not start it, once the group is stopping. An exception that leaves the coroutine ends
  /// the process.
  template <class Callable>
  bool spawn(Callable task) {
    if (stopping_) return false;
    const auto entry = entries_.emplace(entries_.end());
    boost::asio::co_spawn(
        executor_, run(std::move(task)),
        boost::asio::bind_cancellation_slot(
            entry->slot(), [this, entry](const std::exception_ptr& e) { finished(entry, e); }));
    return true;
  }

  /// Refuses new coroutines and cancels those that run; returns at once.
  void cancel();
  /// `cancel()`, then returns when the last coroutine has ended. Not to be awaited from inside the group. May
  /// be awaited several times, and ignores cancellation of the coroutine that awaits it.
  [[nodiscard]] Task stop();

  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] const Executor& executor() const { return executor_; }

 private:
  using Entry = std::list<boost::asio::cancellation_signal>::iterator;

  template <class Callable>
  Task run(Callable task) {
    // Cancelled waits return an error; Asio's default would throw from the next co_await instead.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await boost::asio::post(executor_, boost::asio::use_awaitable);
    if (!stopping_) co_await task();
  }
  void finished(Entry entry, const std::exception_ptr& exception);

  Executor executor_;
  std::list<boost::asio::cancellation_signal> entries_;
  Event drained_;
  bool stopping_ = false;
};

}  // namespace longhaul::net
