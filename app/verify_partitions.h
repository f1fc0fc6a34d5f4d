#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/config/flow_config.h"
#include "client/cluster.h"
#include "net/async.h"
#include "protocol/messages/common.h"
#include "replicator/java_pattern.h"
#include "replicator/kafka/partition_comparison.h"

namespace longhaul::app {

/// A topic that cannot be compared partition by partition, or not in all of them.
struct TopicMismatch {
  /// "orders -> A.orders"
  std::string what;
  std::string text;
};

/// Of a source topic and its remote topic; zero where a cluster is too old to have them.
struct TopicIds {
  TopicId source;
  TopicId target;
  bool operator==(const TopicIds&) const = default;
};

struct FoundPartitions {
  /// By topic, then number; without offsets.
  std::vector<replicator::ComparedPartition> partitions;
  std::vector<TopicMismatch> mismatches;
  /// By source topic, of those with partitions to compare.
  std::map<std::string, TopicIds> ids;
};

/// What the flow copies of those source topics that `topics` matches (all without it), as both clusters are
/// now. Whether a topic is compacted is left out where a cluster does not show its settings.
[[nodiscard]] net::Async<FoundPartitions> find_partitions(
    client::Cluster& source, client::Cluster& target, const config::FlowConfig& flow,
    const std::optional<replicator::JavaPattern>& topics, SteadyTime deadline);

/// Start and end of each partition, in the order asked.
[[nodiscard]] net::Async<std::vector<Result<replicator::OffsetRange>>> offset_ranges(
    client::Cluster& cluster, std::vector<TopicPartition> asked, protocol::IsolationLevel isolation,
    SteadyTime deadline);

}  // namespace longhaul::app
