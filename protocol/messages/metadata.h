#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct MetadataResponseBroker {
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  static void describe(auto& m, auto&& field) {
    field("node_id", m.node_id);
    field("host", m.host);
    field("port", m.port);
    field("rack", m.rack, since(1), ignorable);
  }
};

struct MetadataResponsePartition {
  KafkaErrc error_code = KafkaErrc::none;
  std::int32_t partition_index = 0;
  std::int32_t leader_id = 0;  ///< -1: no leader.
  std::int32_t leader_epoch = -1;
  std::vector<std::int32_t> replica_nodes;
  std::vector<std::int32_t> isr_nodes;
  std::vector<std::int32_t> offline_replicas;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("partition_index", m.partition_index);
    field("leader_id", m.leader_id);
    field("leader_epoch", m.leader_epoch, since(7), ignorable);
    field("replica_nodes", m.replica_nodes);
    field("isr_nodes", m.isr_nodes);
    field("offline_replicas", m.offline_replicas, since(5), ignorable);
  }
};

struct MetadataResponseTopic {
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> name = "";
  TopicId topic_id;
  bool is_internal = false;
  std::vector<MetadataResponsePartition> partitions;
  /// Bits by AclOperation; the smallest integer where they were not asked for.
  std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("name", m.name, nullable_since(12));
    field("topic_id", m.topic_id, since(10), ignorable);
    field("is_internal", m.is_internal, since(1), ignorable);
    field("partitions", m.partitions);
    field("topic_authorized_operations", m.topic_authorized_operations, since(8));
  }
};

struct MetadataResponse {
  static constexpr ApiKey kApi = ApiKey::metadata;

  std::int32_t throttle_time_ms = 0;
  std::vector<MetadataResponseBroker> brokers;
  std::optional<std::string> cluster_id;
  std::int32_t controller_id = -1;
  std::vector<MetadataResponseTopic> topics;
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(3), ignorable);
    field("brokers", m.brokers);
    field("cluster_id", m.cluster_id, since(2), ignorable);
    field("controller_id", m.controller_id, since(1), ignorable);
    field("topics", m.topics);
    field("cluster_authorized_operations", m.cluster_authorized_operations, since(8), until(10));
    field("error_code", m.error_code, since(13), ignorable);
  }
};

/// By name, or from version 12 on by id with a null name.
struct MetadataRequestTopic {
  TopicId topic_id;
  std::optional<std::string> name = "";

  static void describe(auto& m, auto&& field) {
    field("topic_id", m.topic_id, since(10), ignorable);
    field("name", m.name, nullable_since(10));
  }
};

struct MetadataRequest {
  static constexpr ApiKey kApi = ApiKey::metadata;
  using Response = MetadataResponse;

  std::optional<std::vector<MetadataRequestTopic>> topics;  ///< Null: all topics; empty: none.
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  static void describe(auto& m, auto&& field) {
    field("topics", m.topics);
    field("allow_auto_topic_creation", m.allow_auto_topic_creation, since(4));
    field("include_cluster_authorized_operations", m.include_cluster_authorized_operations, since(8),
          until(10));
    field("include_topic_authorized_operations", m.include_topic_authorized_operations, since(8));
  }
};

}  // namespace longhaul::protocol
