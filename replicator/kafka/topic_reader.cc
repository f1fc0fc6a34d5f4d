#include "replicator/kafka/topic_reader.h"

#include "base/log.h"
#include "client/admin_requests.h"

namespace longhaul::replicator {

net::Async<std::vector<TopicFacts>> read_topics(client::Cluster& cluster, SteadyTime deadline) {
  LH_CO_TRY(const auto listed, co_await client::list_topics(cluster, deadline));
  std::vector<TopicFacts> topics;
  for (const auto& topic : listed) {
    // Kafka's own topics are never mirrored, and a topic without partitions is being deleted.
    if (topic.is_internal || topic.partitions_count == 0) continue;
    topics.push_back({.name = topic.name, .id = topic.id, .partitions = topic.partitions_count});
  }
  co_return topics;
}

net::Async<std::map<std::string, std::vector<ConfigValue>>> read_topic_configs(
    client::Cluster& cluster, std::vector<std::string> topics, SteadyTime deadline) {
  std::map<std::string, std::vector<ConfigValue>> configs;
  if (topics.empty()) co_return configs;
  std::vector<client::ConfigResource> resources;
  for (auto& topic : topics) resources.push_back({client::ConfigResourceType::topic, std::move(topic)});
  LH_CO_TRY(const auto described, co_await client::describe_configs(cluster, std::move(resources), deadline));
  for (const auto& resource : described) {
    if (!resource.entries) {
      log::warn("settings of a topic cannot be read", {{"cluster", cluster.options().alias},
                                                       {"topic", resource.resource.name},
                                                       {"reason", resource.entries.error().message()}});
      continue;
    }
    auto& values = configs[resource.resource.name];
    for (const auto& entry : *resource.entries) {
      values.push_back({.name = entry.name,
                        .value = entry.value,
                        .source = entry.source,
                        .read_only = entry.is_read_only,
                        .sensitive = entry.is_sensitive});
    }
  }
  co_return configs;
}

net::Async<std::set<std::string>> read_setting_names(client::Cluster& cluster, std::string topic,
                                                     SteadyTime deadline) {
  std::vector<std::string> topics = {std::move(topic)};
  LH_CO_TRY(const auto configs, co_await read_topic_configs(cluster, std::move(topics), deadline));
  std::set<std::string> names;
  for (const auto& [described, values] : configs) {
    for (const auto& value : values) names.insert(value.name);
  }
  co_return names;
}

}  // namespace longhaul::replicator
