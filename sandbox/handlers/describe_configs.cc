#include <algorithm>
#include <charconv>

#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::ConfigSource;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResource;
using protocol::DescribeConfigsResourceResult;
using protocol::DescribeConfigsResult;
using protocol::KafkaErrc;

bool is_asked(const DescribeConfigsResource& resource, std::string_view name) {
  const auto& keys = resource.configuration_keys;
  return !keys || keys->empty() || std::ranges::find(*keys, name) != keys->end();
}

DescribeConfigsResourceResult entry_of(const ConfigDefinition& definition, const TopicConfig& config,
                                       bool with_synonyms) {
  const bool is_set = config.set_values().contains(definition.name);
  DescribeConfigsResourceResult entry;
  entry.name = definition.name;
  entry.value = std::string(config.value(definition.name));
  entry.config_source = is_set ? ConfigSource::topic : ConfigSource::default_value;
  entry.config_type = static_cast<std::int8_t>(definition.type);
  if (!with_synonyms) return entry;
  if (is_set) entry.synonyms.push_back({entry.name, entry.value, ConfigSource::topic});
  if (!definition.broker_name.empty()) {
    entry.synonyms.push_back({std::string(definition.broker_name), std::string(definition.default_value),
                              ConfigSource::default_value});
  }
  return entry;
}

void describe_topic(const Core& core, const DescribeConfigsRequest& request,
                    const DescribeConfigsResource& resource, DescribeConfigsResult& result) {
  if (auto fault = topic_name_fault(resource.resource_name)) {
    result.error_code = KafkaErrc::invalid_topic_exception;
    result.error_message = *std::move(fault);
    return;
  }
  const auto* topic = core.topics.find(resource.resource_name);
  if (topic == nullptr) {
    result.error_code = KafkaErrc::unknown_topic_or_partition;
    return;
  }
  for (const auto& definition : topic_config_definitions()) {
    if (!is_asked(resource, definition.name)) continue;
    result.configs.push_back(entry_of(definition, topic->config, request.include_synonyms));
  }
}

/// What of a broker's configuration clients look at before they create topics.
void describe_broker(const Core& core, const DescribeConfigsResource& resource,
                     DescribeConfigsResult& result) {
  const auto& name = resource.resource_name;
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  // An empty name means the defaults of all brokers.
  if (!name.empty() && (error != std::errc{} || end != name.data() + name.size())) {
    result.error_code = KafkaErrc::invalid_request;
    result.error_message = fmt::format("Broker id must be an integer, but it is: {}", name);
    return;
  }
  const auto add = [&](std::string_view key, std::string value, ConfigSource source) {
    if (!is_asked(resource, key)) return;
    DescribeConfigsResourceResult entry;
    entry.name = key;
    entry.value = std::move(value);
    entry.read_only = true;
    entry.config_source = source;
    result.configs.push_back(std::move(entry));
  };
  if (name.empty()) return;
  const auto& options = core.options;
  add("node.id", name, ConfigSource::static_broker);
  add("num.partitions", std::to_string(options.default_partitions), ConfigSource::static_broker);
  add("default.replication.factor", std::to_string(options.default_replication_factor),
      ConfigSource::static_broker);
  add("auto.create.topics.enable", options.auto_create_topics ? "true" : "false",
      ConfigSource::static_broker);
  for (const auto& definition : topic_config_definitions()) {
    if (definition.broker_name.empty()) continue;
    add(definition.broker_name, std::string(definition.default_value), ConfigSource::default_value);
  }
}

}  // namespace

protocol::DescribeConfigsResponse handle(Core& core, const Call& call,
                                         const DescribeConfigsRequest& request) {
  protocol::DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    result.error_code = call.injected_error(FaultMoment::before, resource.resource_name);
    if (result.error_code != KafkaErrc::none) continue;
    if (resource.resource_type == protocol::ConfigResourceType::topic) {
      describe_topic(core, request, resource, result);
    } else if (resource.resource_type == protocol::ConfigResourceType::broker) {
      describe_broker(core, resource, result);
    } else {
      result.error_code = KafkaErrc::invalid_request;
      result.error_message = "Only topics and brokers have configurations here.";
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
