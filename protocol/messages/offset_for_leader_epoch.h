#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

/// `leader_epoch` is the largest epoch not above the one asked for, `end_offset` where it ends; both -1 when
/// there is none.
struct EpochEndOffset {
  KafkaErrc error_code = KafkaErrc::none;
  std::int32_t partition = 0;
  std::int32_t leader_epoch = -1;
  std::int64_t end_offset = -1;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("partition", m.partition);
    field("leader_epoch", m.leader_epoch, since(1));
    field("end_offset", m.end_offset);
  }
};

struct OffsetForLeaderTopicResult {
  std::string topic;
  std::vector<EpochEndOffset> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic);
    field("partitions", m.partitions);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr ApiKey kApi = ApiKey::offset_for_leader_epoch;

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetForLeaderTopicResult> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(2));
    field("topics", m.topics);
  }
};

struct OffsetForLeaderPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t leader_epoch = 0;

  static void describe(auto& m, auto&& field) {
    field("partition", m.partition);
    field("current_leader_epoch", m.current_leader_epoch, since(2));
    field("leader_epoch", m.leader_epoch);
  }
};

struct OffsetForLeaderTopic {
  std::string topic;
  std::vector<OffsetForLeaderPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic);
    field("partitions", m.partitions);
  }
};

/// Where an epoch ends on the leader: how a fetcher notices that the log behind it was cut (KIP-320).
struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey kApi = ApiKey::offset_for_leader_epoch;
  using Response = OffsetForLeaderEpochResponse;

  std::int32_t replica_id = -2;  ///< -1: a consumer; -2: debugging tools.
  std::vector<OffsetForLeaderTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("replica_id", m.replica_id, since(3), ignorable);
    field("topics", m.topics);
  }
};

}  // namespace longhaul::protocol
