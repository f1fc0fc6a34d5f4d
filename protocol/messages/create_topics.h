#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

struct CreatableTopicConfigs {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  ConfigSource config_source = ConfigSource::unknown;
  bool is_sensitive = false;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("value", m.value);
    field("read_only", m.read_only);
    field("config_source", m.config_source);
    field("is_sensitive", m.is_sensitive);
  }
};

struct CreatableTopicResult {
  std::string name;
  TopicId topic_id;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  KafkaErrc topic_config_error_code = KafkaErrc::none;
  std::int32_t num_partitions = -1;
  std::int16_t replication_factor = -1;
  std::optional<std::vector<CreatableTopicConfigs>> configs;  ///< Null when we may not see them.

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("topic_id", m.topic_id, since(7), ignorable);
    field("error_code", m.error_code);
    field("error_message", m.error_message, since(1));
    field("topic_config_error_code", m.topic_config_error_code, tagged(0, 5), ignorable);
    field("num_partitions", m.num_partitions, since(5), ignorable);
    field("replication_factor", m.replication_factor, since(5), ignorable);
    field("configs", m.configs, since(5), ignorable);
  }
};

struct CreateTopicsResponse {
  static constexpr ApiKey kApi = ApiKey::create_topics;

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatableTopicResult> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(2));
    field("topics", m.topics);
  }
};

struct CreatableReplicaAssignment {
  std::int32_t partition_index = 0;
  std::vector<std::int32_t> broker_ids;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("broker_ids", m.broker_ids);
  }
};

struct CreatableTopicConfig {
  std::string name;
  std::optional<std::string> value;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("value", m.value);
  }
};

struct CreatableTopic {
  std::string name;
  std::int32_t num_partitions = 0;
  std::int16_t replication_factor = 0;
  std::vector<CreatableReplicaAssignment> assignments;
  std::vector<CreatableTopicConfig> configs;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("num_partitions", m.num_partitions);
    field("replication_factor", m.replication_factor);
    field("assignments", m.assignments);
    field("configs", m.configs);
  }
};

/// Partition count or replication factor -1: the broker's default (from version 4 on), or assignments are
/// given.
struct CreateTopicsRequest {
  static constexpr ApiKey kApi = ApiKey::create_topics;
  using Response = CreateTopicsResponse;

  std::vector<CreatableTopic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  static void describe(auto& m, auto&& field) {
    field("topics", m.topics);
    field("timeout_ms", m.timeout_ms);
    field("validate_only", m.validate_only, since(1));
  }
};

}  // namespace longhaul::protocol
