#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

/// The error of one partition; the others may have been committed.
struct OffsetCommitResponsePartition {
  std::int32_t partition_index = 0;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("error_code", m.error_code);
  }
};

struct OffsetCommitResponseTopic {
  std::string name;
  std::vector<OffsetCommitResponsePartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct OffsetCommitResponse {
  static constexpr ApiKey kApi = ApiKey::offset_commit;

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetCommitResponseTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(3));
    field("topics", m.topics);
  }
};

struct OffsetCommitRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> committed_metadata;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("committed_offset", m.committed_offset);
    field("committed_leader_epoch", m.committed_leader_epoch, since(6));
    field("committed_metadata", m.committed_metadata);
  }
};

struct OffsetCommitRequestTopic {
  std::string name;
  std::vector<OffsetCommitRequestPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

/// With generation -1 and no member: only accepted while the group has no members.
struct OffsetCommitRequest {
  static constexpr ApiKey kApi = ApiKey::offset_commit;
  using Response = OffsetCommitResponse;

  std::string group_id;
  std::int32_t generation_id_or_member_epoch = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<OffsetCommitRequestTopic> topics;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("generation_id_or_member_epoch", m.generation_id_or_member_epoch, since(1));
    field("member_id", m.member_id, since(1));
    field("group_instance_id", m.group_instance_id, since(7));
    field("topics", m.topics);
  }
};

}  // namespace longhaul::protocol
