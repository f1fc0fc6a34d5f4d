#pragma once

#include <optional>

#include "client/cluster.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

/// Whether the source's log was cut below the offset of `progress`, by the leader epoch of the record in
/// front of it: an unclean election took away what had been read, even if the log is longer again by now.
/// Then why the partition has to stop; nothing when the position stands, or when the leader knows nothing of
/// that epoch any more. Repeats what passes by itself until `deadline`. Source: KIP-320.
[[nodiscard]] net::Async<std::optional<Stop>> find_cut(client::Cluster& source, TopicPartition partition,
                                                       const Progress& progress, SteadyTime deadline);

/// The stop of a partition whose source log ends at `end`, under `epoch`, below what was replicated.
[[nodiscard]] Stop cut_below(Offset position, Offset end, LeaderEpoch epoch);

}  // namespace longhaul::replicator
