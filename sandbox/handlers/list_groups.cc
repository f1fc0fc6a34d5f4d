#include <algorithm>
#include <cctype>

#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

constexpr std::string_view kClassic = "classic";

bool is_same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// Filters name states and types in any case; none means all.
bool passes(const std::vector<std::string>& filter, std::string_view name) {
  return filter.empty() ||
         std::ranges::any_of(filter, [&](const std::string& wanted) { return is_same(wanted, name); });
}

}  // namespace

protocol::ListGroupsResponse handle(Core& core, const Call& call,
                                    const protocol::ListGroupsRequest& request) {
  protocol::ListGroupsResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  if (response.error_code != protocol::KafkaErrc::none) return response;
  for (const auto& [id, group] : core.groups) {
    if (core.coordinator(id) != call.broker) continue;
    if (!passes(request.states_filter, name_of(group.state)) || !passes(request.types_filter, kClassic)) {
      continue;
    }
    response.groups.push_back({.group_id = id,
                               .protocol_type = group.protocol_type,
                               .group_state = std::string(name_of(group.state)),
                               .group_type = std::string(kClassic)});
  }
  return response;
}

}  // namespace longhaul::sandbox
