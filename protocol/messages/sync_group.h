#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct SyncGroupResponse {
  static constexpr ApiKey kApi = ApiKey::sync_group;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Bytes assignment;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("error_code", m.error_code);
    field("protocol_type", m.protocol_type, since(5), ignorable);
    field("protocol_name", m.protocol_name, since(5), ignorable);
    field("assignment", m.assignment);
  }
};

struct SyncGroupRequestAssignment {
  std::string member_id;
  Bytes assignment;

  static void describe(auto& m, auto&& field) {
    field("member_id", m.member_id);
    field("assignment", m.assignment);
  }
};

/// The leader gives every member its assignment; the others send none.
struct SyncGroupRequest {
  static constexpr ApiKey kApi = ApiKey::sync_group;
  using Response = SyncGroupResponse;

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<SyncGroupRequestAssignment> assignments;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("generation_id", m.generation_id);
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id, since(3));
    field("protocol_type", m.protocol_type, since(5), ignorable);
    field("protocol_name", m.protocol_name, since(5), ignorable);
    field("assignments", m.assignments);
  }
};

}  // namespace longhaul::protocol
