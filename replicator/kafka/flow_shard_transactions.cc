// The part of FlowShard that writes partitions in transactions (docs/decisions/061). The transactions
// themselves are begun and committed on the control core, by TransactionLanes.

#include <algorithm>

#include "replicator/kafka/flow_shard.h"

namespace longhaul::replicator {
namespace {

/// How often a transaction that is open looks whether it should be closed.
constexpr milliseconds kLookInterval{20};
/// A partition that waits longer for a transaction lets go of what it has read: its slabs are shared.
constexpr milliseconds kHeldWhileWaiting{2'000};

}  // namespace

FlowShard::Waiting FlowShard::waiting() {
  Waiting waiting;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto found = partitions_.find(at->first);
    if (found == partitions_.end() || !found->second.partition->pipeline.wants_transaction()) {
      at = waiting_.erase(at);
      continue;
    }
    auto& partition = *found->second.partition;
    if (io_.time.now() - at->second > kHeldWhileWaiting) partition.pipeline.hold_back();
    waiting[partition.transaction_id].emplace_back(partition.source, partition.target);
    ++at;
  }
  return waiting;
}

boost::asio::awaitable<std::vector<TransactionPart>> FlowShard::write_in_transaction(
    std::vector<TopicPartition> sources, ProducerState producer, TransactionLimits limits) {
  auto& time = io_.time;
  std::vector<ShardPartition*> open;
  std::int64_t bytes_before = 0;
  for (const auto& source : sources) {
    const auto found = partitions_.find(source);
    if (found == partitions_.end() || !found->second.partition->pipeline.wants_transaction()) continue;
    auto& partition = *found->second.partition;
    partition.pipeline.open_transaction(producer);
    bytes_before += partition.pipeline.counters().bytes;
    open.push_back(&partition);
  }
  for (auto* partition : open) on_changed(*partition);
  const auto stopped = [](const ShardPartition* p) { return p->pipeline.stopped().has_value(); };
  const auto is_large = [&] {
    std::int64_t bytes = 0;
    for (const auto* partition : open) bytes += partition->pipeline.counters().bytes;
    return bytes - bytes_before >= limits.bytes_max;
  };
  const auto has_ended = [&] {
    if (std::ranges::any_of(open, stopped) || is_large()) return true;
    if (!ending_) return false;
    return *ending_ == Ending::at_once ||
           std::ranges::none_of(open, [](const ShardPartition* p) { return p->pipeline.has_unsent(); });
  };
  while (time.now() < limits.until && !has_ended()) {
    const auto next = std::min(limits.until, net::saturating_add(time.now(), kLookInterval));
    if (!co_await time.sleep_until(next)) break;
  }
  for (auto* partition : open) partition->pipeline.close_transaction();
  const auto settled = [](const ShardPartition* p) { return p->pipeline.is_settled(); };
  while (!std::ranges::all_of(open, settled) && ending_ != Ending::at_once) {
    const auto woken = co_await changed_.wait_until(limits.deadline);
    if (!woken) break;
  }
  std::vector<TransactionPart> parts;
  for (auto* partition : open) {
    auto& pipeline = partition->pipeline;
    const bool certain = pipeline.is_settled() && pipeline.is_certain();
    const auto& stop = pipeline.stopped();
    pipeline.end_transaction();
    parts.push_back({.report = report_of(partition->source, *partition),
                     .certain = certain,
                     .broken = stop && stop->reason == StopReason::target_order_broken,
                     .doubted = pipeline.take_doubted(),
                     .sent_old = pipeline.take_sent_old(),
                     .may_leave = partition->may_leave_transactions});
    if (pipeline.wants_transaction()) waiting_.try_emplace(partition->source, time.now());
  }
  co_return parts;
}

std::vector<std::pair<std::string, PartitionReport>> FlowShard::transactional_reports() {
  std::vector<std::pair<std::string, PartitionReport>> reports;
  for (auto& [source, held] : partitions_) {
    auto& partition = *held.partition;
    if (held.inert || partition.transaction_id.empty() || partition.retaking) continue;
    reports.emplace_back(partition.transaction_id, report_of(source, partition));
  }
  return reports;
}

void FlowShard::abandon(const std::vector<TopicPartition>& sources) {
  for (const auto& source : sources) {
    const auto found = partitions_.find(source);
    if (found == partitions_.end()) continue;
    auto& partition = *found->second.partition;
    if (partition.transaction_id.empty()) continue;
    if (partition.pipeline.stopped()) {
      // What was acknowledged of it went with the transaction: it begins again behind the last committed one,
      // and stops where it stopped, if the reason is still there.
      const bool is_reported = partition.is_in_doubt() && !partition.retaking;
      if (!found->second.inert && !partition.retaking && !is_reported) {
        take_again(partition, partition.retakes);
      }
      continue;
    }
    partition.pipeline.stop({StopReason::transaction_aborted, partition.pipeline.settled_offset(), {}});
    on_changed(partition);
  }
}

void FlowShard::committed(const std::vector<TopicPartition>& sources,
                          const std::vector<TopicPartition>& leaving) {
  for (const auto& source : sources) {
    const auto found = partitions_.find(source);
    if (found != partitions_.end()) found->second.partition->retakes = 0;
  }
  for (const auto& source : leaving) {
    const auto found = partitions_.find(source);
    if (found == partitions_.end()) continue;
    auto& partition = *found->second.partition;
    if (partition.transaction_id.empty() || partition.pipeline.stopped()) continue;
    partition.pipeline.stop({StopReason::leaves_transactions, partition.pipeline.settled_offset(), {}});
    on_changed(partition);
  }
}

void FlowShard::finish_transactions(Ending ending) {
  ending_ = ending;
  changed_.notify();
}

}  // namespace longhaul::replicator
