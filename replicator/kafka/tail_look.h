#pragma once

#include <string>
#include <vector>

#include "client/cluster.h"
#include "replicator/flow_options.h"
#include "replicator/tail_match.h"

namespace longhaul::replicator {

/// What is to be looked at of one partition.
struct TailLookRequest {
  TopicPartition source;
  TopicPartition target;
  Progress stored;
  OwnProducers ours;
  /// Log start of the source partition, and its end: under read_committed the last stable offset.
  Offset source_start;
  Offset source_end;
  /// Log start of the target partition, and where looking ends: at our own marker, or at the log's end.
  Offset target_start;
  Offset target_end;
  /// With which the partition is written.
  PassLimits limits;
  /// The partition goes on under the stored producer, because its owner could not be fenced.
  bool keeps_producer = false;
  /// The position was stored in a transaction.
  bool transactional = false;
  /// The target topic is compacted.
  bool compacted = false;
  /// Nothing was under way when the position was stored.
  bool drained = false;
  /// The last segments of the offset map, to find an anchor again that was lost or aborted.
  std::vector<MapSegment> map;
};

/// Where a partition goes on, and the pairs found on the way.
struct TailLook {
  Progress progress;
  std::int64_t records = 0;
  std::vector<OffsetRun> runs;
  std::optional<Stop> stop;
  /// What a person should know; empty when there is nothing unusual.
  std::string note;
};

/// Checks that the batch that was acknowledged last is still where it was, and finds what of ours was
/// appended behind it, by reading the target up to `target_end` and as much of the source as is needed. Where
/// the target has lost its tail, or aborted it although the transaction was committed, the last batch of ours
/// that it still has becomes the anchor, if the offset map knows it. Nothing is written.
[[nodiscard]] net::Async<TailLook> look_at_tail(client::Cluster& source, client::Cluster& target,
                                                const FlowOptions& options, TailLookRequest request,
                                                SteadyTime deadline);

}  // namespace longhaul::replicator
