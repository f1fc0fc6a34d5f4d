#pragma once

#include <optional>
#include <vector>

#include "replicator/kafka/flow.h"

namespace longhaul::replicator {

/// How long the fence of one transactional id may take.
inline constexpr milliseconds kFenceTimeout{20'000};

/// A partition that a flow is about to take up, and what was found out about it so far.
struct Flow::Candidate {
  TopicPartition source;
  TopicPartition target;
  TopicId source_id;
  TopicId target_id;
  /// The offsets below are known.
  bool ready = false;
  /// Why not, where that is known.
  std::optional<Error> unready;
  Offset source_start;
  Offset source_end;
  Offset target_start;
  /// End of the target partition; once it is fenced, where our marker is.
  Offset target_end;
  PassLimits limits;
  TargetCleanup target_cleanup = TargetCleanup::other;
  CorruptBatches corrupt_batches = CorruptBatches::stop;
  bool fenced = false;
  milliseconds producer_memory = PipelineOptions{}.producer_memory;

  /// Who guards the target partition; null where it is not fenced.
  std::shared_ptr<SharedProducer> owner;
  /// How it is written from here on.
  Regime regime = Regime::live;
  /// It is live because its records are recent, and its regime may change.
  bool may_change = false;
  /// It was replicated by this process before; how often it was taken over again in a row.
  bool again = false;
  int retakes = 0;

  Progress progress;
  std::optional<Stop> stop;
  std::vector<MapSegment> map;
  /// Where the stored map ends: the target does not hold what it says of this source offset and those behind.
  Offset map_end;
  /// What a predecessor appended and did not store.
  std::vector<OffsetRun> runs;
  /// Source offsets that were deleted before they were replicated.
  std::int64_t lost = 0;

  /// It is not taken up this time.
  void leave(const Error& why) {
    ready = false;
    unready = why;
  }

  [[nodiscard]] PartitionReport report() const {
    // What a look back found is stored with the position that stands behind it: if this run, too, ends before
    // its first flush, nobody will look for it again.
    OffsetMap known;
    known.restore(map, map_end);
    for (const auto& run : runs) known.add(run);
    auto changed = known.take_unsaved();
    const auto& all = known.segments();
    return {.source = source,
            .target = target,
            .source_id = source_id,
            .target_id = target_id,
            .progress = progress,
            .segments = std::move(changed),
            .last_segment = all.empty() ? -1 : all.back().number,
            .transactional = regime == Regime::transactional};
  }

  [[nodiscard]] PartitionStart start() {
    PartitionStart start{.source = source,
                         .target = target,
                         .source_id = source_id,
                         .target_id = target_id,
                         .progress = progress,
                         .map = std::move(map),
                         .map_end = map_end,
                         .runs = std::move(runs),
                         .lost = lost,
                         .goal = source_end,
                         .transactional_id = owner == nullptr ? std::string() : owner->transactional_id,
                         .retakes = retakes,
                         .stop = stop};
    if (regime == Regime::transactional) {
      start.transaction_id = transaction_id_for(start.transactional_id);
      start.may_leave_transactions = may_change;
    }
    start.options.regime = regime;
    start.options.old_needs_transaction = regime == Regime::live && may_change;
    start.options.limits = limits;
    start.options.corrupt_batches = corrupt_batches;
    start.options.target_cleanup = target_cleanup;
    start.options.producer_memory = producer_memory;
    start.options.idempotent = progress.producer.id != ProducerId();
    return start;
  }
};

}  // namespace longhaul::replicator
