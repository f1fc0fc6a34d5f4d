#pragma once

#include "client/cluster.h"
#include "protocol/messages/fetch.h"

namespace longhaul::replicator {

/// What one fetch of one partition gave.
struct SimpleFetch {
  Slice frame;
  protocol::PartitionData data;
};

/// Fetches one partition at `position` from its leader, for start-up and internal topics, where speed is no
/// concern: by topic name, one partition a request, on a connection of its own. Repeats retriable failures
/// until `deadline`. Waits half a second at the broker when there is nothing to read.
[[nodiscard]] net::Async<SimpleFetch> fetch_partition(client::Cluster& cluster, TopicPartition partition,
                                                      Offset position, protocol::IsolationLevel isolation,
                                                      SteadyTime deadline);

}  // namespace longhaul::replicator
