#pragma once

#include "protocol/messages/fetch.h"
#include "replicator/passthrough.h"

namespace longhaul::replicator {

/// Where the log ends for a reader under `isolation`.
[[nodiscard]] Offset end_of(const protocol::PartitionData& data, protocol::IsolationLevel isolation);

/// What an answer without an error says about a partition. The records stay in `frame`, which is kept.
[[nodiscard]] FetchedSet fetched_set(const protocol::PartitionData& data, const Slice& frame,
                                     protocol::IsolationLevel isolation, LeaderEpoch leader_epoch = {});

}  // namespace longhaul::replicator
