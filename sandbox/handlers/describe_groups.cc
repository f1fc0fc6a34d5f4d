#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::DescribedGroup;
using protocol::KafkaErrc;

/// Every operation on groups, as bits: without authorization all is allowed.
constexpr std::int32_t kGroupOperations = 3400;

void describe(const Group& group, DescribedGroup& described) {
  const bool is_stable = group.state == GroupState::stable;
  described.group_state = name_of(group.state);
  described.protocol_type = group.protocol_type;
  // Before the generation is complete nothing that is shown of it would be true.
  if (is_stable) described.protocol_data = group.protocol_name;
  for (const auto& [id, member] : group.members) {
    auto& shown = described.members.emplace_back();
    shown.member_id = id;
    shown.group_instance_id = member.instance_id;
    shown.client_id = member.client_id;
    shown.client_host = "/127.0.0.1";
    if (!is_stable) continue;
    if (const auto* metadata = member.metadata(group.protocol_name)) shown.member_metadata = *metadata;
    shown.member_assignment = member.assignment;
  }
}

}  // namespace

protocol::DescribeGroupsResponse handle(Core& core, const Call& call,
                                        const protocol::DescribeGroupsRequest& request) {
  constexpr int kGroupNotFoundSince = 6;
  protocol::DescribeGroupsResponse response;
  for (const auto& id : request.groups) {
    auto& described = response.groups.emplace_back();
    described.group_id = id;
    described.error_code = group_error(core, call, id);
    if (described.error_code != KafkaErrc::none) continue;
    if (request.include_authorized_operations) described.authorized_operations = kGroupOperations;
    const auto* group = find_group(core, id);
    if (group != nullptr) {
      describe(*group, described);
      continue;
    }
    described.group_state = "Dead";
    if (call.version < kGroupNotFoundSince) continue;
    described.error_code = KafkaErrc::group_id_not_found;
    described.error_message = fmt::format("Group {} not found.", id);
  }
  return response;
}

}  // namespace longhaul::sandbox
