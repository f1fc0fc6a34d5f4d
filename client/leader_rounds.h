#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client/admin_items.h"
#include "client/cluster.h"
#include "client/error.h"
#include "net/error.h"

/// Requests about many partitions at once, each to its leader.
namespace longhaul::client {

using ItemsByBroker = std::map<BrokerId, std::vector<std::size_t>>;

/// Groups the open items by the leader of their partition; an item without a leader gets the reason.
template <class T, class PartitionOf>
ItemsByBroker by_leader(const Cluster& cluster, ItemOutcomes<T>& items, PartitionOf partition_of) {
  ItemsByBroker groups;
  for (const auto item : items.open()) {
    const TopicPartition& partition = partition_of(item);
    if (const auto leader = cluster.leader(partition)) {
      groups[leader->broker].push_back(item);
      continue;
    }
    const auto* const topic = cluster.metadata().topic(partition.topic);
    const auto at = static_cast<std::size_t>(std::max(partition.partition.value(), 0));
    if (topic != nullptr && topic->error != protocol::KafkaErrc::none) {
      items.fail_with(item, Error{protocol::kafka_error(topic->error), {}});
    } else if (topic == nullptr || at >= topic->partitions.size()) {
      items.fail_with(item,
                      Error{protocol::kafka_error(protocol::KafkaErrc::unknown_topic_or_partition), {}});
    } else {
      items.fail_with(item, Error{ClientErrc::no_leader, {}});
    }
  }
  return groups;
}

/// One round: every leader gets one request with all of its partitions, all at the same time, then the
/// answers are read.
template <class Request, class T, class RequestFor, class TakeIn>
net::Task ask_leaders(Cluster& cluster, ItemOutcomes<T>& items, ItemsByBroker groups, SteadyTime deadline,
                      RequestFor request_for, TakeIn take_in) {
  struct Asked {
    std::vector<std::size_t> items;
    Pending<typename Request::Response> answer;
  };
  std::vector<Asked> under_way;
  for (auto& [broker, group] : groups) {
    auto connection = co_await cluster.connection(broker, Lane{}, cluster.attempt_deadline(deadline));
    Result<Pending<typename Request::Response>> pending = fail(ClientErrc::connection_closed);
    if (connection) {
      pending = (*connection)
                    ->submit(request_for(group),
                             CallOptions{.deadline = cluster.attempt_deadline(SteadyTime::max())});
    } else {
      pending = std::unexpected(std::move(connection).error());
    }
    if (pending) {
      under_way.push_back({std::move(group), *std::move(pending)});
    } else {
      for (const auto item : group) items.fail_with(item, pending.error());
    }
  }
  for (auto& asked : under_way) {
    const auto answer = co_await asked.answer.wait_until(deadline);
    if (!answer) {
      for (const auto item : asked.items) items.fail_with(item, answer.error());
      continue;
    }
    std::vector<bool> answered(items.size(), false);
    take_in(answer->body, answered);
    items.fail_unanswered(asked.items, answered);
  }
}

/// Rounds at the partitions' leaders until every item has an outcome.
template <class Request, class T, class PartitionOf, class RequestFor, class TakeIn>
net::Async<void> rounds_at_leaders(Cluster& cluster, ItemOutcomes<T>& items, std::vector<std::string> topics,
                                   SteadyTime deadline, PartitionOf partition_of, RequestFor request_for,
                                   TakeIn take_in) {
  if (items.done()) co_return Result<void>{};
  auto backoff = cluster.retry_backoff();
  LH_CO_TRY_VOID(co_await cluster.refresh_topics(std::move(topics), deadline));
  while (true) {
    auto groups = by_leader(cluster, items, partition_of);
    co_await ask_leaders<Request>(cluster, items, std::move(groups), deadline, request_for, take_in);
    if (items.done()) co_return Result<void>{};
    const bool again =
        co_await prepare_next_round(cluster, backoff, deadline, items.waiting_for(Request::kApi));
    if (again) continue;
    const bool stopped = co_await net::cancelled();
    if (stopped) co_return fail(net::aborted());
    items.give_up(Error{net::NetErrc::timed_out, cluster.name()});
    co_return Result<void>{};
  }
}

/// Gives each partition of an answer that was asked for to `take(item, partition)`, and notes it as answered.
template <class Response, class Index, class Take>
void take_partitions(const Response& response, const Index& index, std::vector<bool>& answered, Take take) {
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto found = index.find(TopicPartition{topic.name, PartitionIndex(partition.partition_index)});
      if (found == index.end()) continue;
      answered[found->second] = true;
      take(found->second, partition);
    }
  }
}

/// Puts a partition's entry under its topic in a request; `topics` is sorted by first use.
template <class Topics, class Partition>
void add_partition(Topics& topics, const std::string& topic, Partition partition) {
  auto found = std::ranges::find_if(topics, [&](const auto& entry) { return entry.name == topic; });
  if (found == topics.end()) {
    topics.emplace_back();
    found = std::prev(topics.end());
    found->name = topic;
  }
  found->partitions.push_back(std::move(partition));
}

template <class Items>
std::vector<std::string> topics_of(const Items& items) {
  std::set<std::string> topics;
  for (const auto& item : items) topics.insert(item.partition.topic);
  return {topics.begin(), topics.end()};
}

}  // namespace longhaul::client
