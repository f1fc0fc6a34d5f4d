#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::DescribeProducersResponse handle(Core& core, const Call& call,
                                           const protocol::DescribeProducersRequest& request) {
  protocol::DescribeProducersResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto index : topic.partition_indexes) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = index;
      const auto* partition = core.topics.find(topic.name, index);
      answer.error_code = call.injected_error(FaultMoment::before, topic.name, index);
      if (answer.error_code == KafkaErrc::none) answer.error_code = leader_error(call, partition, -1);
      if (answer.error_code == KafkaErrc::none) answer.active_producers = partition->producers.describe();
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
