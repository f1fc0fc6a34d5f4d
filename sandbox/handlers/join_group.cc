#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::JoinGroupRequest;
using protocol::KafkaErrc;

/// Kafka's group.min.session.timeout.ms and group.max.session.timeout.ms.
constexpr std::int32_t kSessionTimeoutMin = 6'000;
constexpr std::int32_t kSessionTimeoutMax = 1'800'000;
/// From here on a new member is given its id first (KIP-394).
constexpr int kMemberIdRequiredSince = 4;

GroupMember member_from(const Call& call, const JoinGroupRequest& request, std::string id) {
  const auto rebalance =
      request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
  GroupMember member;
  member.id = std::move(id);
  member.instance_id = request.group_instance_id;
  member.client_id = call.client_id;
  member.session_timeout = milliseconds(request.session_timeout_ms);
  member.rebalance_timeout = milliseconds(rebalance);
  member.protocols = request.protocols;
  return member;
}

/// The member has joined anew, with what it offers now, and everyone follows.
void rejoin(Core& core, const Call& call, Group& group, GroupMember offered) {
  auto& member = group.members[offered.id];
  offered.session_timer = member.session_timer;
  // A join that the same member sent before is overtaken by this one.
  if (member.joining) fail_join(core, *member.joining, KafkaErrc::rebalance_in_progress, member.id);
  member = std::move(offered);
  member.joining = call;
  if (member.instance_id) group.static_members[*member.instance_id] = member.id;
  touch(core, group, member);
  prepare_rebalance(core, group);
}

void require_member_id(Core& core, const Call& call, Group& group, const JoinGroupRequest& request,
                       const std::string& id) {
  group.pending[id] = core.timers.at(core.now.steady + milliseconds(request.session_timeout_ms),
                                     [&core, group_id = group.id, id] {
                                       auto* known = find_group(core, group_id);
                                       if (known != nullptr) remove_pending(core, *known, id);
                                     });
  fail_join(core, call, KafkaErrc::member_id_required, id);
}

/// A static member that came back under a new id takes the place of the old one (KIP-345).
void replace_static(Core& core, const Call& call, Group& group, const JoinGroupRequest& request,
                    const std::string& old_id, const std::string& id) {
  auto taken = group.members.extract(old_id);
  auto offered = member_from(call, request, id);
  if (!taken.empty()) {
    auto& old = taken.mapped();
    core.timers.cancel(old.session_timer);
    if (old.joining) fail_join(core, *old.joining, KafkaErrc::fenced_instance_id, old_id);
    if (old.syncing) fail_sync(core, *old.syncing, KafkaErrc::fenced_instance_id);
    offered.assignment = std::move(old.assignment);
  }
  if (group.leader == old_id) group.leader = id;
  rejoin(core, call, group, std::move(offered));
}

void join_new(Core& core, const Call& call, Group& group, const JoinGroupRequest& request) {
  const auto prefix = request.group_instance_id ? *request.group_instance_id : call.client_id;
  const auto id = fmt::format("{}-{}", prefix, core.random_id().to_string());
  if (request.group_instance_id) {
    const auto known = group.static_members.find(*request.group_instance_id);
    if (known != group.static_members.end()) {
      const auto old_id = known->second;
      return replace_static(core, call, group, request, old_id, id);
    }
  } else if (call.version >= kMemberIdRequiredSince) {
    return require_member_id(core, call, group, request, id);
  }
  rejoin(core, call, group, member_from(call, request, id));
}

void join_known(Core& core, const Call& call, Group& group, const JoinGroupRequest& request) {
  if (group.pending.contains(request.member_id)) {
    core.timers.cancel(group.pending[request.member_id]);
    group.pending.erase(request.member_id);
    return rejoin(core, call, group, member_from(call, request, request.member_id));
  }
  if (request.group_instance_id) {
    const auto known = group.static_members.find(*request.group_instance_id);
    if (known != group.static_members.end() && known->second != request.member_id) {
      return fail_join(core, call, KafkaErrc::fenced_instance_id, request.member_id);
    }
  }
  auto* member = group.member(request.member_id);
  if (member == nullptr) return fail_join(core, call, KafkaErrc::unknown_member_id, request.member_id);
  auto offered = member_from(call, request, request.member_id);
  const bool is_same = member->has_same_protocols(offered);
  const bool is_leader = group.leader == request.member_id;
  // A repeated join of the generation that is just forming, or one that changes nothing. The leader's always
  // counts: that is how it asks for a new assignment.
  const bool is_repetition = (group.state == GroupState::completing_rebalance && is_same) ||
                             (group.state == GroupState::stable && is_same && !is_leader);
  if (!is_repetition) return rejoin(core, call, group, std::move(offered));
  touch(core, group, *member);
  answer_join(core, group, *member, call);
}

}  // namespace

void handle(Core& core, const Call& call, const JoinGroupRequest& request) {
  if (const auto error = group_error(core, call, request.group_id); error != KafkaErrc::none) {
    return fail_join(core, call, error, request.member_id);
  }
  if (request.session_timeout_ms < kSessionTimeoutMin || request.session_timeout_ms > kSessionTimeoutMax) {
    return fail_join(core, call, KafkaErrc::invalid_session_timeout, request.member_id);
  }
  auto* group = find_group(core, request.group_id);
  if (group == nullptr) {
    if (!request.member_id.empty()) {
      return fail_join(core, call, KafkaErrc::unknown_member_id, request.member_id);
    }
    group = &core.groups[request.group_id];
    group->id = request.group_id;
  }
  if (!group->supports(request.protocol_type, request.protocols)) {
    return fail_join(core, call, KafkaErrc::inconsistent_group_protocol, request.member_id);
  }
  if (group->members.empty()) group->protocol_type = request.protocol_type;
  if (request.member_id.empty()) return join_new(core, call, *group, request);
  join_known(core, call, *group, request);
}

}  // namespace longhaul::sandbox
