#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/message.h"

namespace longhaul::protocol {

struct HeartbeatResponse {
  static constexpr ApiKey kApi = ApiKey::heartbeat;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("error_code", m.error_code);
  }
};

/// Keeps a member in its group; REBALANCE_IN_PROGRESS asks it to join again.
struct HeartbeatRequest {
  static constexpr ApiKey kApi = ApiKey::heartbeat;
  using Response = HeartbeatResponse;

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("generation_id", m.generation_id);
    field("member_id", m.member_id);
    field("group_instance_id", m.group_instance_id, since(3));
  }
};

}  // namespace longhaul::protocol
