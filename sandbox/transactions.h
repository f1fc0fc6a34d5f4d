#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "protocol/error_code.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "sandbox/core.h"

/// What the APIs of transactions share: Kafka's transaction coordinator. Requests are answered as Kafka 4.3
/// answers them, at transaction version 1 where a client asks so (KIP-98, KIP-360) and 2 where its versions
/// say so (KIP-890). Transactions are named by their id, because timers outlive them.
namespace longhaul::sandbox {

/// What InitProducerId and EndTxn answer.
struct ProducerIdentity {
  protocol::KafkaErrc error = protocol::KafkaErrc::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
};

/// The holder of a transactional id, as requests name it.
struct TransactionOwner {
  const std::string& transactional_id;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
};

using PartitionSet = std::set<std::pair<std::string, std::int32_t>>;

/// Older versions of an API know a fenced producer by another code.
[[nodiscard]] protocol::KafkaErrc fenced_in_words_of(const Call& call, int fenced_since,
                                                     protocol::KafkaErrc error);

/// Why a request about `transactional_id` is not looked at: a fault, an id that may not be used, another
/// coordinator.
[[nodiscard]] protocol::KafkaErrc transaction_error(const Core& core, const Call& call,
                                                    const std::string& transactional_id);

[[nodiscard]] ProducerIdentity init_producer_id(Core& core, const protocol::InitProducerIdRequest& request);
/// Adds to the transaction, which this may begin.
[[nodiscard]] protocol::KafkaErrc add_to_transaction(Core& core, const TransactionOwner& owner,
                                                     const PartitionSet& partitions,
                                                     const std::set<std::string>& groups);
/// Whether the partition is part of the owner's transaction: TRANSACTION_ABORTABLE when it is not.
[[nodiscard]] protocol::KafkaErrc verify_partition(Core& core, const TransactionOwner& owner,
                                                   const std::string& topic, std::int32_t partition);
[[nodiscard]] protocol::KafkaErrc verify_group(Core& core, const TransactionOwner& owner,
                                               const std::string& group);
/// Commits or aborts; from version 5 on with the identity of the next transaction.
[[nodiscard]] ProducerIdentity end_transaction(Core& core, const protocol::EndTxnRequest& request,
                                               int version);

/// Aborts what is open for longer than its producer allowed, under an epoch that fences it.
void abort_overdue_transactions(Core& core);
/// Forgets transactional ids that were not used for long.
void expire_transactional_ids(Core& core);

}  // namespace longhaul::sandbox
