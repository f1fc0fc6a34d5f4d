#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct DescribedGroupMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string client_id;
  std::string client_host;
  Bytes member_metadata;
  Bytes member_assignment;

  static void describe(auto& m, auto&& field) {
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id, since(4), ignorable);
    field("client_id", m.client_id);
    field("client_host", m.client_host);
    field("member_metadata", m.member_metadata);
    field("member_assignment", m.member_assignment);
  }
};

/// From version 6 on a group that does not exist is GROUP_ID_NOT_FOUND; before, it is one in state "Dead".
struct DescribedGroup {
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::string protocol_type;
  std::string protocol_data;
  std::vector<DescribedGroupMember> members;
  std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("error_message", m.error_message, since(6));
    field("group_id", m.group_id);
    field("group_state", m.group_state);
    field("protocol_type", m.protocol_type);
    field("protocol_data", m.protocol_data);
    field("members", m.members);
    field("authorized_operations", m.authorized_operations, since(3));
  }
};

struct DescribeGroupsResponse {
  static constexpr ApiKey kApi = ApiKey::describe_groups;

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedGroup> groups;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("groups", m.groups);
  }
};

struct DescribeGroupsRequest {
  static constexpr ApiKey kApi = ApiKey::describe_groups;
  using Response = DescribeGroupsResponse;

  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  static void describe(auto& m, auto&& field) {
    field("groups", m.groups);
    field("include_authorized_operations", m.include_authorized_operations, since(3));
  }
};

}  // namespace longhaul::protocol
