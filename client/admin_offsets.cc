#include <limits>

#include "client/admin_requests.h"
#include "client/leader_rounds.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_offsets.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

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
    take_partitions(response, index, answered, [&](std::size_t item, const auto& partition) {
      if (partition.error_code == KafkaErrc::none) {
        items.succeed(item, {.offset = Offset(partition.offset),
                             .timestamp = partition.timestamp,
                             .leader_epoch = LeaderEpoch(partition.leader_epoch)});
      } else {
        items.fail_with(item, item_error(partition.error_code, std::nullopt));
      }
    });
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
    take_partitions(response, index, answered, [&](std::size_t item, const auto& partition) {
      if (partition.error_code == KafkaErrc::none) {
        items.succeed(item, Offset(partition.low_watermark));
      } else {
        items.fail_with(item, item_error(partition.error_code, std::nullopt));
      }
    });
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
