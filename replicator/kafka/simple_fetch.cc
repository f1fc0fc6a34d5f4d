#include "replicator/kafka/simple_fetch.h"

#include <fmt/format.h>

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr std::int32_t kFetchBytes = 4 << 20;
constexpr std::int32_t kWaitMs = 500;
/// The newest version that names topics by name.
constexpr std::int16_t kByName = 12;

protocol::FetchRequest request_for(const TopicPartition& partition, Offset position,
                                   protocol::IsolationLevel isolation) {
  protocol::FetchRequest request;
  request.max_wait_ms = kWaitMs;
  request.min_bytes = 1;
  request.max_bytes = kFetchBytes;
  request.isolation_level = isolation;
  request.topics.push_back({.topic = partition.topic});
  request.topics.back().partitions.push_back({.partition = partition.partition.value(),
                                              .fetch_offset = position.value(),
                                              .partition_max_bytes = kFetchBytes});
  return request;
}

net::Async<SimpleFetch> attempt(client::Cluster& cluster, const TopicPartition& partition, Offset position,
                                protocol::IsolationLevel isolation, SteadyTime deadline) {
  const auto leader = cluster.leader(partition);
  if (!leader)
    co_return fail(client::make_error_code(client::ClientErrc::no_leader), "{}: {}", cluster.name(),
                   partition);
  LH_CO_TRY(const auto connection,
            co_await cluster.connection(leader->broker, {client::Role::fetch, 2}, deadline));
  client::CallOptions call{.deadline = cluster.attempt_deadline(deadline), .max_version = kByName};
  LH_CO_TRY(auto answer,
            co_await connection->call(request_for(partition, position, isolation), std::move(call)));
  auto& topics = answer.body.responses;
  if (topics.empty() || topics[0].partitions.empty()) {
    co_return fail(protocol::kafka_error(answer.body.error_code), "{}: {}", cluster.name(), partition);
  }
  auto& data = topics[0].partitions[0];
  if (data.error_code != KafkaErrc::none) {
    co_return fail(protocol::kafka_error(data.error_code), "{}: {}", cluster.name(), partition);
  }
  co_return SimpleFetch{std::move(answer.frame), std::move(data)};
}

}  // namespace

net::Async<SimpleFetch> fetch_partition(client::Cluster& cluster, TopicPartition partition, Offset position,
                                        protocol::IsolationLevel isolation, SteadyTime deadline) {
  auto backoff = cluster.retry_backoff();
  for (;;) {
    auto fetched = co_await attempt(cluster, partition, position, isolation, deadline);
    if (fetched) co_return fetched;
    auto error = std::move(fetched).error();
    const auto reaction = client::reaction_to(error);
    const bool final = reaction == client::Reaction::fail_partition ||
                       reaction == client::Reaction::reset_position ||
                       (reaction == client::Reaction::fail_flow && !client::is_connection_error(error.code));
    if (final || net::is_aborted(error)) co_return fail(std::move(error));
    LH_CO_TRY_VOID(co_await cluster.back_off(backoff, deadline, std::move(error)));
    std::vector<std::string> topics = {partition.topic};
    LH_CO_TRY_VOID(co_await cluster.refresh_topics(std::move(topics), deadline));
  }
}

}  // namespace longhaul::replicator
