#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;

constexpr std::int64_t kHighWatermark = -1;

KafkaErrc remove(Core& core, const Call& call, const Topic* topic, std::int32_t index, std::int64_t offset,
                 std::int64_t& low_watermark) {
  auto* partition = topic == nullptr ? nullptr : topic->partition(index);
  if (partition == nullptr) return KafkaErrc::unknown_topic_or_partition;
  if (is_internal_topic(topic->name)) return KafkaErrc::invalid_topic_exception;
  if (partition->leader != call.broker) return KafkaErrc::not_leader_or_follower;
  if (topic->config.is_compacted() && !topic->config.is_deleted()) return KafkaErrc::policy_violation;
  const auto below = offset == kHighWatermark ? partition->log.end_offset() : offset;
  if (below < 0 || below > partition->log.end_offset()) return KafkaErrc::offset_out_of_range;
  partition->log.delete_before(below);
  low_watermark = partition->log.start_offset();
  core.changed(*partition);
  return KafkaErrc::none;
}

}  // namespace

protocol::DeleteRecordsResponse handle(Core& core, const Call& call,
                                       const protocol::DeleteRecordsRequest& request) {
  protocol::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& asked : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      answer.low_watermark = -1;
      answer.error_code = call.injected_error(FaultMoment::before, topic.name, asked.partition_index);
      if (answer.error_code != KafkaErrc::none) continue;
      answer.error_code = remove(core, call, core.topics.find(topic.name), asked.partition_index,
                                 asked.offset, answer.low_watermark);
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
