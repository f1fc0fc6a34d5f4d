#pragma once

#include <cstdint>
#include <vector>

#include "client/cluster.h"
#include "net/async.h"
#include "protocol/messages/common.h"
#include "replicator/kafka/partition_comparison.h"

namespace longhaul::app {

/// Up to ten places of one partition, spread over the time of its records, that together hold about `records`
/// of them. A place begins with the first record of either log that is as late as its time: both logs have
/// the same records in the same order, so that is the same record, whatever its offsets are. Where no record
/// has a timestamp, the whole partition. Errors are those of asking for offsets.
[[nodiscard]] net::Async<std::vector<replicator::ComparedPartition>> sample_places(
    client::Cluster& source, client::Cluster& target, replicator::ComparedPartition whole,
    protocol::IsolationLevel isolation, std::int64_t records, SteadyTime deadline);

}  // namespace longhaul::app
