#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

/// A record that made the broker refuse its batch (KIP-467).
struct BatchIndexAndErrorMessage {
  std::int32_t batch_index = 0;
  std::optional<std::string> batch_index_error_message;

  static void describe(auto& m, auto&& field) {
    field("batch_index", m.batch_index);
    field("batch_index_error_message", m.batch_index_error_message);
  }
};

struct PartitionProduceResponse {
  std::int32_t index = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int64_t base_offset =
      0;  ///< Where the batch went; for a duplicate, where it had gone before. -1 on errors.
  std::int64_t log_append_time_ms = -1;
  std::int64_t log_start_offset = -1;
  std::vector<BatchIndexAndErrorMessage> record_errors;
  std::optional<std::string> error_message;
  LeaderIdAndEpoch current_leader;

  static void describe(auto& m, auto&& field) {
    field("index", m.index);
    field("error_code", m.error_code);
    field("base_offset", m.base_offset);
    field("log_append_time_ms", m.log_append_time_ms, since(2));
    field("log_start_offset", m.log_start_offset, since(5), ignorable);
    field("record_errors", m.record_errors, since(8), ignorable);
    field("error_message", m.error_message, since(8), ignorable);
    field("current_leader", m.current_leader, tagged(0, 10));
  }
};

struct TopicProduceResponse {
  std::string name;
  TopicId topic_id;
  std::vector<PartitionProduceResponse> partition_responses;

  static void describe(auto& m, auto&& field) {
    field("name", m.name, until(12), ignorable);
    field("topic_id", m.topic_id, since(13), ignorable);
    field("partition_responses", m.partition_responses);
  }
};

struct ProduceResponse {
  static constexpr ApiKey kApi = ApiKey::produce;

  std::vector<TopicProduceResponse> responses;
  std::int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;

  static void describe(auto& m, auto&& field) {
    field("responses", m.responses);
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("node_endpoints", m.node_endpoints, tagged(0, 10));
  }
};

struct PartitionProduceData {
  std::int32_t index = 0;
  RecordsRef records;

  static void describe(auto& m, auto&& field) {
    field("index", m.index);
    field("records", m.records);
  }
};

/// By name until version 12, by id from 13 on (KIP-516).
struct TopicProduceData {
  std::string name;
  TopicId topic_id;
  std::vector<PartitionProduceData> partition_data;

  static void describe(auto& m, auto&& field) {
    field("name", m.name, until(12), ignorable);
    field("topic_id", m.topic_id, since(13), ignorable);
    field("partition_data", m.partition_data);
  }
};

/// One batch per partition: brokers refuse more (INVALID_RECORD) and drop an incomplete tail silently.
struct ProduceRequest {
  static constexpr ApiKey kApi = ApiKey::produce;
  using Response = ProduceResponse;

  std::optional<std::string> transactional_id;
  std::int16_t acks = 0;  ///< -1: all in-sync replicas. With 0 there is no response frame at all.
  std::int32_t timeout_ms = 0;
  std::vector<TopicProduceData> topic_data;

  static void describe(auto& m, auto&& field) {
    field("transactional_id", m.transactional_id, since(3));
    field("acks", m.acks);
    field("timeout_ms", m.timeout_ms);
    field("topic_data", m.topic_data);
  }
};

}  // namespace longhaul::protocol
