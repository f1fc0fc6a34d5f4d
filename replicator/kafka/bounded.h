#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "net/event.h"
#include "net/io.h"
#include "net/task_group.h"

namespace longhaul::replicator {

/// Runs `work(item)`, which gives an Async<void>, for every item of a list, at most `limit` at the same time,
/// and returns the first error when all have ended. After an error nothing more is begun. The items outlive
/// the call.
template <class Item, class Work>
[[nodiscard]] net::Async<void> for_each_bounded(net::Io& io, std::vector<Item>& items, std::size_t limit,
                                                Work work) {
  net::TaskGroup group(io.executor);
  net::Event ended(io.time);
  std::size_t next = 0;
  std::size_t running = 0;
  Result<void> outcome;
  const auto lane = [&]() -> net::Task {
    while (next < items.size() && outcome && !group.stopping()) {
      auto& item = items[next++];
      auto done = co_await work(item);
      if (!done && outcome) outcome = std::move(done);
    }
    --running;
    ended.notify();
  };
  for (std::size_t i = 0; i < std::min(limit, items.size()); ++i) {
    ++running;
    group.spawn(lane);
  }
  Result<void> waited;
  while (running > 0 && waited) waited = co_await ended.wait();
  co_await group.stop();
  if (!waited) co_return waited;
  co_return outcome;
}

}  // namespace longhaul::replicator
