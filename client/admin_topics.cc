#include "client/admin_items.h"
#include "client/admin_requests.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

template <class Items, class NameOf>
std::vector<NamedOutcome> named(const Items& items, std::vector<Result<void>> outcomes, NameOf name_of) {
  std::vector<NamedOutcome> out;
  for (std::size_t i = 0; i < items.size(); ++i) out.push_back({name_of(items[i]), std::move(outcomes[i])});
  return out;
}

protocol::CreatableTopic to_wire(const NewTopic& topic) {
  protocol::CreatableTopic wire;
  wire.name = topic.name;
  wire.num_partitions = topic.partitions_count;
  wire.replication_factor = topic.replication_factor;
  for (const auto& [name, value] : topic.configs) wire.configs.push_back({.name = name, .value = value});
  return wire;
}

}  // namespace

net::Async<std::vector<TopicListing>> list_topics(Cluster& cluster, SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await cluster.refresh_all_topics(deadline));
  std::vector<TopicListing> topics;
  for (const auto& [name, info] : cluster.metadata().topics()) {
    // A topic that is just being created has no leaders yet, but it is there.
    if (info.error != KafkaErrc::none && info.error != KafkaErrc::leader_not_available) continue;
    topics.push_back({.name = name,
                      .id = info.id,
                      .is_internal = info.is_internal,
                      .partitions_count = static_cast<std::int32_t>(info.partitions.size())});
  }
  co_return topics;
}

net::Async<std::vector<TopicDescription>> describe_topics(Cluster& cluster, std::vector<std::string> names,
                                                          SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await cluster.refresh_topics(names, deadline));
  std::vector<TopicDescription> topics;
  for (auto& name : names) {
    const auto* const info = cluster.metadata().topic(name);
    TopicDescription described{.name = std::move(name), .info = TopicInfo{}};
    if (info == nullptr) {
      described.info = fail(KafkaErrc::unknown_topic_or_partition);
    } else if (info->error != KafkaErrc::none && info->error != KafkaErrc::leader_not_available) {
      described.info = fail(info->error);
    } else {
      described.info = *info;
    }
    topics.push_back(std::move(described));
  }
  co_return topics;
}

net::Async<std::vector<NamedOutcome>> create_topics(Cluster& cluster, std::vector<NewTopic> topics,
                                                    DryRun dry_run, SteadyTime deadline) {
  const auto name_of = [](const NewTopic& topic) { return topic.name; };
  const auto index = index_by(topics, name_of);
  const auto request_for = [&](const std::vector<std::size_t>& items) {
    protocol::CreateTopicsRequest request;
    request.timeout_ms = broker_timeout_ms(cluster);
    request.validate_only = dry_run == DryRun::yes;
    for (const auto item : items) request.topics.push_back(to_wire(topics[item]));
    return request;
  };
  const auto take_in = [&](const protocol::CreateTopicsResponse& response, auto& items,
                           std::vector<bool>& answered) {
    for (const auto& result : response.topics) {
      const auto found = index.find(result.name);
      if (found == index.end()) continue;
      answered[found->second] = true;
      if (result.error_code == KafkaErrc::none) {
        items.succeed(found->second, {});
      } else {
        items.fail_with(found->second, item_error(result.error_code, result.error_message));
      }
    }
  };
  LH_CO_TRY(auto outcomes, co_await rounds_at_controller<protocol::CreateTopicsRequest>(
                               cluster, topics.size(), deadline, request_for, take_in));
  co_return named(topics, std::move(outcomes), name_of);
}

net::Async<std::vector<NamedOutcome>> create_partitions(Cluster& cluster, std::vector<PartitionGrowth> topics,
                                                        DryRun dry_run, SteadyTime deadline) {
  const auto name_of = [](const PartitionGrowth& growth) { return growth.topic; };
  const auto index = index_by(topics, name_of);
  const auto request_for = [&](const std::vector<std::size_t>& items) {
    protocol::CreatePartitionsRequest request;
    request.timeout_ms = broker_timeout_ms(cluster);
    request.validate_only = dry_run == DryRun::yes;
    for (const auto item : items) {
      request.topics.push_back(
          {.name = topics[item].topic, .count = topics[item].partitions_count, .assignments = std::nullopt});
    }
    return request;
  };
  const auto take_in = [&](const protocol::CreatePartitionsResponse& response, auto& items,
                           std::vector<bool>& answered) {
    for (const auto& result : response.results) {
      const auto found = index.find(result.name);
      if (found == index.end()) continue;
      answered[found->second] = true;
      if (result.error_code == KafkaErrc::none) {
        items.succeed(found->second, {});
      } else {
        items.fail_with(found->second, item_error(result.error_code, result.error_message));
      }
    }
  };
  LH_CO_TRY(auto outcomes, co_await rounds_at_controller<protocol::CreatePartitionsRequest>(
                               cluster, topics.size(), deadline, request_for, take_in));
  co_return named(topics, std::move(outcomes), name_of);
}

net::Async<std::vector<NamedOutcome>> delete_topics(Cluster& cluster, std::vector<std::string> names,
                                                    SteadyTime deadline) {
  const auto name_of = [](const std::string& name) { return name; };
  const auto index = index_by(names, name_of);
  const auto request_for = [&](const std::vector<std::size_t>& items) {
    protocol::DeleteTopicsRequest request;
    request.timeout_ms = broker_timeout_ms(cluster);
    for (const auto item : items) request.topic_names.push_back(names[item]);
    return request;
  };
  const auto take_in = [&](const protocol::DeleteTopicsResponse& response, auto& items,
                           std::vector<bool>& answered) {
    for (const auto& result : response.responses) {
      const auto found = index.find(result.name.value_or(""));
      if (found == index.end()) continue;
      answered[found->second] = true;
      const auto error = item_error(result.error_code, result.error_message);
      if (result.error_code == KafkaErrc::none) {
        items.succeed(found->second, {});
      } else if (result.error_code == KafkaErrc::unknown_topic_or_partition) {
        items.fail_for_good(found->second, error);
      } else {
        items.fail_with(found->second, error);
      }
    }
  };
  // Version 6 names topics in another list (by name or id) and gains nothing here.
  LH_CO_TRY(auto outcomes, co_await rounds_at_controller<protocol::DeleteTopicsRequest>(
                               cluster, names.size(), deadline, request_for, take_in, std::int16_t{5}));
  co_return named(names, std::move(outcomes), name_of);
}

}  // namespace longhaul::client
