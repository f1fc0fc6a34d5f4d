#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "replicator/flow_options.h"
#include "replicator/topic_filter.h"

namespace longhaul::replicator {

/// A setting of a topic as its cluster describes it (DescribeConfigs, KIP-226).
struct ConfigValue {
  std::string name;
  std::optional<std::string> value;
  protocol::ConfigSource source = protocol::ConfigSource::unknown;
  bool read_only = false;
  bool sensitive = false;
};

/// A topic as its cluster describes it.
struct TopicFacts {
  std::string name;
  TopicId id;
  std::int32_t partitions = 0;
};

/// What has to happen for one source topic.
struct TopicChange {
  enum class Kind { none, create, add_partitions };
  Kind kind = Kind::none;
  TopicFacts source;
  std::string remote_topic;
  TopicId remote_id;
  /// Partitions that the remote topic has; 0 when it does not exist.
  std::int32_t remote_partitions = 0;
};

struct RejectedTopic {
  std::string name;
  Decision decision;
};

struct TopicPlan {
  std::vector<TopicChange> selected;
  std::vector<RejectedTopic> rejected;
  /// Source topics whose remote names collide with another selected topic's: neither can be replicated
  /// safely.
  std::vector<std::pair<std::string, std::string>> collisions;
};

/// Compares both sides. `target_topics` is keyed by name. Topics of `own_topics` (state and positions) are
/// never selected. Remote topics are created with the source's partition count and grown to it, never shrunk
/// (KIP-382).
[[nodiscard]] TopicPlan plan_topics(const FlowOptions& options, const std::vector<TopicFacts>& source_topics,
                                    const std::map<std::string, TopicFacts>& target_topics);

/// What a remote topic is created with; both lists in order of name.
struct CreationConfigs {
  std::vector<std::pair<std::string, std::string>> copied;
  /// Left out: a cluster of another release refuses to create a topic with a setting that it does not know.
  std::vector<std::string> unknown_to_target;
};

/// The configuration that a remote topic is created with, from its source topic's (KIP-382): overrides and
/// dynamic broker values; built-in defaults only under `use.defaults.from = source`; nothing read-only,
/// sensitive, static or excluded. `target_settings` names all settings that topics of the target have; when
/// it is empty, because that could not be read, every setting counts as known.
[[nodiscard]] CreationConfigs configs_for_creation(const FlowOptions& options,
                                                   const std::vector<ConfigValue>& source_configs,
                                                   const std::set<std::string>& target_settings);

}  // namespace longhaul::replicator
