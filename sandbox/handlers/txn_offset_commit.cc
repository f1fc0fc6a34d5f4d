#include "sandbox/handlers/handlers.h"
#include "sandbox/rebalance.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::TxnOffsetCommitRequest;

/// Whether the sender speaks for the group (KIP-447). Who names neither member nor generation is not asked.
KafkaErrc sender_error(Core& core, const TxnOffsetCommitRequest& request) {
  const auto* group = find_group(core, request.group_id);
  if (group == nullptr) return request.generation_id < 0 ? KafkaErrc::none : KafkaErrc::illegal_generation;
  if (request.generation_id < 0 && group->members.empty()) return KafkaErrc::none;
  if (request.generation_id < 0 && request.member_id.empty() && !request.group_instance_id) {
    return KafkaErrc::none;
  }
  if (request.group_instance_id) {
    const auto known = group->static_members.find(*request.group_instance_id);
    if (known == group->static_members.end()) return KafkaErrc::unknown_member_id;
    if (known->second != request.member_id) return KafkaErrc::fenced_instance_id;
  }
  if (!group->members.contains(request.member_id)) return KafkaErrc::unknown_member_id;
  return request.generation_id == group->generation ? KafkaErrc::none : KafkaErrc::illegal_generation;
}

/// Whether the group's offsets are part of the transaction; from version 5 on they become it (KIP-890).
KafkaErrc transaction_error_of(Core& core, const Call& call, const TxnOffsetCommitRequest& request) {
  constexpr int kAbortableSince = 4;
  constexpr int kAddsSince = 5;
  const TransactionOwner owner{request.transactional_id, request.producer_id, request.producer_epoch};
  const auto error = call.version >= kAddsSince ? add_to_transaction(core, owner, {}, {request.group_id})
                                                : verify_group(core, owner, request.group_id);
  if (error == KafkaErrc::producer_fenced) return KafkaErrc::invalid_producer_epoch;
  if (error == KafkaErrc::transaction_abortable && call.version < kAbortableSince) {
    return KafkaErrc::invalid_txn_state;
  }
  return error;
}

KafkaErrc request_error(Core& core, const Call& call, const TxnOffsetCommitRequest& request) {
  if (const auto error = call.injected_error(FaultMoment::before); error != KafkaErrc::none) return error;
  if (!core.options.authorize_transactions) return KafkaErrc::transactional_id_authorization_failed;
  if (const auto error = group_error(core, call, request.group_id); error != KafkaErrc::none) return error;
  if (const auto error = transaction_error_of(core, call, request); error != KafkaErrc::none) return error;
  return sender_error(core, request);
}

}  // namespace

protocol::TxnOffsetCommitResponse handle(Core& core, const Call& call,
                                         const TxnOffsetCommitRequest& request) {
  protocol::TxnOffsetCommitResponse response;
  const auto whole = request_error(core, call, request);
  const auto after = call.injected_error(FaultMoment::after);
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto error = whole;
      auto metadata = partition.committed_metadata.value_or("");
      if (core.topics.find(topic.name, partition.partition_index) == nullptr) {
        error = whole == KafkaErrc::transactional_id_authorization_failed
                    ? whole
                    : KafkaErrc::unknown_topic_or_partition;
      }
      if (error == KafkaErrc::none && metadata.size() > kOffsetMetadataBytesMax) {
        error = KafkaErrc::offset_metadata_too_large;
      }
      if (error == KafkaErrc::none) {
        auto& group = core.groups[request.group_id];
        group.id = request.group_id;
        group.open_offsets[request.producer_id][{topic.name, partition.partition_index}] = {
            .offset = partition.committed_offset,
            .leader_epoch = partition.committed_leader_epoch,
            .metadata = std::move(metadata),
            .serial = ++core.commits};
        error = after;
      }
      answers.partitions.push_back({.partition_index = partition.partition_index, .error_code = error});
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
