#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::OffsetFetchRequestTopic;
using protocol::OffsetFetchResponsePartition;
using protocol::OffsetFetchResponseTopic;
using AskedTopics = std::optional<std::vector<OffsetFetchRequestTopic>>;

OffsetFetchResponsePartition committed(std::int32_t partition, const CommittedOffset& offset) {
  return {.partition_index = partition,
          .committed_offset = offset.offset,
          .committed_leader_epoch = offset.leader_epoch,
          .metadata = offset.metadata,
          .error_code = KafkaErrc::none};
}

/// Who wants stable offsets gets none where a transaction may be about to change it (KIP-447).
OffsetFetchResponsePartition unstable(std::int32_t partition) {
  return {.partition_index = partition,
          .committed_offset = -1,
          .committed_leader_epoch = -1,
          .metadata = "",
          .error_code = KafkaErrc::unstable_offset_commit};
}

/// What is committed for the topics that were asked for; without any, for all that have something.
std::vector<OffsetFetchResponseTopic> offsets_of(const Group* group, const AskedTopics& asked,
                                                 bool require_stable) {
  std::vector<OffsetFetchResponseTopic> topics;
  if (!asked) {
    if (group == nullptr) return topics;
    for (const auto& [place, offset] : group->offsets) {
      if (topics.empty() || topics.back().name != place.first) {
        topics.push_back({.name = place.first, .partitions = {}});
      }
      topics.back().partitions.push_back(require_stable && group->is_unstable(place)
                                             ? unstable(place.second)
                                             : committed(place.second, offset));
    }
    return topics;
  }
  for (const auto& topic : *asked) {
    auto& answers = topics.emplace_back();
    answers.name = topic.name;
    for (const auto index : topic.partition_indexes) {
      CommittedOffset offset;
      if (group != nullptr) {
        const auto found = group->offsets.find({topic.name, index});
        if (found != group->offsets.end()) offset = found->second;
      }
      const bool is_unstable = require_stable && group != nullptr && group->is_unstable({topic.name, index});
      answers.partitions.push_back(is_unstable ? unstable(index) : committed(index, offset));
    }
  }
  return topics;
}

}  // namespace

protocol::OffsetFetchResponse handle(Core& core, const Call& call,
                                     const protocol::OffsetFetchRequest& request) {
  constexpr int kSeveralSince = 8;
  protocol::OffsetFetchResponse response;
  if (call.version < kSeveralSince) {
    response.error_code = group_error(core, call, request.group_id);
    if (response.error_code == KafkaErrc::none) {
      response.topics =
          offsets_of(find_group(core, request.group_id), request.topics, request.require_stable);
    }
    return response;
  }
  for (const auto& group : request.groups) {
    auto& answer = response.groups.emplace_back();
    answer.group_id = group.group_id;
    answer.error_code = group_error(core, call, group.group_id);
    if (answer.error_code == KafkaErrc::none) {
      answer.topics = offsets_of(find_group(core, group.group_id), group.topics, request.require_stable);
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
