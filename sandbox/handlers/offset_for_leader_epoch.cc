#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::OffsetForLeaderEpochResponse handle(Core& core, const Call& call,
                                              const protocol::OffsetForLeaderEpochRequest& request) {
  protocol::OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.topic = topic.topic;
    for (const auto& asked : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition = asked.partition;
      const auto* partition = core.topics.find(topic.topic, asked.partition);
      answer.error_code = call.injected_error(FaultMoment::before, topic.topic, asked.partition);
      if (answer.error_code == KafkaErrc::none) {
        answer.error_code = leader_error(call, partition, asked.current_leader_epoch);
      }
      if (answer.error_code != KafkaErrc::none) continue;
      const auto end = partition->log.epoch_end(asked.leader_epoch);
      answer.leader_epoch = end.epoch;
      answer.end_offset = end.end_offset;
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
