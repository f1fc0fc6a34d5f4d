#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;

KafkaErrc beat(Core& core, const protocol::HeartbeatRequest& request) {
  auto* group = find_group(core, request.group_id);
  if (group == nullptr) return KafkaErrc::unknown_member_id;
  if (request.group_instance_id) {
    const auto known = group->static_members.find(*request.group_instance_id);
    if (known == group->static_members.end()) return KafkaErrc::unknown_member_id;
    if (known->second != request.member_id) return KafkaErrc::fenced_instance_id;
  }
  auto* member = group->member(request.member_id);
  if (member == nullptr || group->state == GroupState::empty) return KafkaErrc::unknown_member_id;
  if (request.generation_id != group->generation) return KafkaErrc::illegal_generation;
  touch(core, *group, *member);
  return group->state == GroupState::preparing_rebalance ? KafkaErrc::rebalance_in_progress : KafkaErrc::none;
}

}  // namespace

protocol::HeartbeatResponse handle(Core& core, const Call& call, const protocol::HeartbeatRequest& request) {
  protocol::HeartbeatResponse response;
  response.error_code = group_error(core, call, request.group_id);
  if (response.error_code == KafkaErrc::none) response.error_code = beat(core, request);
  return response;
}

}  // namespace longhaul::sandbox
