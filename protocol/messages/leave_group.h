#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct MemberResponse {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id);
    field("error_code", m.error_code);
  }
};

struct LeaveGroupResponse {
  static constexpr ApiKey kApi = ApiKey::leave_group;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::vector<MemberResponse> members;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1), ignorable);
    field("error_code", m.error_code);
    field("members", m.members, since(3));
  }
};

struct MemberIdentity {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> reason;

  static void describe(auto& m, auto&& field) {
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id);
    field("reason", m.reason, since(5), ignorable);
  }
};

/// Until version 2 one member in `member_id`; from 3 on any number of `members` (KIP-345).
struct LeaveGroupRequest {
  static constexpr ApiKey kApi = ApiKey::leave_group;
  using Response = LeaveGroupResponse;

  std::string group_id;
  std::string member_id;
  std::vector<MemberIdentity> members;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("member_id", m.member_id, until(2));
    field("members", m.members, since(3));
  }
};

}  // namespace longhaul::protocol
