#include <set>

#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::DeletableTopicResult;
using protocol::KafkaErrc;

void fail_with(DeletableTopicResult& result, KafkaErrc error, std::string message) {
  result.error_code = error;
  result.error_message = std::move(message);
}

DeletableTopicResult remove(Core& core, const Call& call, const protocol::DeleteTopicState& asked,
                            std::set<std::string>& seen) {
  DeletableTopicResult result;
  result.name = asked.name;
  result.topic_id = asked.topic_id;
  if (asked.name && !asked.topic_id.is_zero()) {
    fail_with(result, KafkaErrc::invalid_request, "You may not specify both topic name and topic id.");
    return result;
  }
  if (!asked.name && asked.topic_id.is_zero()) {
    fail_with(result, KafkaErrc::invalid_request, "Neither topic name nor id were specified.");
    return result;
  }
  const auto* topic = asked.name ? core.topics.find(*asked.name) : core.topics.find(asked.topic_id);
  if (topic == nullptr) {
    fail_with(result, asked.name ? KafkaErrc::unknown_topic_or_partition : KafkaErrc::unknown_topic_id,
              asked.name ? "This server does not host this topic-partition."
                         : "This server does not host this topic ID.");
    return result;
  }
  result.name = topic->name;
  result.topic_id = topic->id;
  result.error_code = call.injected_error(FaultMoment::before, topic->name);
  if (result.error_code != KafkaErrc::none) return result;
  if (!seen.insert(topic->name).second) {
    fail_with(result, KafkaErrc::invalid_request, "Duplicate topic name.");
    return result;
  }
  const auto name = topic->name;
  core.remove_topic(name);
  return result;
}

}  // namespace

protocol::DeleteTopicsResponse handle(Core& core, const Call& call,
                                      const protocol::DeleteTopicsRequest& request) {
  constexpr int kIdsSince = 6;
  protocol::DeleteTopicsResponse response;
  std::set<std::string> seen;
  for (const auto& topic : request.topics) response.responses.push_back(remove(core, call, topic, seen));
  for (const auto& name : request.topic_names) {
    response.responses.push_back(remove(core, call, {.name = name, .topic_id = {}}, seen));
  }
  if (call.version >= kIdsSince) return response;
  for (auto& result : response.responses) result.topic_id = {};
  return response;
}

}  // namespace longhaul::sandbox
