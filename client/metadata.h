#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "client/options.h"
#include "protocol/error_code.h"
#include "protocol/messages/metadata.h"

namespace longhaul::client {

struct BrokerInfo {
  Endpoint endpoint;
  std::optional<std::string> rack;
};

struct Leader {
  BrokerId broker;
  LeaderEpoch epoch;
  auto operator<=>(const Leader&) const = default;
};

struct PartitionInfo {
  protocol::KafkaErrc error{};  ///< e.g. LEADER_NOT_AVAILABLE; `leader.broker` is none then
  Leader leader;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> in_sync;
};

struct TopicInfo {
  protocol::KafkaErrc
      error{};  ///< e.g. UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED; no partitions then
  TopicId id;   ///< zero where the cluster has no topic ids
  bool is_internal = false;
  std::vector<PartitionInfo> partitions;  ///< by index
};

/// Sans-I/O: what a cluster last said about itself. A partition's leader never goes back to an older leader
/// epoch while the topic is the same: brokers learn of changes at different times, and a lagging one must not
/// undo what is known (KIP-320). A topic with another id is another topic.
class ClusterMetadata {
 public:
  enum class Scope { all_topics, some_topics };

  /// Takes an answer in. With `all_topics`, topics it does not name are forgotten.
  void update(const protocol::MetadataResponse& response, Scope scope);
  /// A newer leader that came with an error (KIP-951). Returns false when it is not newer than what is known.
  bool update_leader(const TopicPartition& partition, Leader leader);
  /// The address of a broker that came along with such an answer.
  void update_broker(BrokerId broker, BrokerInfo info);
  /// Notes that the cluster, asked for everything, did not name this topic.
  void mark_unknown(const std::string& topic);
  void forget_topic(const std::string& topic) { topics_.erase(topic); }

  [[nodiscard]] const std::map<BrokerId, BrokerInfo>& brokers() const { return brokers_; }
  [[nodiscard]] const BrokerInfo* broker(BrokerId id) const;
  [[nodiscard]] const std::map<std::string, TopicInfo, std::less<>>& topics() const { return topics_; }
  /// Null for a topic that was not asked for, or is unknown.
  [[nodiscard]] const TopicInfo* topic(std::string_view name) const;
  [[nodiscard]] const std::string* topic_name(const TopicId& id) const;
  [[nodiscard]] std::optional<Leader> leader(const TopicPartition& partition) const;
  [[nodiscard]] std::optional<BrokerId> controller() const { return controller_; }
  /// Nullopt before the first answer, and where the cluster does not say.
  [[nodiscard]] const std::optional<std::string>& cluster_id() const { return cluster_id_; }

 private:
  void update_topic(const protocol::MetadataResponseTopic& topic);

  std::map<BrokerId, BrokerInfo> brokers_;
  std::map<std::string, TopicInfo, std::less<>> topics_;
  std::map<TopicId, std::string> names_;
  std::optional<BrokerId> controller_;
  std::optional<std::string> cluster_id_;
};

}  // namespace longhaul::client
