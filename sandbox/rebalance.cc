#include "sandbox/rebalance.h"

#include "protocol/messages/sync_group.h"

namespace longhaul::sandbox {
namespace {

using protocol::JoinGroupResponse;
using protocol::KafkaErrc;

void expire_member(Core& core, const std::string& group_id, const std::string& member_id) {
  auto* group = find_group(core, group_id);
  auto* member = group == nullptr ? nullptr : group->member(member_id);
  if (member == nullptr) return;
  member->session_timer = 0;
  // Who waits for an answer of the coordinator cannot send heartbeats.
  if (member->joining || member->syncing) return touch(core, *group, *member);
  remove_member(core, *group, member_id);
}

/// Members that have not joined in time are out; static ones stay until their session ends (KIP-345).
void drop_missing(Core& core, Group& group) {
  std::vector<std::string> missing;
  for (const auto& [id, member] : group.members) {
    if (!member.joining && !member.instance_id) missing.push_back(id);
  }
  for (const auto& id : missing) {
    core.timers.cancel(group.members.at(id).session_timer);
    group.members.erase(id);
  }
}

void complete_join(Core& core, Group& group) {
  core.timers.cancel(std::exchange(group.rebalance_timer, 0));
  group.is_initial_delay = false;
  drop_missing(core, group);
  ++group.generation;
  if (group.members.empty()) {
    group.state = GroupState::empty;
    group.protocol_name.clear();
    group.leader.clear();
    return;
  }
  group.protocol_name = group.elect_protocol();
  const auto* leader = group.member(group.leader);
  if (leader == nullptr || !leader->joining) {
    for (const auto& [id, member] : group.members) {
      if (!member.joining) continue;
      group.leader = id;
      break;
    }
  }
  group.state = GroupState::completing_rebalance;
  for (auto& [id, member] : group.members) {
    member.assignment.clear();
    if (!member.joining) continue;
    const auto call = *std::exchange(member.joining, std::nullopt);
    touch(core, group, member);
    answer_join(core, group, member, call);
  }
}

void on_rebalance_timer(Core& core, const std::string& group_id) {
  auto* group = find_group(core, group_id);
  if (group == nullptr || group->state != GroupState::preparing_rebalance) return;
  group->rebalance_timer = 0;
  complete_join(core, *group);
}

}  // namespace

KafkaErrc group_error(const Core& core, const Call& call, const std::string& group_id) {
  if (const auto error = call.injected_error(FaultMoment::before); error != KafkaErrc::none) return error;
  if (group_id.empty()) return KafkaErrc::invalid_group_id;
  return core.coordinator_error(call, group_id);
}

Group* find_group(Core& core, const std::string& group_id) {
  const auto found = core.groups.find(group_id);
  return found == core.groups.end() ? nullptr : &found->second;
}

void prepare_rebalance(Core& core, Group& group) {
  if (group.state == GroupState::preparing_rebalance) return maybe_complete_join(core, group);
  for (auto& [id, member] : group.members) {
    if (!member.syncing) continue;
    const auto call = *std::exchange(member.syncing, std::nullopt);
    touch(core, group, member);
    fail_sync(core, call, KafkaErrc::rebalance_in_progress);
  }
  group.is_initial_delay = group.state == GroupState::empty;
  group.state = GroupState::preparing_rebalance;
  const auto time =
      group.is_initial_delay ? core.options.group_initial_rebalance_delay : group.rebalance_timeout_max();
  group.rebalance_timer =
      core.timers.at(core.now.steady + time, [&core, id = group.id] { on_rebalance_timer(core, id); });
  maybe_complete_join(core, group);
}

void maybe_complete_join(Core& core, Group& group) {
  if (group.state != GroupState::preparing_rebalance || group.is_initial_delay) return;
  if (group.has_all_joined()) complete_join(core, group);
}

void answer_join(Core& core, Group& group, GroupMember& member, const Call& call) {
  JoinGroupResponse response;
  response.generation_id = group.generation;
  response.protocol_type = group.protocol_type;
  response.protocol_name = group.protocol_name;
  response.leader = group.leader;
  response.member_id = member.id;
  if (member.id == group.leader) {
    for (const auto& [id, other] : group.members) {
      const auto* metadata = other.metadata(group.protocol_name);
      response.members.push_back({.member_id = id,
                                  .group_instance_id = other.instance_id,
                                  .metadata = metadata == nullptr ? Bytes() : *metadata});
    }
  }
  core.answer(call, response);
}

void fail_join(Core& core, const Call& call, KafkaErrc error, const std::string& member_id) {
  constexpr int kNullProtocolSince = 7;
  JoinGroupResponse response;
  response.error_code = error;
  response.member_id = member_id;
  if (call.version >= kNullProtocolSince) response.protocol_name = std::nullopt;
  core.answer(call, response);
}

void fail_sync(Core& core, const Call& call, KafkaErrc error) {
  protocol::SyncGroupResponse response;
  response.error_code = error;
  core.answer(call, response);
}

void touch(Core& core, Group& group, GroupMember& member) {
  core.timers.cancel(member.session_timer);
  member.session_timer =
      core.timers.at(core.now.steady + member.session_timeout,
                     [&core, group_id = group.id, id = member.id] { expire_member(core, group_id, id); });
}

void remove_member(Core& core, Group& group, const std::string& member_id) {
  auto taken = group.members.extract(member_id);
  if (taken.empty()) return;
  auto& member = taken.mapped();
  core.timers.cancel(member.session_timer);
  if (member.instance_id) group.static_members.erase(*member.instance_id);
  if (member.joining) fail_join(core, *member.joining, KafkaErrc::unknown_member_id, member_id);
  if (member.syncing) fail_sync(core, *member.syncing, KafkaErrc::unknown_member_id);
  if (group.state == GroupState::stable || group.state == GroupState::completing_rebalance) {
    prepare_rebalance(core, group);
  } else {
    maybe_complete_join(core, group);
  }
}

void remove_pending(Core& core, Group& group, const std::string& member_id) {
  const auto found = group.pending.find(member_id);
  if (found == group.pending.end()) return;
  core.timers.cancel(found->second);
  group.pending.erase(found);
  maybe_complete_join(core, group);
}

}  // namespace longhaul::sandbox
