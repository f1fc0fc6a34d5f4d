#include "client/admin_requests.h"
#include "client/error.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"

namespace longhaul::client {
namespace {

using protocol::AddPartitionsToTxnRequest;
using protocol::AddPartitionsToTxnResponse;
using protocol::InitProducerIdRequest;
using protocol::KafkaErrc;

/// From this version on InitProducerId says whose epoch is to rise (KIP-360).
constexpr std::int16_t kNamesHolder = 3;

/// Errors that speak of the transaction or its coordinator although they stand at a partition: all partitions
/// have the same one.
bool is_about_the_transaction(KafkaErrc code) {
  switch (code) {
    case KafkaErrc::coordinator_load_in_progress:
    case KafkaErrc::coordinator_not_available:
    case KafkaErrc::not_coordinator:
    case KafkaErrc::concurrent_transactions:
    case KafkaErrc::invalid_producer_epoch:
    case KafkaErrc::producer_fenced:
    case KafkaErrc::invalid_producer_id_mapping:
    case KafkaErrc::invalid_txn_state:
    case KafkaErrc::transactional_id_authorization_failed:
    case KafkaErrc::unknown_server_error:
      return true;
    default:
      return false;
  }
}

KafkaErrc transaction_error(const AddPartitionsToTxnResponse& response) {
  for (const auto& topic : response.results_by_topic) {
    for (const auto& partition : topic.results_by_partition) {
      if (is_about_the_transaction(partition.partition_error_code)) return partition.partition_error_code;
    }
  }
  return KafkaErrc::none;
}

AddPartitionsToTxnRequest request_for(const std::string& transactional_id, const ProducerIdentity& producer,
                                      const std::vector<TopicPartition>& partitions) {
  AddPartitionsToTxnRequest request{.transactional_id = transactional_id,
                                    .producer_id = producer.id.value(),
                                    .producer_epoch = producer.epoch,
                                    .topics = {}};
  std::map<std::string_view, std::size_t> places;
  for (const auto& partition : partitions) {
    const auto [place, is_new] = places.emplace(partition.topic, request.topics.size());
    if (is_new) request.topics.push_back({.name = partition.topic, .partitions = {}});
    request.topics[place->second].partitions.push_back(partition.partition.value());
  }
  return request;
}

}  // namespace

net::Async<ProducerIdentity> init_transactional_id(Cluster& cluster, std::string transactional_id,
                                                   milliseconds transaction_timeout,
                                                   std::optional<ProducerIdentity> current,
                                                   SteadyTime deadline) {
  const auto make = [=](const Connection& connection) -> Result<InitProducerIdRequest> {
    LH_TRY(const auto version, connection.version_of<InitProducerIdRequest>());
    InitProducerIdRequest request;
    request.transactional_id = transactional_id;
    request.transaction_timeout_ms = static_cast<std::int32_t>(transaction_timeout.count());
    if (current && version >= kNamesHolder) {
      request.producer_id = current->id.value();
      request.producer_epoch = current->epoch;
    }
    return request;
  };
  LH_CO_TRY(const auto response, co_await cluster.call_coordinator_with<InitProducerIdRequest>(
                                     CoordinatorType::transaction, transactional_id, make, deadline,
                                     top_level_error<protocol::InitProducerIdResponse>));
  co_return ProducerIdentity{.id = ProducerId(response.body.producer_id),
                             .epoch = response.body.producer_epoch};
}

net::Async<std::vector<AddedPartition>> add_partitions_to_txn(Cluster& cluster, std::string transactional_id,
                                                              ProducerIdentity producer,
                                                              std::vector<TopicPartition> partitions,
                                                              SteadyTime deadline) {
  auto request = request_for(transactional_id, producer, partitions);
  LH_CO_TRY(const auto response,
            co_await cluster.call_coordinator(CoordinatorType::transaction, std::move(transactional_id),
                                              std::move(request), deadline, transaction_error));
  std::map<TopicPartition, KafkaErrc> answers;
  for (const auto& topic : response.body.results_by_topic) {
    for (const auto& partition : topic.results_by_partition) {
      answers[{topic.name, PartitionIndex(partition.partition_index)}] = partition.partition_error_code;
    }
  }
  std::vector<AddedPartition> added;
  for (auto& partition : partitions) {
    const auto answer = answers.find(partition);
    Result<void> outcome;
    if (answer == answers.end()) {
      outcome = fail(ClientErrc::undecodable_response, "not in the answer");
    } else if (answer->second != KafkaErrc::none) {
      outcome = fail(answer->second, "AddPartitionsToTxn: {}", partition);
    }
    added.push_back({std::move(partition), std::move(outcome)});
  }
  co_return added;
}

net::Async<void> end_txn(Cluster& cluster, std::string transactional_id, ProducerIdentity producer,
                         TransactionEnd end, SteadyTime deadline) {
  protocol::EndTxnRequest request{.transactional_id = transactional_id,
                                  .producer_id = producer.id.value(),
                                  .producer_epoch = producer.epoch,
                                  .committed = end == TransactionEnd::commit};
  LH_CO_TRY_VOID(co_await cluster.call_coordinator(CoordinatorType::transaction, std::move(transactional_id),
                                                   std::move(request), deadline));
  co_return Result<void>{};
}

}  // namespace longhaul::client
