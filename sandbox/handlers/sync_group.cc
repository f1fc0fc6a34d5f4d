#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::SyncGroupRequest;

void answer_sync(Core& core, const Group& group, const GroupMember& member, const Call& call) {
  protocol::SyncGroupResponse response;
  response.protocol_type = group.protocol_type;
  response.protocol_name = group.protocol_name;
  response.assignment = member.assignment;
  core.answer(call, response);
}

KafkaErrc member_error(Core& core, const SyncGroupRequest& request) {
  auto* group = find_group(core, request.group_id);
  if (group == nullptr) return KafkaErrc::unknown_member_id;
  if (request.group_instance_id) {
    const auto known = group->static_members.find(*request.group_instance_id);
    if (known == group->static_members.end()) return KafkaErrc::unknown_member_id;
    if (known->second != request.member_id) return KafkaErrc::fenced_instance_id;
  }
  if (group->member(request.member_id) == nullptr) return KafkaErrc::unknown_member_id;
  if (request.generation_id != group->generation) return KafkaErrc::illegal_generation;
  if ((request.protocol_type && *request.protocol_type != group->protocol_type) ||
      (request.protocol_name && *request.protocol_name != group->protocol_name)) {
    return KafkaErrc::inconsistent_group_protocol;
  }
  if (group->state == GroupState::empty) return KafkaErrc::unknown_member_id;
  if (group->state == GroupState::preparing_rebalance) return KafkaErrc::rebalance_in_progress;
  return KafkaErrc::none;
}

/// The leader has said who does what: everyone that waits for it is told.
void assign(Core& core, Group& group, const SyncGroupRequest& request) {
  for (const auto& assignment : request.assignments) {
    auto* member = group.member(assignment.member_id);
    if (member != nullptr) member->assignment = assignment.assignment;
  }
  group.state = GroupState::stable;
  for (auto& [id, member] : group.members) {
    if (!member.syncing) continue;
    const auto call = *std::exchange(member.syncing, std::nullopt);
    touch(core, group, member);
    answer_sync(core, group, member, call);
  }
}

}  // namespace

void handle(Core& core, const Call& call, const SyncGroupRequest& request) {
  auto error = group_error(core, call, request.group_id);
  if (error == KafkaErrc::none) error = member_error(core, request);
  if (error != KafkaErrc::none) return fail_sync(core, call, error);
  auto& group = *find_group(core, request.group_id);
  auto& member = *group.member(request.member_id);
  touch(core, group, member);
  if (group.state == GroupState::stable) return answer_sync(core, group, member, call);
  member.syncing = call;
  if (group.leader == request.member_id) assign(core, group, request);
}

}  // namespace longhaul::sandbox
