#include "app/verify_partitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "client/admin_requests.h"
#include "net/error.h"

namespace longhaul::app {
namespace {

using client::Cluster;

/// Those of `names` that the cluster says are compacted.
net::Async<std::set<std::string>> compacted_topics(Cluster& cluster, std::vector<std::string> names,
                                                   SteadyTime deadline) {
  std::set<std::string> compacted;
  if (names.empty()) co_return compacted;
  std::vector<client::ConfigResource> resources;
  for (auto& name : names) resources.push_back({client::ConfigResourceType::topic, std::move(name)});
  const auto described = co_await client::describe_configs(cluster, std::move(resources), deadline);
  if (!described && net::is_aborted(described.error())) co_return fail(described.error());
  if (!described) co_return compacted;
  for (const auto& topic : *described) {
    if (!topic.entries) continue;
    const auto policy = std::ranges::find(*topic.entries, "cleanup.policy", &client::ConfigEntry::name);
    if (policy != topic.entries->end() && policy->value && policy->value->contains("compact")) {
      compacted.insert(topic.resource.name);
    }
  }
  co_return compacted;
}

}  // namespace

net::Async<FoundPartitions> find_partitions(Cluster& source, Cluster& target, const config::FlowConfig& flow,
                                            const std::optional<replicator::JavaPattern>& topics,
                                            SteadyTime deadline) {
  using Match = replicator::JavaPattern::Match;
  LH_CO_TRY(const auto source_topics, co_await client::list_topics(source, deadline));
  LH_CO_TRY(const auto target_topics, co_await client::list_topics(target, deadline));
  std::map<std::string, client::TopicListing> on_target;
  for (const auto& topic : target_topics) on_target.emplace(topic.name, topic);

  FoundPartitions found;
  std::vector<std::string> names;
  std::vector<std::string> remotes;
  for (const auto& topic : source_topics) {
    if (!flow.selection->decide(topic.name).replicate) continue;
    if (topics && topics->match(topic.name) != Match::yes) continue;
    const auto remote = flow.policy().remote_topic(flow.source, topic.name);
    const auto copy = on_target.find(remote);
    const auto what = topic.name + " -> " + remote;
    if (copy == on_target.end()) {
      found.mismatches.push_back({what, fmt::format("the topic does not exist on {}", flow.target)});
      continue;
    }
    if (topic.partitions_count != copy->second.partitions_count) {
      found.mismatches.push_back(
          {what, fmt::format("{} partitions on {}, {} on {}", topic.partitions_count, flow.source,
                             copy->second.partitions_count, flow.target)});
    }
    for (std::int32_t i = 0; i < std::min(topic.partitions_count, copy->second.partitions_count); ++i) {
      found.partitions.push_back(
          {.source = {topic.name, PartitionIndex(i)}, .target = {remote, PartitionIndex(i)}});
    }
    found.ids[topic.name] = {topic.id, copy->second.id};
    names.push_back(topic.name);
    remotes.push_back(remote);
  }

  LH_CO_TRY(const auto cleaned, co_await compacted_topics(source, std::move(names), deadline));
  LH_CO_TRY(const auto copies_cleaned, co_await compacted_topics(target, std::move(remotes), deadline));
  for (auto& partition : found.partitions) {
    partition.is_compacted =
        cleaned.contains(partition.source.topic) || copies_cleaned.contains(partition.target.topic);
  }
  co_return found;
}

net::Async<std::vector<Result<replicator::OffsetRange>>> offset_ranges(Cluster& cluster,
                                                                       std::vector<TopicPartition> asked,
                                                                       protocol::IsolationLevel isolation,
                                                                       SteadyTime deadline) {
  std::vector<client::OffsetQuery> starts_asked;
  for (const auto& partition : asked) starts_asked.push_back({partition, protocol::kEarliestTimestamp});
  LH_CO_TRY(const auto starts,
            co_await client::list_offsets(cluster, std::move(starts_asked), isolation, deadline));
  LH_CO_TRY(const auto ends, co_await client::end_offsets(cluster, std::move(asked), isolation, deadline));
  std::vector<Result<replicator::OffsetRange>> found;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto& failed = !starts[i].listed ? starts[i].listed : ends[i].listed;
    if (!failed) {
      found.emplace_back(in_context(failed.error(), "{}", cluster.name()));
    } else {
      found.emplace_back(replicator::OffsetRange{starts[i].listed->offset, ends[i].listed->offset});
    }
  }
  co_return found;
}

}  // namespace longhaul::app
