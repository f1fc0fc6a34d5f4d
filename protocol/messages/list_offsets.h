#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

/// Under read_committed the latest offset is the last stable one.
constexpr std::int64_t kLatestTimestamp = -1;
constexpr std::int64_t kEarliestTimestamp = -2;
/// Offset of the record with the largest timestamp; from version 7 on (KIP-734).
constexpr std::int64_t kMaxTimestamp = -3;

/// `offset` is -1 when no record matches.
struct ListOffsetsPartitionResponse {
  std::int32_t partition_index = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int64_t timestamp = -1;
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("error_code", m.error_code);
    field("timestamp", m.timestamp, since(1));
    field("offset", m.offset, since(1));
    field("leader_epoch", m.leader_epoch, since(4), ignorable);
  }
};

struct ListOffsetsTopicResponse {
  std::string name;
  std::vector<ListOffsetsPartitionResponse> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct ListOffsetsResponse {
  static constexpr ApiKey kApi = ApiKey::list_offsets;

  std::int32_t throttle_time_ms = 0;
  std::vector<ListOffsetsTopicResponse> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(2), ignorable);
    field("topics", m.topics);
  }
};

/// `timestamp` is one of the values below, or milliseconds: then the answer is the first record at or after
/// them.
struct ListOffsetsPartition {
  std::int32_t partition_index = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t timestamp = 0;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("current_leader_epoch", m.current_leader_epoch, since(4));
    field("timestamp", m.timestamp);
  }
};

struct ListOffsetsTopic {
  std::string name;
  std::vector<ListOffsetsPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct ListOffsetsRequest {
  static constexpr ApiKey kApi = ApiKey::list_offsets;
  using Response = ListOffsetsResponse;

  std::int32_t replica_id = -1;  ///< -1: a consumer.
  IsolationLevel isolation_level = IsolationLevel::read_uncommitted;
  std::vector<ListOffsetsTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("replica_id", m.replica_id);
    field("isolation_level", m.isolation_level, since(2));
    field("topics", m.topics);
  }
};

}  // namespace longhaul::protocol
