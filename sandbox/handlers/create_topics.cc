#include <map>

#include "sandbox/create_topic.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::CreateTopicsResponse handle(Core& core, const Call& call,
                                      const protocol::CreateTopicsRequest& request) {
  protocol::CreateTopicsResponse response;
  std::map<std::string, int> mentions;
  for (const auto& topic : request.topics) ++mentions[topic.name];
  for (const auto& [name, count] : mentions) {
    if (count < 2) continue;
    response.topics.push_back(
        {.name = name, .error_code = KafkaErrc::invalid_request, .error_message = "Duplicate topic name."});
  }
  for (const auto& topic : request.topics) {
    if (mentions[topic.name] > 1) continue;
    if (const auto error = call.injected_error(FaultMoment::before, topic.name); error != KafkaErrc::none) {
      response.topics.push_back({.name = topic.name, .error_code = error});
      continue;
    }
    response.topics.push_back(create_topic(core, topic, request.validate_only));
    const auto late = call.injected_error(FaultMoment::after, topic.name);
    if (late != KafkaErrc::none) response.topics.back().error_code = late;
  }
  return response;
}

}  // namespace longhaul::sandbox
