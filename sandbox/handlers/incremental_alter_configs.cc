#include <set>

#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::AlterConfigsResource;
using protocol::KafkaErrc;

Result<void> alter(Core& core, const AlterConfigsResource& resource, bool validate_only) {
  if (resource.resource_type != protocol::ConfigResourceType::topic) {
    return fail(KafkaErrc::invalid_request, "Only the configuration of topics can be altered here.");
  }
  auto* topic = core.topics.find(resource.resource_name);
  if (topic == nullptr) {
    return fail(KafkaErrc::unknown_topic_or_partition, "The topic '{}' does not exist.",
                resource.resource_name);
  }
  std::set<std::string> seen;
  auto values = topic->config.set_values();
  for (const auto& config : resource.configs) {
    if (!seen.insert(config.name).second) {
      return fail(KafkaErrc::invalid_request, "Error due to duplicate config keys");
    }
    LH_TRY_VOID(alter_config(values, config.name, config.config_operation, config.value));
  }
  if (!validate_only) topic->config = TopicConfig(std::move(values));
  return {};
}

}  // namespace

protocol::IncrementalAlterConfigsResponse handle(Core& core, const Call& call,
                                                 const protocol::IncrementalAlterConfigsRequest& request) {
  protocol::IncrementalAlterConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& answer = response.responses.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    answer.error_code = call.injected_error(FaultMoment::before, resource.resource_name);
    if (answer.error_code != KafkaErrc::none) continue;
    if (const auto altered = alter(core, resource, request.validate_only); !altered) {
      answer.error_code = protocol::as_kafka_errc(altered.error().code);
      answer.error_message = altered.error().detail;
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
