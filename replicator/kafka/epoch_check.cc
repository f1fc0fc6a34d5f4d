#include "replicator/kafka/epoch_check.h"

#include <fmt/format.h>

#include "client/error.h"
#include "client/retry.h"
#include "net/error.h"
#include "protocol/messages/offset_for_leader_epoch.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr std::int32_t kConsumer = -1;

struct EpochEnd {
  LeaderEpoch epoch;
  Offset end;
};

net::Async<EpochEnd> ask(client::Cluster& cluster, const TopicPartition& partition, LeaderEpoch epoch,
                         SteadyTime deadline) {
  const auto leader = cluster.leader(partition);
  if (!leader)
    co_return fail(client::make_error_code(client::ClientErrc::no_leader), "{}: {}", cluster.name(),
                   partition);
  protocol::OffsetForLeaderEpochRequest request;
  request.replica_id = kConsumer;
  request.topics.push_back({.topic = partition.topic});
  request.topics.back().partitions.push_back(
      {.partition = partition.partition.value(), .leader_epoch = epoch.value()});
  LH_CO_TRY(const auto connection,
            co_await cluster.connection(leader->broker, {client::Role::fetch, 2}, deadline));
  client::CallOptions call{.deadline = cluster.attempt_deadline(deadline)};
  LH_CO_TRY(const auto answer, co_await connection->call(request, std::move(call)));
  const auto& topics = answer.body.topics;
  const auto code = topics.empty() || topics[0].partitions.empty() ? KafkaErrc::unknown_server_error
                                                                   : topics[0].partitions[0].error_code;
  if (code != KafkaErrc::none)
    co_return fail(protocol::kafka_error(code), "{}: {}", cluster.name(), partition);
  const auto& end = topics[0].partitions[0];
  co_return EpochEnd{LeaderEpoch(end.leader_epoch), Offset(end.end_offset)};
}

}  // namespace

Stop cut_below(Offset position, Offset end, LeaderEpoch epoch) {
  return {StopReason::inconsistent_source, position,
          fmt::format("its log was cut at offset {} (leader epoch {}): records that were replicated are gone",
                      end, epoch)};
}

net::Async<std::optional<Stop>> find_cut(client::Cluster& source, TopicPartition partition,
                                         const Progress& progress, SteadyTime deadline) {
  const auto position = progress.source_offset;
  const auto epoch = progress.source_leader_epoch;
  std::optional<Stop> none;
  if (epoch == LeaderEpoch()) co_return none;
  auto backoff = source.retry_backoff();
  for (;;) {
    const auto end = co_await ask(source, partition, epoch, deadline);
    if (end) {
      const bool is_known = end->end != Offset() && end->epoch != LeaderEpoch();
      if (!is_known || (end->epoch == epoch && end->end >= position)) co_return none;
      co_return cut_below(position, end->end, end->epoch);
    }
    auto error = end.error();
    // A broker that does not have the API cannot say.
    if (error.code == client::ClientErrc::unsupported_version) co_return none;
    const auto reaction = client::reaction_to(error);
    const bool final = reaction == client::Reaction::fail_partition ||
                       (reaction == client::Reaction::fail_flow && !client::is_connection_error(error.code));
    if (final || net::is_aborted(error)) co_return fail(std::move(error));
    LH_CO_TRY_VOID(co_await source.back_off(backoff, deadline, std::move(error)));
    std::vector<std::string> topics = {partition.topic};
    LH_CO_TRY_VOID(co_await source.refresh_topics(std::move(topics), deadline));
  }
}

}  // namespace longhaul::replicator
