#include <limits>
#include <set>

#include "client/admin_items.h"
#include "client/admin_requests.h"
#include "net/error.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_offsets.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;
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
    if (topic != nullptr && topic->error != KafkaErrc::none) {
      items.fail_with(item, Error{protocol::kafka_error(topic->error), {}});
    } else if (topic == nullptr || at >= topic->partitions.size()) {
      items.fail_with(item, Error{protocol::kafka_error(KafkaErrc::unknown_topic_or_partition), {}});
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

}  // namespace

net::Async<std::vector<PartitionOffset>> list_offsets(Cluster& cluster, std::vector<OffsetQuery> queries,
                                                      IsolationLevel isolation, SteadyTime deadline) {
  ItemOutcomes<ListedOffset> items(queries.size());
  const auto partition_of = [&](std::size_t item) -> const TopicPartition& {
    return queries[item].partition;
  };
  const auto index = index_by(queries, [](const OffsetQuery& query) { return query.partition; });
  const auto request_for = [&](const std::vector<std::size_t>& group) {
    protocol::ListOffsetsRequest request;
    request.isolation_level = isolation;
    for (const auto item : group) {
      const auto leader = cluster.leader(partition_of(item));
      add_partition(
          request.topics, partition_of(item).topic,
          protocol::ListOffsetsPartition{.partition_index = partition_of(item).partition.value(),
                                         .current_leader_epoch = leader ? leader->epoch.value() : -1,
                                         .timestamp = queries[item].timestamp});
    }
    return request;
  };
  const auto take_in = [&](const protocol::ListOffsetsResponse& response, std::vector<bool>& answered) {
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        const auto found = index.find(TopicPartition{topic.name, PartitionIndex(partition.partition_index)});
        if (found == index.end()) continue;
        answered[found->second] = true;
        if (partition.error_code == KafkaErrc::none) {
          items.succeed(found->second, {.offset = Offset(partition.offset),
                                        .timestamp = partition.timestamp,
                                        .leader_epoch = LeaderEpoch(partition.leader_epoch)});
        } else {
          items.fail_with(found->second, item_error(partition.error_code, std::nullopt));
        }
      }
    }
  };
  LH_CO_TRY_VOID(co_await rounds_at_leaders<protocol::ListOffsetsRequest>(
      cluster, items, topics_of(queries), deadline, partition_of, request_for, take_in));
  std::vector<PartitionOffset> out;
  for (std::size_t i = 0; i < queries.size(); ++i)
    out.push_back({std::move(queries[i].partition), items.take(i)});
  co_return out;
}

net::Async<std::vector<PartitionOffset>> end_offsets(Cluster& cluster, std::vector<TopicPartition> partitions,
                                                     IsolationLevel isolation, SteadyTime deadline) {
  std::vector<OffsetQuery> queries;
  for (auto& partition : partitions) {
    queries.push_back({.partition = std::move(partition), .timestamp = protocol::kLatestTimestamp});
  }
  return list_offsets(cluster, std::move(queries), isolation, deadline);
}

net::Async<std::vector<DeletedRecords>> delete_records(Cluster& cluster,
                                                       std::vector<RecordsToDelete> partitions,
                                                       SteadyTime deadline) {
  ItemOutcomes<Offset> items(partitions.size());
  const auto partition_of = [&](std::size_t item) -> const TopicPartition& {
    return partitions[item].partition;
  };
  const auto index = index_by(partitions, [](const RecordsToDelete& records) { return records.partition; });
  const auto request_for = [&](const std::vector<std::size_t>& group) {
    protocol::DeleteRecordsRequest request;
    request.timeout_ms = broker_timeout_ms(cluster);
    for (const auto item : group) {
      add_partition(request.topics, partition_of(item).topic,
                    protocol::DeleteRecordsPartition{.partition_index = partition_of(item).partition.value(),
                                                     .offset = partitions[item].before.value()});
    }
    return request;
  };
  const auto take_in = [&](const protocol::DeleteRecordsResponse& response, std::vector<bool>& answered) {
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        const auto found = index.find(TopicPartition{topic.name, PartitionIndex(partition.partition_index)});
        if (found == index.end()) continue;
        answered[found->second] = true;
        if (partition.error_code == KafkaErrc::none) {
          items.succeed(found->second, Offset(partition.low_watermark));
        } else {
          items.fail_with(found->second, item_error(partition.error_code, std::nullopt));
        }
      }
    }
  };
  LH_CO_TRY_VOID(co_await rounds_at_leaders<protocol::DeleteRecordsRequest>(
      cluster, items, topics_of(partitions), deadline, partition_of, request_for, take_in));
  std::vector<DeletedRecords> out;
  for (std::size_t i = 0; i < partitions.size(); ++i)
    out.push_back({std::move(partitions[i].partition), items.take(i)});
  co_return out;
}

net::Async<ProducerIdentity> init_producer_id(Cluster& cluster, SteadyTime deadline) {
  protocol::InitProducerIdRequest request;
  // Means nothing without a transactional id; this is what Kafka's producer sends.
  request.transaction_timeout_ms = std::numeric_limits<std::int32_t>::max();
  LH_CO_TRY(const auto response, co_await cluster.call_any(std::move(request), deadline));
  co_return ProducerIdentity{.id = ProducerId(response.body.producer_id),
                             .epoch = response.body.producer_epoch};
}

}  // namespace longhaul::client
