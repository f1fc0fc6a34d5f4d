#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

/// `committed_offset` is -1 where nothing was committed.
struct OffsetFetchResponsePartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> metadata;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("committed_offset", m.committed_offset);
    field("committed_leader_epoch", m.committed_leader_epoch, since(5));
    field("metadata", m.metadata);
    field("error_code", m.error_code);
  }
};

struct OffsetFetchResponseTopic {
  std::string name;
  std::vector<OffsetFetchResponsePartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partitions", m.partitions);
  }
};

struct OffsetFetchResponseGroup {
  std::string group_id;
  std::vector<OffsetFetchResponseTopic> topics;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("topics", m.topics);
    field("error_code", m.error_code);
  }
};

/// Until version 7 one group in the fields of its own; from 8 on `groups` (KIP-709).
struct OffsetFetchResponse {
  static constexpr ApiKey kApi = ApiKey::offset_fetch;

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetFetchResponseTopic> topics;
  KafkaErrc error_code = KafkaErrc::none;
  std::vector<OffsetFetchResponseGroup> groups;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(3));
    field("topics", m.topics, until(7));
    field("error_code", m.error_code, since(2), until(7), ignorable);
    field("groups", m.groups, since(8));
  }
};

struct OffsetFetchRequestTopic {
  std::string name;
  std::vector<std::int32_t> partition_indexes;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("partition_indexes", m.partition_indexes);
  }
};

/// Null topics: every partition that has a committed offset.
struct OffsetFetchRequestGroup {
  std::string group_id;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = -1;
  std::optional<std::vector<OffsetFetchRequestTopic>> topics;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("member_id", m.member_id, since(9), ignorable);
    field("member_epoch", m.member_epoch, since(9), ignorable);
    field("topics", m.topics);
  }
};

/// Until version 7 one group in the fields of its own; from 8 on any number of `groups` (KIP-709).
/// `require_stable` waits for open transactions to end: UNSTABLE_OFFSET_COMMIT until then (KIP-447).
struct OffsetFetchRequest {
  static constexpr ApiKey kApi = ApiKey::offset_fetch;
  using Response = OffsetFetchResponse;

  std::string group_id;
  std::optional<std::vector<OffsetFetchRequestTopic>> topics;
  std::vector<OffsetFetchRequestGroup> groups;
  bool require_stable = false;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id, until(7));
    field("topics", m.topics, until(7));
    field("groups", m.groups, since(8));
    field("require_stable", m.require_stable, since(7));
  }
};

}  // namespace longhaul::protocol
