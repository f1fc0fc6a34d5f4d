#pragma once

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <utility>

#include "app/signals.h"
#include "net/async.h"
#include "net/io_threads.h"
#include "net/task_group.h"

namespace longhaul::app {

/// Runs `work(io)`, which returns an Async<T>, on a core of its own and gives its result: for commands that
/// do one thing and end. SIGINT and SIGTERM cancel it; the result is then `operation_aborted`. Everything
/// that `work` starts must have ended when it returns.
template <class T, class Work>
[[nodiscard]] Result<T> run_on_core(Work work) {
  Signals signals;
  net::IoThreads threads({.cores = 1});
  auto& io = threads.core(0);
  net::TaskGroup group(io.executor);
  std::optional<Result<T>> result;
  std::atomic<bool> finished = false;
  group.spawn([&]() -> net::Task {
    result = co_await work(io);
    finished = true;
  });
  threads.start();
  int seen = 0;
  while (!finished) {
    const int signal = signals.wait(milliseconds(20));
    if (signal == 0 || std::exchange(seen, signal) != 0) continue;
    threads.post(0, [&group] { group.cancel(); });
  }
  // The group must have seen its coroutine's end before it goes.
  std::atomic<bool> empty = false;
  while (!empty) {
    threads.post(0, [&] { empty = group.size() == 0; });
    if (const int signal = signals.wait(milliseconds(1)); signal != 0) seen = signal;
  }
  threads.stop();
  threads.join();
  // One that came too late to cancel anything is for whoever waits for signals next.
  if (seen != 0 && *result) ::kill(::getpid(), seen);
  return *std::move(result);
}

}  // namespace longhaul::app
