// The part of TransactionLanes that ends them: with all that is read committed, or at once.

#include <algorithm>

#include "net/error.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/transaction_lanes.h"

namespace longhaul::replicator {
namespace {

/// What a drain waits for markers.
constexpr milliseconds kLastLook{5'000};

}  // namespace

net::Async<void> TransactionLanes::finish(SteadyTime deadline) {
  if (lanes_.empty()) co_return Result<void>{};
  finishing_ = true;
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    co_await on_core(one->io(), [one]() -> net::Task {
      one->finish_transactions(FlowShard::Ending::when_written);
      co_return;
    });
  }
  const auto busy = [](const auto& entry) { return entry.second->busy; };
  while (std::ranges::any_of(lanes_, busy)) LH_CO_TRY_VOID(co_await ended_.wait_until(deadline));
  co_await group_.stop();
  std::map<std::string, std::vector<PartitionReport>> last;
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    using Reports = std::vector<std::pair<std::string, PartitionReport>>;
    auto reports = co_await on_core(
        one->io(), [one]() -> boost::asio::awaitable<Reports> { co_return one->transactional_reports(); });
    for (auto& [id, report] : reports) {
      report.drained = report.idle;
      last[id].push_back(std::move(report));
    }
  }
  Result<void> outcome;
  for (auto& [id, reports] : last) {
    auto done = co_await store_last(lane(id), std::move(reports), deadline);
    if (!done && outcome) outcome = std::move(done);
  }
  const auto last_look = std::min(deadline, net::saturating_add(control_.time.now(), kLastLook));
  for (auto& [id, its] : lanes_) {
    if (!is_usable(*its)) continue;
    // Where it cannot be mended now, whoever comes next does it.
    const auto mended = co_await mend(*its, Mending::all, last_look);
    if (!mended && net::is_aborted(mended.error())) co_return mended;
  }
  co_return outcome;
}

net::Async<void> TransactionLanes::store_last(Lane& lane, std::vector<PartitionReport> reports,
                                              SteadyTime deadline) {
  if (!is_usable(lane)) co_return Result<void>{};
  std::set<TopicPartition> partitions;
  for (const auto& report : reports) partitions.merge(store_.partitions_of(report.source));
  LH_CO_TRY_VOID(co_await renew_epoch(lane, deadline));
  LH_CO_TRY_VOID(co_await open_all(lane, partitions, deadline));
  co_return co_await commit(lane, std::move(partitions), reports, deadline);
}

net::Task TransactionLanes::stop() {
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    co_await on_core(one->io(), [one]() -> net::Task {
      one->finish_transactions(FlowShard::Ending::at_once);
      co_return;
    });
  }
  co_await group_.stop();
}

}  // namespace longhaul::replicator
