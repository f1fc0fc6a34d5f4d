#include "client/metadata.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

/// More partitions than Kafka can run; an index above comes from a peer that does not mean what it says.
constexpr std::int32_t kPartitionsMax = 1'000'000;

std::vector<BrokerId> broker_ids(const std::vector<std::int32_t>& ids) {
  std::vector<BrokerId> out;
  out.reserve(ids.size());
  for (const auto id : ids) out.emplace_back(id);
  return out;
}

PartitionInfo partition_info(const protocol::MetadataResponsePartition& partition) {
  return {.error = partition.error_code,
          .leader = {BrokerId(partition.leader_id), LeaderEpoch(partition.leader_epoch)},
          .replicas = broker_ids(partition.replica_nodes),
          .in_sync = broker_ids(partition.isr_nodes)};
}

/// Port of a broker; 0, which nothing listens on, for a number that is none.
std::uint16_t port_of(std::int32_t port) {
  return port > 0 && port <= std::numeric_limits<std::uint16_t>::max() ? static_cast<std::uint16_t>(port)
                                                                       : std::uint16_t{0};
}

}  // namespace

void ClusterMetadata::update(const protocol::MetadataResponse& response, Scope scope) {
  brokers_.clear();
  for (const auto& broker : response.brokers) {
    brokers_[BrokerId(broker.node_id)] = {{broker.host, port_of(broker.port)}, broker.rack};
  }
  controller_.reset();
  if (response.controller_id >= 0) controller_ = BrokerId(response.controller_id);
  if (response.cluster_id) cluster_id_ = response.cluster_id;
  for (const auto& topic : response.topics) {
    if (topic.name) update_topic(topic);
  }
  if (scope == Scope::all_topics) {
    std::set<std::string_view> named;
    for (const auto& topic : response.topics) {
      if (topic.name) named.insert(*topic.name);
    }
    std::erase_if(topics_, [&](const auto& entry) { return !named.contains(entry.first); });
  }
  names_.clear();
  for (const auto& [name, topic] : topics_) {
    if (!topic.id.is_zero()) names_[topic.id] = name;
  }
}

void ClusterMetadata::update_topic(const protocol::MetadataResponseTopic& topic) {
  TopicInfo next{
      .error = topic.error_code, .id = topic.topic_id, .is_internal = topic.is_internal, .partitions = {}};
  const auto known = topics_.find(*topic.name);
  PartitionInfo unknown;
  unknown.error = KafkaErrc::leader_not_available;
  for (const auto& partition : topic.partitions) {
    const auto index = partition.partition_index;
    if (index < 0 || index >= kPartitionsMax) continue;
    const auto at = static_cast<std::size_t>(index);
    if (next.partitions.size() <= at) {
      // A gap in the list is a partition that the broker does not know the leader of.
      next.partitions.resize(at + 1, unknown);
    }
    next.partitions[at] = partition_info(partition);
  }
  if (known != topics_.end() && known->second.id == next.id) {
    const auto& before = known->second.partitions;
    for (std::size_t i = 0; i < std::min(before.size(), next.partitions.size()); ++i) {
      // Older than what is known: this broker has not heard yet. Epochs are -1 where the cluster has none.
      if (next.partitions[i].leader.epoch < before[i].leader.epoch) next.partitions[i] = before[i];
    }
  }
  topics_.insert_or_assign(*topic.name, std::move(next));
}

bool ClusterMetadata::update_leader(const TopicPartition& partition, Leader leader) {
  const auto found = topics_.find(partition.topic);
  if (found == topics_.end() || partition.partition.value() < 0) return false;
  const auto at = static_cast<std::size_t>(partition.partition.value());
  if (at >= found->second.partitions.size()) return false;
  auto& known = found->second.partitions[at];
  if (leader.epoch <= known.leader.epoch || leader.broker.value() < 0) return false;
  known.leader = leader;
  known.error = KafkaErrc::none;
  return true;
}

void ClusterMetadata::update_broker(BrokerId broker, BrokerInfo info) {
  brokers_.insert_or_assign(broker, std::move(info));
}

void ClusterMetadata::mark_unknown(const std::string& topic) {
  TopicInfo info;
  info.error = KafkaErrc::unknown_topic_or_partition;
  topics_.insert_or_assign(topic, std::move(info));
}

const BrokerInfo* ClusterMetadata::broker(BrokerId id) const {
  const auto found = brokers_.find(id);
  return found == brokers_.end() ? nullptr : &found->second;
}

const TopicInfo* ClusterMetadata::topic(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

const std::string* ClusterMetadata::topic_name(const TopicId& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? nullptr : &found->second;
}

std::optional<Leader> ClusterMetadata::leader(const TopicPartition& partition) const {
  const auto* info = topic(partition.topic);
  if (info == nullptr || partition.partition.value() < 0) return std::nullopt;
  const auto at = static_cast<std::size_t>(partition.partition.value());
  if (at >= info->partitions.size() || info->partitions[at].leader.broker.value() < 0) return std::nullopt;
  return info->partitions[at].leader;
}

}  // namespace longhaul::client
