#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct AddPartitionsToTxnPartitionResult {
  std::int32_t partition_index = 0;
  KafkaErrc partition_error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("partition_error_code", m.partition_error_code);
  }
};

struct AddPartitionsToTxnTopicResult {
  std::string name;
  std::vector<AddPartitionsToTxnPartitionResult> results_by_partition;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("results_by_partition", m.results_by_partition);
  }
};

struct AddPartitionsToTxnResponse {
  static constexpr ApiKey kApi = ApiKey::add_partitions_to_txn;

  std::int32_t throttle_time_ms = 0;
  std::vector<AddPartitionsToTxnTopicResult> results_by_topic;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("results_by_topic_v3_and_below", m.results_by_topic);
  }
};

struct AddPartitionsToTxnTopic {
  std::string name;
  std::vector<std::int32_t> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

/// The layout up to version 3; the newer one, of transactions in a batch, is for brokers only.
struct AddPartitionsToTxnRequest {
  static constexpr ApiKey kApi = ApiKey::add_partitions_to_txn;
  using Response = AddPartitionsToTxnResponse;

  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::vector<AddPartitionsToTxnTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("v3_and_below_transactional_id", m.transactional_id);
    field("v3_and_below_producer_id", m.producer_id);
    field("v3_and_below_producer_epoch", m.producer_epoch);
    field("v3_and_below_topics", m.topics);
  }
};

}  // namespace longhaul::protocol
