#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

/// `current_txn_start_offset`: where its open transaction begins in this partition; -1 when it has none.
struct ActiveProducer {
  std::int64_t producer_id = 0;
  std::int32_t producer_epoch = 0;
  std::int32_t last_sequence = -1;
  std::int64_t last_timestamp = -1;
  std::int32_t coordinator_epoch = 0;
  std::int64_t current_txn_start_offset = -1;

  static void describe(auto& m, auto&& field) {
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
    field("last_sequence", m.last_sequence);
    field("last_timestamp", m.last_timestamp);
    field("coordinator_epoch", m.coordinator_epoch);
    field("current_txn_start_offset", m.current_txn_start_offset);
  }
};

struct PartitionProducers {
  std::int32_t partition_index = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  std::vector<ActiveProducer> active_producers;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("error_code", m.error_code);
    field("error_message", m.error_message);
    field("active_producers", m.active_producers);
  }
};

struct TopicProducers {
  std::string name;
  std::vector<PartitionProducers> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct DescribeProducersResponse {
  static constexpr ApiKey kApi = ApiKey::describe_producers;

  std::int32_t throttle_time_ms = 0;
  std::vector<TopicProducers> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("topics", m.topics);
  }
};

struct DescribeProducersTopic {
  std::string name;
  std::vector<std::int32_t> partition_indexes;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partition_indexes", m.partition_indexes);
  }
};

/// What the leaders of partitions remember of those who produced to them (KIP-664).
struct DescribeProducersRequest {
  static constexpr ApiKey kApi = ApiKey::describe_producers;
  using Response = DescribeProducersResponse;

  std::vector<DescribeProducersTopic> topics;

  static void describe(auto& m, auto&& field) { field("topics", m.topics); }
};

}  // namespace longhaul::protocol
