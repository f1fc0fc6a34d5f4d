#pragma once

#include <string>
#include <vector>

#include "protocol/error_code.h"
#include "protocol/messages/join_group.h"
#include "sandbox/core.h"

/// How the members of a group come to a new generation: the part of Kafka's group coordinator that several
/// APIs share. Groups are named by their id, because timers outlive them.
namespace longhaul::sandbox {

/// The error of a request about a group that this broker does not coordinate, or whose id is not one.
[[nodiscard]] protocol::KafkaErrc group_error(const Core& core, const Call& call,
                                              const std::string& group_id);
/// The group; null when there is none.
[[nodiscard]] Group* find_group(Core& core, const std::string& group_id);

/// Everyone has to join again.
void prepare_rebalance(Core& core, Group& group);
/// Ends the rebalance if everyone has joined.
void maybe_complete_join(Core& core, Group& group);
/// Answers a join in the current generation.
void answer_join(Core& core, Group& group, GroupMember& member, const Call& call);
void fail_join(Core& core, const Call& call, protocol::KafkaErrc error, const std::string& member_id = {});
void fail_sync(Core& core, const Call& call, protocol::KafkaErrc error);

/// The member was heard of: its session starts anew.
void touch(Core& core, Group& group, GroupMember& member);
/// Takes a member out and lets the others rebalance.
void remove_member(Core& core, Group& group, const std::string& member_id);
/// Forgets an id that was given out.
void remove_pending(Core& core, Group& group, const std::string& member_id);

}  // namespace longhaul::sandbox
