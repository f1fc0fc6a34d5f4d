#include "client/admin_requests.h"
#include "client/leader_rounds.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_transactions.h"

namespace longhaul::client {
namespace {

using protocol::DescribeTransactionsResponse;
using protocol::KafkaErrc;

constexpr std::string_view kOngoing = "Ongoing";

/// An id that was never used, or was forgotten, is an answer.
KafkaErrc error_of(const DescribeTransactionsResponse& response) {
  if (response.transaction_states.empty()) return KafkaErrc::none;
  const auto error = response.transaction_states.front().error_code;
  return error == KafkaErrc::transactional_id_not_found ? KafkaErrc::none : error;
}

}  // namespace

net::Async<std::optional<ProducerIdentity>> open_transaction(Cluster& cluster, std::string transactional_id,
                                                             SteadyTime deadline) {
  protocol::DescribeTransactionsRequest request{.transactional_ids = {transactional_id}};
  LH_CO_TRY(const auto response,
            co_await cluster.call_coordinator(CoordinatorType::transaction, std::move(transactional_id),
                                              std::move(request), deadline, error_of));
  if (response.body.transaction_states.empty()) {
    co_return fail(ClientErrc::undecodable_response, "DescribeTransactions: not in the answer");
  }
  const auto& state = response.body.transaction_states.front();
  if (state.error_code != KafkaErrc::none || state.transaction_state != kOngoing) co_return std::nullopt;
  co_return ProducerIdentity{.id = ProducerId(state.producer_id), .epoch = state.producer_epoch};
}

net::Async<std::vector<PartitionTransaction>> open_in_partitions(Cluster& cluster, ProducerId producer,
                                                                 std::vector<TopicPartition> partitions,
                                                                 SteadyTime deadline) {
  ItemOutcomes<bool> items(partitions.size());
  std::set<std::string> topics;
  for (const auto& partition : partitions) topics.insert(partition.topic);
  const auto partition_of = [&](std::size_t item) -> const TopicPartition& { return partitions[item]; };
  const auto index = index_by(partitions, [](const TopicPartition& partition) { return partition; });
  const auto request_for = [&](const std::vector<std::size_t>& group) {
    std::map<std::string, std::vector<std::int32_t>> by_topic;
    for (const auto item : group) {
      by_topic[partition_of(item).topic].push_back(partition_of(item).partition.value());
    }
    protocol::DescribeProducersRequest request;
    for (auto& [topic, indexes] : by_topic) request.topics.push_back({topic, std::move(indexes)});
    return request;
  };
  const auto take_in = [&](const protocol::DescribeProducersResponse& response, std::vector<bool>& answered) {
    take_partitions(response, index, answered, [&](std::size_t item, const auto& partition) {
      if (partition.error_code != KafkaErrc::none) {
        items.fail_with(item, item_error(partition.error_code, partition.error_message));
        return;
      }
      items.succeed(item, std::ranges::any_of(partition.active_producers, [&](const auto& active) {
                      return ProducerId(active.producer_id) == producer &&
                             active.current_txn_start_offset >= 0;
                    }));
    });
  };
  LH_CO_TRY_VOID(co_await rounds_at_leaders<protocol::DescribeProducersRequest>(
      cluster, items, {topics.begin(), topics.end()}, deadline, partition_of, request_for, take_in));
  std::vector<PartitionTransaction> out;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    out.push_back({std::move(partitions[i]), items.take(i)});
  }
  co_return out;
}

}  // namespace longhaul::client
