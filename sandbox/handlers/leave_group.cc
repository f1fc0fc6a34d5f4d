#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;

KafkaErrc leave(Core& core, const std::string& group_id, const protocol::MemberIdentity& leaving) {
  auto* group = find_group(core, group_id);
  if (group == nullptr) return KafkaErrc::unknown_member_id;
  auto member_id = leaving.member_id;
  if (leaving.group_instance_id) {
    const auto known = group->static_members.find(*leaving.group_instance_id);
    if (known == group->static_members.end()) return KafkaErrc::unknown_member_id;
    // An administrator names the instance only; the member itself names both.
    if (!member_id.empty() && known->second != member_id) return KafkaErrc::fenced_instance_id;
    member_id = known->second;
  }
  if (group->pending.contains(member_id)) {
    remove_pending(core, *group, member_id);
    return KafkaErrc::none;
  }
  if (group->member(member_id) == nullptr) return KafkaErrc::unknown_member_id;
  remove_member(core, *group, member_id);
  return KafkaErrc::none;
}

}  // namespace

protocol::LeaveGroupResponse handle(Core& core, const Call& call,
                                    const protocol::LeaveGroupRequest& request) {
  constexpr int kSeveralSince = 3;
  protocol::LeaveGroupResponse response;
  response.error_code = group_error(core, call, request.group_id);
  if (response.error_code != KafkaErrc::none) return response;
  if (call.version < kSeveralSince) {
    response.error_code =
        leave(core, request.group_id,
              {.member_id = request.member_id, .group_instance_id = std::nullopt, .reason = std::nullopt});
    return response;
  }
  for (const auto& member : request.members) {
    response.members.push_back({.member_id = member.member_id,
                                .group_instance_id = member.group_instance_id,
                                .error_code = leave(core, request.group_id, member)});
  }
  return response;
}

}  // namespace longhaul::sandbox
