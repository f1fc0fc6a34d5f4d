#include "replicator/topic_sync.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace longhaul::replicator {
namespace {

using protocol::ConfigSource;

bool is_own_topic(const FlowOptions& options, const std::string& topic) {
  return topic == options.state_topic || topic == options.offsets_topic ||
         topic == options.connector_offsets_topic;
}

TopicChange change_for(const FlowOptions& options, const TopicFacts& source,
                       const std::map<std::string, TopicFacts>& target_topics) {
  TopicChange change{.source = source};
  change.remote_topic = options.selection->policy().remote_topic(options.source_alias, source.name);
  const auto remote = target_topics.find(change.remote_topic);
  if (remote == target_topics.end()) {
    change.kind = TopicChange::Kind::create;
    return change;
  }
  change.remote_id = remote->second.id;
  change.remote_partitions = remote->second.partitions;
  if (change.remote_partitions < source.partitions) change.kind = TopicChange::Kind::add_partitions;
  return change;
}

/// Brokers before 3.0 may keep a topic in an older record format. What is written to the target is always of
/// the current one, and a topic in one of the others refuses it (KIP-724).
constexpr std::string_view kRecordFormat = "message.format.version";

bool is_copied(const FlowOptions& options, const ConfigValue& config) {
  if (config.read_only || config.sensitive || !config.value || config.name == kRecordFormat) return false;
  switch (config.source) {
    case ConfigSource::topic:
    case ConfigSource::dynamic_broker:
    case ConfigSource::dynamic_default_broker:
      break;
    case ConfigSource::default_value:
      if (options.defaults_from == DefaultsFrom::target) return false;
      break;
    default:
      return false;
  }
  return options.config_exclude == nullptr ||
         options.config_exclude->match(config.name).match == JavaPattern::Match::no;
}

/// What bounds timestamps in the future since Kafka 3.6 (KIP-937), with a default of one hour since 4.0, and
/// what did in both directions before.
constexpr std::string_view kAfterLimit = "message.timestamp.after.max.ms";
constexpr std::string_view kDifferenceLimit = "message.timestamp.difference.max.ms";

/// The source has taken its records under its own limit; where the topic does not have one of its own to be
/// copied, the target must not have a narrower one.
void lift_timestamp_limit(CreationConfigs& configs, const std::set<std::string>& target_settings) {
  for (const auto name : {kAfterLimit, kDifferenceLimit}) {
    if (!target_settings.contains(std::string(name))) continue;
    const auto is_it = [&](const auto& config) { return config.first == name; };
    if (std::ranges::none_of(configs.copied, is_it)) {
      configs.copied.emplace_back(name, std::to_string(std::numeric_limits<std::int64_t>::max()));
    }
    return;
  }
}

}  // namespace

TopicPlan plan_topics(const FlowOptions& options, const std::vector<TopicFacts>& source_topics,
                      const std::map<std::string, TopicFacts>& target_topics) {
  TopicPlan plan;
  std::map<std::string, std::string> by_remote;
  for (const auto& source : source_topics) {
    auto decision = options.selection->decide(source.name);
    if (decision.replicate && is_own_topic(options, source.name)) {
      decision = {false, DecisionReason::internal_topic, "positions and state of this flow"};
    }
    if (!decision.replicate) {
      plan.rejected.push_back({source.name, std::move(decision)});
      continue;
    }
    auto change = change_for(options, source, target_topics);
    const auto [other, is_new] = by_remote.emplace(change.remote_topic, source.name);
    if (!is_new) {
      plan.collisions.emplace_back(other->second, source.name);
      continue;
    }
    plan.selected.push_back(std::move(change));
  }
  const auto collided = [&](const TopicChange& change) {
    return std::ranges::any_of(plan.collisions,
                               [&](const auto& pair) { return pair.first == change.source.name; });
  };
  std::erase_if(plan.selected, collided);
  std::ranges::sort(plan.selected, {}, [](const TopicChange& change) { return change.source.name; });
  std::ranges::sort(plan.rejected, {}, &RejectedTopic::name);
  return plan;
}

CreationConfigs configs_for_creation(const FlowOptions& options,
                                     const std::vector<ConfigValue>& source_configs,
                                     const std::set<std::string>& target_settings) {
  CreationConfigs configs;
  for (const auto& config : source_configs) {
    if (!is_copied(options, config)) continue;
    if (target_settings.empty() || target_settings.contains(config.name)) {
      configs.copied.emplace_back(config.name, *config.value);
    } else {
      configs.unknown_to_target.push_back(config.name);
    }
  }
  lift_timestamp_limit(configs, target_settings);
  std::ranges::sort(configs.copied);
  std::ranges::sort(configs.unknown_to_target);
  return configs;
}

}  // namespace longhaul::replicator
