#pragma once

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "net/io_threads.h"
#include "net/task_group.h"

namespace longhaul::net {

/// Runs one coroutine on a core of its own and returns what it returned.
template <class Callable>
auto on_core(Callable make) {
  using T = typename decltype(make(std::declval<Io&>()))::value_type;
  IoThreads threads({.cores = 1, .seed = 1});
  std::optional<T> value;
  TaskGroup group(threads.core(0).executor);
  group.spawn([&]() -> Task { value = co_await make(threads.core(0)); });
  threads.start();
  // The group must have seen its coroutine's end before it goes.
  std::atomic<bool> ended = false;
  while (!ended) {
    threads.post(0, [&] { ended = group.size() == 0; });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  threads.stop();
  threads.join();
  return *std::move(value);
}

}  // namespace longhaul::net
