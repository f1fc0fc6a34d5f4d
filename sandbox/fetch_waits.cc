#include "sandbox/fetch_waits.h"

#include <utility>

#include "base/check.h"
#include "sandbox/topics.h"

namespace longhaul::sandbox {

void FetchWaits::add(Timers& timers, SteadyTime deadline, Wait wait) {
  const auto id = ++last_;
  for (auto* partition : wait.partitions) partition->waiting_fetches.insert(id);
  const auto timer = timers.at(deadline, [this, &timers, id] { take(timers, id).answer(); });
  waits_.emplace(id, Entry{.wait = std::move(wait), .timer = timer});
}

FetchWaits::Wait FetchWaits::take(Timers& timers, Id id) {
  auto entry = waits_.extract(id);
  LH_CHECK(!entry.empty());
  timers.cancel(entry.mapped().timer);
  for (auto* partition : entry.mapped().wait.partitions) partition->waiting_fetches.erase(id);
  return std::move(entry.mapped().wait);
}

void FetchWaits::wake(Timers& timers, Partition& partition) {
  // A copy, because answering changes the set.
  const std::vector<Id> waiting(partition.waiting_fetches.begin(), partition.waiting_fetches.end());
  for (const auto id : waiting) {
    const auto found = waits_.find(id);
    if (found != waits_.end() && found->second.wait.is_ready()) take(timers, id).answer();
  }
}

void FetchWaits::release(Timers& timers, Partition& partition) {
  const std::vector<Id> waiting(partition.waiting_fetches.begin(), partition.waiting_fetches.end());
  for (const auto id : waiting) {
    if (waits_.contains(id)) take(timers, id).answer();
  }
}

void FetchWaits::drop(Timers& timers, std::uint64_t connection) {
  std::vector<Id> dropped;
  for (const auto& [id, entry] : waits_) {
    if (entry.wait.connection == connection) dropped.push_back(id);
  }
  for (const auto id : dropped) (void)take(timers, id);
}

}  // namespace longhaul::sandbox
