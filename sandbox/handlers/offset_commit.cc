#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::OffsetCommitRequest;

/// Whether the sender may commit for the group: as a member of its generation, or from outside while it has
/// no members.
KafkaErrc sender_error(Core& core, const Call& call, const OffsetCommitRequest& request) {
  constexpr int kGroupNotFoundSince = 9;
  const auto generation = request.generation_id_or_member_epoch;
  auto* group = find_group(core, request.group_id);
  if (group == nullptr) {
    if (generation < 0) return KafkaErrc::none;
    return call.version >= kGroupNotFoundSince ? KafkaErrc::group_id_not_found
                                               : KafkaErrc::illegal_generation;
  }
  if (generation < 0 && group->members.empty()) return KafkaErrc::none;
  if (generation >= 0 || !request.member_id.empty() || request.group_instance_id) {
    if (request.group_instance_id) {
      const auto known = group->static_members.find(*request.group_instance_id);
      if (known == group->static_members.end()) return KafkaErrc::unknown_member_id;
      if (known->second != request.member_id) return KafkaErrc::fenced_instance_id;
    }
    auto* member = group->member(request.member_id);
    if (member == nullptr) return KafkaErrc::unknown_member_id;
    if (generation != group->generation) return KafkaErrc::illegal_generation;
    touch(core, *group, *member);
  } else if (!group->members.empty()) {
    return KafkaErrc::unknown_member_id;
  }
  return group->state == GroupState::completing_rebalance ? KafkaErrc::rebalance_in_progress
                                                          : KafkaErrc::none;
}

}  // namespace

protocol::OffsetCommitResponse handle(Core& core, const Call& call, const OffsetCommitRequest& request) {
  protocol::OffsetCommitResponse response;
  auto whole = group_error(core, call, request.group_id);
  if (whole == KafkaErrc::none) whole = sender_error(core, call, request);
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto error = whole;
      const auto metadata = partition.committed_metadata.value_or("");
      if (error == KafkaErrc::none && core.topics.find(topic.name, partition.partition_index) == nullptr) {
        error = KafkaErrc::unknown_topic_or_partition;
      }
      if (error == KafkaErrc::none && metadata.size() > kOffsetMetadataBytesMax) {
        error = KafkaErrc::offset_metadata_too_large;
      }
      answers.partitions.push_back({.partition_index = partition.partition_index, .error_code = error});
      if (error != KafkaErrc::none) continue;
      auto& group = core.groups[request.group_id];
      group.id = request.group_id;
      group.offsets[{topic.name, partition.partition_index}] = {
          .offset = partition.committed_offset,
          .leader_epoch = partition.committed_leader_epoch,
          .metadata = metadata,
          .serial = ++core.commits};
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
