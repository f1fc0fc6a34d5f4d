#pragma once

#include <map>
#include <set>
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

/// Names of all settings that topics of the cluster have, as it describes them for `topic`: brokers name
/// every setting they know, with its default where it is not set. Empty when they may not be read.
[[nodiscard]] net::Async<std::set<std::string>> read_setting_names(client::Cluster& cluster,
                                                                   std::string topic, SteadyTime deadline);

}  // namespace longhaul::replicator
