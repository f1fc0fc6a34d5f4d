#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster.h"
#include "replicator/topic_sync.h"

namespace longhaul::replicator {

/// All topics of a cluster that the caller may describe.
[[nodiscard]] net::Async<std::vector<TopicFacts>> read_topics(client::Cluster& cluster, SteadyTime deadline);

/// Settings of each topic, by name; topics whose settings may not be read are absent and named in a log line.
[[nodiscard]] net::Async<std::map<std::string, std::vector<ConfigValue>>> read_topic_configs(
    client::Cluster& cluster, std::vector<std::string> topics, SteadyTime deadline);

}  // namespace longhaul::replicator
