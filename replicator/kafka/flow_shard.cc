#include "replicator/kafka/flow_shard.h"

#include <algorithm>
#include <set>

#include "base/log.h"

namespace longhaul::replicator {
namespace {

/// How often in a row a partition is taken over again that gets no further.
constexpr int kRetakesMax = 3;
constexpr milliseconds kRetiredMin{600'000};

void add_counters(FlowStatus& status, const PipelineCounters& counters) {
  status.records += counters.records;
  status.batches += counters.batches;
  status.bytes += counters.bytes;
  status.retries += counters.retries;
  status.batches_reencoded += counters.reencoded_batches;
  status.records_reencoded += counters.reencoded_records;
  status.corrupt_batches_skipped += counters.corrupt_batches_skipped;
  status.lost_offsets += counters.lost_offsets;
}

}  // namespace

void FlowStatus::add(const FlowStatus& other) {
  partitions += other.partitions;
  records += other.records;
  batches += other.batches;
  bytes += other.bytes;
  batches_reencoded += other.batches_reencoded;
  records_reencoded += other.records_reencoded;
  corrupt_batches_skipped += other.corrupt_batches_skipped;
  lost_offsets += other.lost_offsets;
  retries += other.retries;
  lag += other.lag;
  behind_goal += other.behind_goal;
  missing_topics += other.missing_topics;
  stopped.insert(stopped.end(), other.stopped.begin(), other.stopped.end());
}

FlowShard::FlowShard(net::Io& io, SlabPool& pool, client::ClusterOptions source,
                     client::ClusterOptions target, const FlowOptions& options)
    : io_(io),
      pool_(pool),
      options_(options),
      source_(io, std::move(source)),
      target_(io, std::move(target)),
      changed_(io.time),
      reader_(source_, options_, pool, [this](ShardPartition& partition) { on_changed(partition); }),
      writer_(target_, options_, [this](ShardPartition& partition) { on_changed(partition); }) {}

FlowShard::~FlowShard() = default;

net::Async<void> FlowShard::add(std::vector<PartitionStart> starts, SteadyTime deadline) {
  std::set<std::string> sources;
  std::set<std::string> targets;
  for (const auto& start : starts) {
    sources.insert(start.source.topic);
    targets.insert(start.target.topic);
  }
  // Leaders must be known before the first fetch, and the identity of the target topics before the first
  // write.
  LH_CO_TRY_VOID(co_await source_.refresh_topics({sources.begin(), sources.end()}, deadline));
  LH_CO_TRY_VOID(co_await target_.refresh_topics({targets.begin(), targets.end()}, deadline));
  free_retired();
  for (auto& start : starts) {
    auto& held = partitions_[start.source];
    if (held.partition != nullptr) {
      reader_.remove(*held.partition);
      held.partition->stop_reported = true;  // it is replaced, not stopped
      add_counters(retired_totals_, held.partition->pipeline.counters());
      held.partition->pipeline.stop(
          {StopReason::source_deleted, held.partition->pipeline.settled_offset(), {}});
      retired_.push_back({std::move(held.partition), io_.time.now()});
    }
    forget_attention(start.source, start.transactional_id);
    held.reported = start.progress;
    held.inert = start.stop.has_value();
    start.options.pool = &pool_;
    held.partition = std::make_unique<ShardPartition>(std::move(start), target_.retry_backoff());
    if (held.partition->pipeline.stopped()) {
      report_stop(*held.partition);
    } else {
      reader_.add(*held.partition);
    }
  }
  co_return Result<void>{};
}

void FlowShard::forget_attention(const TopicPartition& source, const std::string& transactional_id) {
  // What came up before concerns the one that is replaced. The marker of its own take-over, for example, has
  // fenced it.
  attention_.retakes.erase(source);
  attention_.regimes.erase(source);
  const auto waits = [&](const auto& entry) {
    const auto found = partitions_.find(entry.first);
    return found != partitions_.end() && found->second.partition != nullptr &&
           found->second.partition->transactional_id == transactional_id;
  };
  if (std::ranges::none_of(attention_.retakes, waits)) attention_.contested.erase(transactional_id);
}

void FlowShard::free_retired() {
  // Longer than any request that may still name them.
  const auto age = kRetiredMin + 4 * (options_.request_timeout + options_.fetch_max_wait);
  std::erase_if(retired_, [&](const Retired& one) {
    auto& partition = *one.partition;
    const bool is_used =
        partition.queued_for_write || partition.in_leader_queue || partition.pipeline.in_flight() > 0;
    if (is_used || io_.time.now() - one.since <= age) return false;
    // An answer that came after it was replaced may have had it look for its leader again.
    reader_.remove(partition);
    return true;
  });
}

void FlowShard::on_changed(ShardPartition& partition) {
  for (const auto& range : partition.pipeline.take_skipped()) report_skipped(partition, range);
  writer_.wake(partition);
  reader_.wake(partition);
  if (partition.pipeline.wants_transaction()) waiting_.try_emplace(partition.source, io_.time.now());
  if (partition.pipeline.stopped() && !partition.stop_reported) on_stopped(partition);
  changed_.notify();
}

void FlowShard::report_skipped(const ShardPartition& partition, const SkippedRange& range) {
  log::error("a damaged batch of the source is skipped, its records are not replicated",
             {{"flow", options_.name()},
              {"topic", partition.source.topic},
              {"partition", partition.source.partition},
              {"from_offset", range.begin},
              {"to_offset", range.end.value() - 1}});
}

void FlowShard::on_stopped(ShardPartition& partition) {
  const auto reason = partition.pipeline.stopped()->reason;
  // What was acknowledged in a transaction counts when that is committed.
  const bool is_ahead = partition.transaction_id.empty() && partition.pipeline.counters().records > 0;
  const int retakes = is_ahead ? 0 : partition.retakes;
  const bool is_fenced = reason == StopReason::taken_over && !partition.transactional_id.empty();
  if (is_fenced && retakes < kRetakesMax) {
    attention_.contested.insert(partition.transactional_id);
    take_again(partition, retakes + 1);
    return;
  }
  if (is_fenced) {
    // Whoever has one partition of the id has them all. The flow reports it, once for all cores.
    attention_.lost.try_emplace(partition.transactional_id, partition.source);
    lose(partition.transactional_id);
    return;
  }
  const bool changes = reason == StopReason::needs_transaction || reason == StopReason::leaves_transactions;
  if (changes || reason == StopReason::transaction_aborted) {
    if (changes) {
      attention_.regimes[partition.source] =
          reason == StopReason::needs_transaction ? Regime::transactional : Regime::live;
    }
    take_again(partition, partition.retakes);
    return;
  }
  if (!partition.is_in_doubt() || retakes >= kRetakesMax) {
    report_stop(partition);
    return;
  }
  take_again(partition, retakes + 1);
}

void FlowShard::take_again(ShardPartition& partition, int retakes) {
  partition.stop_reported = true;
  partition.retaking = true;
  attention_.retakes[partition.source] = retakes;
}

std::size_t FlowShard::lose(const std::string& transactional_id) {
  std::size_t count = 0;
  for (auto& [source, held] : partitions_) {
    auto& partition = *held.partition;
    if (partition.transactional_id != transactional_id) continue;
    ++count;
    held.inert = true;
    partition.stop_reported = true;
    partition.retaking = false;
    attention_.retakes.erase(source);
    attention_.regimes.erase(source);
    if (!partition.pipeline.stopped()) {
      partition.pipeline.stop({StopReason::taken_over, partition.pipeline.settled_offset(), {}});
    }
  }
  changed_.notify();
  return count;
}

void FlowShard::report_stop(ShardPartition& partition) {
  partition.stop_reported = true;
  const auto& stop = *partition.pipeline.stopped();
  std::string reason(describe(stop.reason));
  if (!stop.detail.empty()) reason += ": " + stop.detail;
  log::error("partition stopped", {{"flow", options_.name()},
                                   {"topic", partition.source.topic},
                                   {"partition", partition.source.partition},
                                   {"offset", stop.source_offset},
                                   {"reason", reason}});
}

std::vector<PartitionReport> FlowShard::take_reports(Which which) {
  std::vector<PartitionReport> reports;
  for (auto& [source, held] : partitions_) {
    // Where a partition of transactions stands is stored in them.
    if (held.inert || !held.partition->transaction_id.empty()) continue;
    auto progress = held.partition->pipeline.progress();
    if (which == Which::changed && progress == held.reported) continue;
    held.reported = std::move(progress);
    reports.push_back(report_of(source, *held.partition));
  }
  return reports;
}

PartitionReport FlowShard::report_of(const TopicPartition& source, ShardPartition& partition) {
  auto& pipeline = partition.pipeline;
  auto segments = pipeline.offset_map().take_unsaved();
  const auto& all = pipeline.offset_map().segments();
  return {.source = source,
          .target = partition.target,
          .source_id = partition.source_id,
          .target_id = partition.target_id,
          .progress = pipeline.progress(),
          .segments = std::move(segments),
          .last_segment = all.empty() ? -1 : all.back().number,
          .source_start = partition.source_start,
          .target_start = partition.target_start,
          .idle = pipeline.idle(),
          .transactional = !partition.transaction_id.empty()};
}

FlowStatus FlowShard::status() const {
  FlowStatus status = retired_totals_;
  for (const auto& [source, held] : partitions_) {
    const auto& pipeline = held.partition->pipeline;
    const auto& counters = pipeline.counters();
    ++status.partitions;
    add_counters(status, counters);
    const auto settled = pipeline.settled_offset();
    status.lag += std::max<std::int64_t>(0, pipeline.end() - settled);
    if (held.partition->retaking) {
      ++status.behind_goal;
    } else if (pipeline.stopped()) {
      status.stopped.push_back({source, *pipeline.stopped()});
    } else if (settled < held.partition->goal && !(held.partition->is_at_the_end() && pipeline.idle())) {
      ++status.behind_goal;
    }
  }
  return status;
}

net::Task FlowShard::drain(SteadyTime deadline) {
  for (auto& [source, held] : partitions_) held.partition->pipeline.stop_reading();
  const auto busy = [&] {
    return std::ranges::any_of(partitions_, [](const auto& entry) {
      const auto& pipeline = entry.second.partition->pipeline;
      return pipeline.stopped() ? pipeline.in_flight() > 0 : !pipeline.idle();
    });
  };
  while (busy()) {
    const auto woken = co_await changed_.wait_until(deadline);
    if (!woken) co_return;
  }
}

net::Task FlowShard::stop() {
  co_await reader_.stop();
  co_await writer_.stop();
  co_await source_.stop();
  co_await target_.stop();
}

}  // namespace longhaul::replicator
