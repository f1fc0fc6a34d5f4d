#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct DeleteRecordsPartitionResult {
  std::int32_t partition_index = 0;
  std::int64_t low_watermark = 0;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("low_watermark", m.low_watermark);
    field("error_code", m.error_code);
  }
};

struct DeleteRecordsTopicResult {
  std::string name;
  std::vector<DeleteRecordsPartitionResult> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct DeleteRecordsResponse {
  static constexpr ApiKey kApi = ApiKey::delete_records;

  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteRecordsTopicResult> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("topics", m.topics);
  }
};

/// Everything below `offset` goes; -1 means the high watermark.
struct DeleteRecordsPartition {
  std::int32_t partition_index = 0;
  std::int64_t offset = 0;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("offset", m.offset);
  }
};

struct DeleteRecordsTopic {
  std::string name;
  std::vector<DeleteRecordsPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct DeleteRecordsRequest {
  static constexpr ApiKey kApi = ApiKey::delete_records;
  using Response = DeleteRecordsResponse;

  std::vector<DeleteRecordsTopic> topics;
  std::int32_t timeout_ms = 0;

  static void describe(auto& m, auto&& field) {
    field("topics", m.topics);
    field("timeout_ms", m.timeout_ms);
  }
};

}  // namespace longhaul::protocol
