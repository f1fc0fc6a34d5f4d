#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct ListedGroup {
  std::string group_id;
  std::string protocol_type;
  std::string group_state;
  std::string group_type;

  static void describe(auto& m, auto&& field) {
    field("group_id", m.group_id);
    field("protocol_type", m.protocol_type);
    field("group_state", m.group_state, since(4), ignorable);
    field("group_type", m.group_type, since(5), ignorable);
  }
};

struct ListGroupsResponse {
  static constexpr ApiKey kApi = ApiKey::list_groups;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::vector<ListedGroup> groups;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("error_code", m.error_code);
    field("groups", m.groups);
  }
};

/// Groups that this one broker coordinates. Empty filters: all states, all types.
struct ListGroupsRequest {
  static constexpr ApiKey kApi = ApiKey::list_groups;
  using Response = ListGroupsResponse;

  std::vector<std::string> states_filter;
  std::vector<std::string> types_filter;

  static void describe(auto& m, auto&& field) {
    field("states_filter", m.states_filter, since(4));
    field("types_filter", m.types_filter, since(5));
  }
};

}  // namespace longhaul::protocol
