#include "sandbox/handlers/handlers.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {
namespace {

using protocol::AddPartitionsToTxnRequest;
using protocol::KafkaErrc;

/// Adds all partitions or none: where one cannot be added the others are told that they were not tried.
/// Returns what those are told that have no error of their own.
KafkaErrc add_all(Core& core, const Call& call, const AddPartitionsToTxnRequest& request) {
  constexpr int kFencedSince = 2;
  PartitionSet partitions;
  for (const auto& topic : request.topics) {
    for (const auto index : topic.partitions) {
      const bool is_injected = call.injected_error(FaultMoment::before, topic.name, index) != KafkaErrc::none;
      if (is_injected || core.topics.find(topic.name, index) == nullptr) {
        return KafkaErrc::operation_not_attempted;
      }
      partitions.emplace(topic.name, index);
    }
  }
  const auto error = add_to_transaction(
      core, {request.transactional_id, request.producer_id, request.producer_epoch}, partitions, {});
  return fenced_in_words_of(call, kFencedSince, error);
}

}  // namespace

protocol::AddPartitionsToTxnResponse handle(Core& core, const Call& call,
                                            const AddPartitionsToTxnRequest& request) {
  // A fault of single partitions is theirs alone, one of the whole request concerns all.
  auto plain = call;
  if (call.fault && call.fault->topic) plain.fault = nullptr;
  const auto refused = transaction_error(core, plain, request.transactional_id);
  const auto whole = refused != KafkaErrc::none ? refused : add_all(core, call, request);
  protocol::AddPartitionsToTxnResponse response;
  for (const auto& topic : request.topics) {
    auto& results = response.results_by_topic.emplace_back();
    results.name = topic.name;
    for (const auto index : topic.partitions) {
      auto error = whole;
      if (refused == KafkaErrc::none) {
        const auto injected = call.injected_error(
            whole == KafkaErrc::none ? FaultMoment::after : FaultMoment::before, topic.name, index);
        if (injected != KafkaErrc::none) {
          error = injected;
        } else if (core.topics.find(topic.name, index) == nullptr) {
          error = KafkaErrc::unknown_topic_or_partition;
        }
      }
      results.results_by_partition.push_back({.partition_index = index, .partition_error_code = error});
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
