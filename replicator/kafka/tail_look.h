#pragma once

#include <vector>

#include "client/cluster.h"
#include "replicator/flow_options.h"
#include "replicator/tail_match.h"

namespace longhaul::replicator {

/// Where a partition goes on after a predecessor that ended without draining, and the pairs found on the way.
struct TailLook {
  Progress progress;
  std::vector<OffsetRun> runs;
  std::optional<Stop> stop;
};

/// Reads the target behind `stored.target_offset` to `target_end` and as much of the source as is needed to
/// see what of it was appended there, under the limits that the partition is written with. Nothing is
/// written.
[[nodiscard]] net::Async<TailLook> look_at_tail(client::Cluster& source, client::Cluster& target,
                                                const FlowOptions& options, TopicPartition source_partition,
                                                TopicPartition target_partition, Progress stored,
                                                Offset target_end, PassLimits limits, SteadyTime deadline);

}  // namespace longhaul::replicator
