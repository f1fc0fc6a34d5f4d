#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "client/retry.h"
#include "replicator/kafka/topic_check.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

/// What a shard needs to take a partition up.
struct PartitionStart {
  TopicPartition source;
  TopicPartition target;
  TopicId source_id;
  TopicId target_id;
  Progress progress;
  PipelineOptions options;
  /// The last stored segment of the offset map, if any: the map goes on in it.
  std::vector<MapSegment> map;
  /// The source offset where it ends.
  Offset map_end;
  /// Runs that belong to the map behind it: what a predecessor appended and did not store.
  std::vector<OffsetRun> runs;
  /// Source offsets that were deleted before they were replicated.
  std::int64_t lost = 0;
  /// End of the source partition when it was first seen.
  Offset goal;
  /// The transactional id that guards the target partition; empty where there is none.
  std::string transactional_id;
  /// The one whose transactions it is written in; empty for a live partition.
  std::string transaction_id;
  /// It may leave transactions when its records are recent again.
  bool may_leave_transactions = false;
  /// How often it was taken over again in a row without getting any further.
  int retakes = 0;
  /// Set when the partition must not be replicated.
  std::optional<Stop> stop;
  /// The time of day on the target at `taken_up`: how old records are is judged by the clock that forgets
  /// their producers.
  std::int64_t target_ms = 0;
  SteadyTime taken_up;
  std::int64_t taken_up_ms = 0;  ///< the same moment by this host's clock
};

/// One partition on its shard: the pure pipeline and where its I/O stands. Lives on the shard's core.
struct ShardPartition {
  ShardPartition(PartitionStart start, client::Backoff retry)
      : source(std::move(start.source)),
        target(std::move(start.target)),
        source_id(start.source_id),
        target_id(start.target_id),
        goal(start.goal),
        transactional_id(std::move(start.transactional_id)),
        transaction_id(std::move(start.transaction_id)),
        may_leave_transactions(start.may_leave_transactions),
        retakes(start.retakes),
        target_ms(start.target_ms),
        taken_up(start.taken_up),
        taken_up_ms(start.taken_up_ms),
        pipeline(std::move(start.progress), start.options),
        backoff(retry) {
    pipeline.see_end(goal);
    pipeline.count_lost(start.lost);
    pipeline.offset_map().restore(std::move(start.map), start.map_end);
    for (const auto& run : start.runs) pipeline.offset_map().add(run);
    if (start.stop) pipeline.stop(*std::move(start.stop));
  }

  TopicPartition source;
  TopicPartition target;
  TopicId source_id;
  TopicId target_id;
  Offset goal;
  std::string transactional_id;
  std::string transaction_id;
  bool may_leave_transactions = false;
  int retakes = 0;
  std::int64_t target_ms = 0;
  SteadyTime taken_up;
  std::int64_t taken_up_ms = 0;
  /// Whether it has stopped for a reason that a look at the target may settle. In a transaction what was
  /// stored behind a gap is aborted, so that it may be written again.
  [[nodiscard]] bool is_in_doubt() const {
    const auto& stop = pipeline.stopped();
    if (!stop) return false;
    const bool is_aborted = stop->reason == StopReason::target_order_broken && !transaction_id.empty();
    return is_aborted || is_doubt(stop->reason);
  }
  /// The time of day on the target, or later: a host that slept has a steady clock that stood still.
  [[nodiscard]] std::int64_t wall_ms(const Clock& clock) const {
    const auto steady = std::chrono::duration_cast<milliseconds>(clock.now() - taken_up).count();
    return target_ms + std::max<std::int64_t>(steady, clock.wall_ms() - taken_up_ms);
  }
  PartitionPipeline pipeline;
  client::Backoff backoff;
  /// Log starts, as brokers tell them with their answers.
  Offset source_start{0};
  Offset target_start{0};

  /// Which read lane asks for it; none while its leader is being looked for.
  enum class Reading { unrouted, bulk, tip, paused };
  Reading reading = Reading::unrouted;
  BrokerId source_broker;
  LeaderEpoch source_epoch;
  /// The tip lane takes it over at its next poll.
  bool joins_tip = false;
  /// The epoch of the last batch is sent along only while the leader knows it.
  bool checks_divergence = true;
  UnknownTopic unknown_source;
  int refused_reads = 0;  ///< in a row
  /// Where the last answer had nothing for anybody although the log goes on: compaction left nothing from
  /// there up to its end.
  std::optional<Offset> found_nothing_at;
  [[nodiscard]] bool found_nothing() const { return found_nothing_at == pipeline.fetch_offset(); }
  [[nodiscard]] bool is_at_the_end() const { return found_nothing() && nothing_is_left; }
  /// It is believed that nothing comes up to the goal either.
  bool nothing_is_left = false;
  /// An end below the goal that the source has told, and since when it tells no other.
  Offset short_end;
  SteadyTime short_since;
  bool in_route_queue = false;

  /// The target broker that batches under way were sent to; others must not overtake them.
  BrokerId target_broker;
  bool queued_for_write = false;
  bool in_leader_queue = false;
  UnknownTopic unknown_target;

  bool stop_reported = false;
  /// It stands still until the flow has taken it over again and looked at what the target holds.
  bool retaking = false;
};

}  // namespace longhaul::replicator
