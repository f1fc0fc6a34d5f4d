#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct TxnOffsetCommitResponsePartition {
  std::int32_t partition_index = 0;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("error_code", m.error_code);
  }
};

struct TxnOffsetCommitResponseTopic {
  std::string name;
  std::vector<TxnOffsetCommitResponsePartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct TxnOffsetCommitResponse {
  static constexpr ApiKey kApi = ApiKey::txn_offset_commit;

  std::int32_t throttle_time_ms = 0;
  std::vector<TxnOffsetCommitResponseTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("topics", m.topics);
  }
};

struct TxnOffsetCommitRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> committed_metadata;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("committed_offset", m.committed_offset);
    field("committed_leader_epoch", m.committed_leader_epoch, since(2));
    field("committed_metadata", m.committed_metadata);
  }
};

struct TxnOffsetCommitRequestTopic {
  std::string name;
  std::vector<TxnOffsetCommitRequestPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

/// Offsets that become visible with the transaction. Generation and member fence zombies from version 3 on
/// (KIP-447). Version 5 means transactions of KIP-890, so ask for it only where the broker has finalized
/// `transaction.version` 2.
struct TxnOffsetCommitRequest {
  static constexpr ApiKey kApi = ApiKey::txn_offset_commit;
  using Response = TxnOffsetCommitResponse;

  std::string transactional_id;
  std::string group_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<TxnOffsetCommitRequestTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("transactional_id", m.transactional_id);
    field("group_id", m.group_id);
    field("producer_id", m.producer_id);
    field("producer_epoch", m.producer_epoch);
    field("generation_id", m.generation_id, since(3));
    field("member_id", m.member_id, since(3));
    field("group_instance_id", m.group_instance_id, since(3));
    field("topics", m.topics);
  }
};

}  // namespace longhaul::protocol
