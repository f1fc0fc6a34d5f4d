#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct JoinGroupResponseMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  Bytes metadata;

  static void describe(auto& m, auto&& field) {
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id, since(5), ignorable);
    field("metadata", m.metadata);
  }
};

/// `members` is empty for everyone but the leader.
struct JoinGroupResponse {
  static constexpr ApiKey kApi = ApiKey::join_group;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name = "";
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<JoinGroupResponseMember> members;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(2));
    field("error_code", m.error_code);
    field("generation_id", m.generation_id);
    field("protocol_type", m.protocol_type, since(7), ignorable);
    field("protocol_name", m.protocol_name, nullable_since(7));
    field("leader", m.leader);
    field("skip_assignment", m.skip_assignment, since(9));
    field("member_id", m.member_id);
    field("members", m.members);
  }
};

struct JoinGroupRequestProtocol {
  std::string name;
  Bytes metadata;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("metadata", m.metadata);
  }
};

/// From version 4 on a new dynamic member is answered MEMBER_ID_REQUIRED with its id, and joins again
/// (KIP-394). The metadata of a protocol is opaque to the broker.
struct JoinGroupRequest {
  static constexpr ApiKey kApi = ApiKey::join_group;
  using Response = JoinGroupResponse;

  std::string group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<JoinGroupRequestProtocol> protocols;
  std::optional<std::string> reason;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("session_timeout_ms", m.session_timeout_ms);
    field("rebalance_timeout_ms", m.rebalance_timeout_ms, since(1));
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id, since(5));
    field("protocol_type", m.protocol_type);
    field("protocols", m.protocols);
    field("reason", m.reason, since(8), ignorable);
  }
};

}  // namespace longhaul::protocol
