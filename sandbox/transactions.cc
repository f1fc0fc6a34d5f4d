#include "sandbox/transactions.h"

#include <algorithm>

namespace longhaul::sandbox {
namespace {

using protocol::ControlType;
using protocol::KafkaErrc;
using enum TransactionState;

/// After which time a coordinator tries again to write markers that were refused.
constexpr milliseconds kMarkerRetry{100};
/// The first version of EndTxn, and the transaction version that it means, that bump the epoch (KIP-890).
constexpr int kBumpsSince = 5;
constexpr int kEpochBump = 2;

ProducerIdentity refused(KafkaErrc error) {
  return {.error = error};
}

ProducerIdentity identity_of(const Transaction& transaction) {
  return {.producer_id = transaction.producer_id, .producer_epoch = transaction.epoch};
}

Transaction* find(Core& core, const std::string& id) {
  const auto found = core.transactions.find(id);
  return found == core.transactions.end() ? nullptr : &found->second;
}

KafkaErrc owner_error(const Transaction* transaction, const TransactionOwner& owner) {
  if (transaction == nullptr || transaction->producer_id != owner.producer_id) {
    return KafkaErrc::invalid_producer_id_mapping;
  }
  return transaction->epoch == owner.producer_epoch ? KafkaErrc::none : KafkaErrc::producer_fenced;
}

void end_in_group(Core& core, const Transaction& transaction, const std::string& group_id) {
  const auto found = core.groups.find(group_id);
  if (found == core.groups.end()) return;
  auto& group = found->second;
  const auto open = group.open_offsets.extract(transaction.producer_id);
  if (open.empty() || transaction.state != prepare_commit) return;
  for (auto& [place, offset] : open.mapped()) {
    // A commit that came later than this one, outside of the transaction, stays.
    auto& committed = group.offsets[place];
    if (committed.serial < offset.serial) committed = offset;
  }
}

void complete(Core& core, Transaction& transaction) {
  transaction.state = transaction.state == prepare_commit ? complete_commit : complete_abort;
  transaction.updated_ms = core.now.wall_ms;
  if (transaction.next_producer_id < 0) return;
  transaction.previous_producer_id = transaction.producer_id;
  transaction.producer_id = std::exchange(transaction.next_producer_id, -1);
  transaction.epoch = 0;
}

/// Whether the partition needs no marker any more. One without leader at this moment never gets it, here as
/// in Kafka, although all calls succeed.
bool write_marker(Core& core, Transaction& transaction, const std::string& name, std::int32_t index) {
  auto* topic = core.topics.find(name);
  auto* partition = topic == nullptr ? nullptr : topic->partition(index);
  if (partition == nullptr) return true;
  if (partition->leader < 0) {
    ++core.lost_markers;
    return true;
  }
  if (has_too_few_replicas(*topic, *partition)) return false;
  const auto error = partition->append(TransactionMarker{
      .producer = {.producer_id = ProducerId(transaction.producer_id),
                   .producer_epoch = transaction.epoch,
                   .transaction_version = transaction.version,
                   .timestamp = core.now.wall_ms},
      .type = transaction.state == prepare_commit ? ControlType::commit : ControlType::abort,
      .coordinator_epoch = core.coordinator_epoch,
      .is_log_append_time = topic->config.batch_rules().is_log_append_time});
  if (error != KafkaErrc::none) transaction.is_abandoned = true;
  core.changed(*partition);
  return error == KafkaErrc::none;
}

void write_markers(Core& core, const std::string& id);

void write_markers_later(Core& core, Transaction& transaction, milliseconds delay) {
  transaction.marker_timer =
      core.timers.at(core.now.steady + delay, [&core, id = transaction.id] { write_markers(core, id); });
}

void write_markers(Core& core, const std::string& id) {
  auto& transaction = core.transactions.at(id);
  transaction.marker_timer = 0;
  std::erase_if(transaction.partitions, [&](const auto& place) {
    return !transaction.is_abandoned && write_marker(core, transaction, place.first, place.second);
  });
  for (const auto& group : transaction.groups) end_in_group(core, transaction, group);
  transaction.groups.clear();
  if (transaction.is_abandoned) return;
  if (transaction.partitions.empty()) return complete(core, transaction);
  write_markers_later(core, transaction, kMarkerRetry);
}

void begin_end(Core& core, Transaction& transaction, TransactionState state, int version) {
  transaction.state = state;
  transaction.version = version;
  transaction.updated_ms = core.now.wall_ms;
  const auto delay = core.options.transaction_marker_delay;
  return delay.count() > 0 ? write_markers_later(core, transaction, delay)
                           : write_markers(core, transaction.id);
}

using Aborted = std::set<std::pair<std::int64_t, std::int16_t>>;

/// Aborts what is open, under a new epoch that is given to nobody, and counts it in `aborted`.
void fence(Core& core, Transaction& transaction, Aborted& aborted) {
  transaction.last_epoch = transaction.epoch++;
  aborted.emplace(transaction.producer_id, transaction.epoch);
  begin_end(core, transaction, prepare_abort, kEpochBump);
}

/// Ends a transaction under the next epoch, which is the next transaction's.
void end_with_bump(Core& core, Transaction& transaction, bool committed) {
  if (transaction.is_exhausted()) transaction.next_producer_id = core.next_producer_id++;
  transaction.last_epoch = transaction.epoch++;
  begin_end(core, transaction, committed ? prepare_commit : prepare_abort, kEpochBump);
}

/// Transaction version 1: the epoch stays, and a repeated request is known by the state alone.
KafkaErrc end_plainly(Core& core, Transaction& transaction, bool committed) {
  switch (transaction.state) {
    case ongoing:
      begin_end(core, transaction, committed ? prepare_commit : prepare_abort, 0);
      return KafkaErrc::none;
    case complete_commit:
    case complete_abort:
      return committed == (transaction.state == complete_commit) ? KafkaErrc::none
                                                                 : KafkaErrc::invalid_txn_state;
    case prepare_commit:
    case prepare_abort:
      return committed == (transaction.state == prepare_commit) ? KafkaErrc::concurrent_transactions
                                                                : KafkaErrc::invalid_txn_state;
    case empty:
      break;
  }
  return KafkaErrc::invalid_txn_state;
}

/// Transaction version 2: a repeated request is known by the epoch before the bump.
KafkaErrc end_bumping(Core& core, Transaction& transaction, const protocol::EndTxnRequest& request) {
  const bool is_completed = transaction.state == complete_commit || transaction.state == complete_abort;
  const bool follows_overflow = is_completed && transaction.previous_producer_id == request.producer_id &&
                                request.producer_epoch == Transaction::kLastEpoch && transaction.epoch == 0;
  const bool is_repeated = follows_overflow || transaction.epoch == request.producer_epoch + 1;
  if (transaction.producer_id != request.producer_id && !follows_overflow) {
    return KafkaErrc::invalid_producer_id_mapping;
  }
  const bool is_current = transaction.epoch == request.producer_epoch;
  const bool is_valid = transaction.is_ending() ? is_repeated
                        : is_completed          ? is_repeated || is_current
                                                : is_current;
  if (!is_valid) return KafkaErrc::producer_fenced;
  if (transaction.is_ending() || (is_completed && is_repeated)) {
    const bool was_commit = transaction.state == prepare_commit || transaction.state == complete_commit;
    if (request.committed != was_commit) return KafkaErrc::invalid_txn_state;
    return transaction.is_ending() ? KafkaErrc::concurrent_transactions : KafkaErrc::none;
  }
  // Without anything open an abort is allowed, and bumps the epoch.
  if (transaction.state != ongoing && request.committed) return KafkaErrc::invalid_txn_state;
  end_with_bump(core, transaction, request.committed);
  return KafkaErrc::none;
}

bool is_known_producer(const Transaction& transaction, const protocol::InitProducerIdRequest& request) {
  return transaction.epoch < 0 || request.producer_id == transaction.producer_id ||
         (request.producer_id == transaction.previous_producer_id &&
          request.producer_epoch >= Transaction::kLastEpoch);
}

/// A new epoch for whoever asks, or for who has the one before (KIP-360).
ProducerIdentity bump(Core& core, Transaction& transaction, const protocol::InitProducerIdRequest& request) {
  const bool is_holder = request.producer_id >= 0;
  const auto expected = request.producer_epoch;
  if (transaction.is_exhausted() && (!is_holder || expected == transaction.epoch)) {
    transaction.previous_producer_id = transaction.producer_id;
    transaction.last_epoch = is_holder ? transaction.epoch : std::int16_t{-1};
    transaction.producer_id = core.next_producer_id++;
    transaction.epoch = 0;
  } else if (transaction.is_exhausted()) {
    return refused(KafkaErrc::unknown_server_error);
  } else if (!is_holder) {
    transaction.last_epoch = -1;
    ++transaction.epoch;
  } else if (transaction.epoch < 0 || expected == transaction.epoch) {
    transaction.last_epoch = transaction.epoch++;
  } else if (expected != transaction.last_epoch) {
    return refused(KafkaErrc::producer_fenced);
  }
  transaction.state = empty;
  transaction.timeout = milliseconds(request.transaction_timeout_ms);
  transaction.started_ms = -1;
  transaction.updated_ms = core.now.wall_ms;
  return identity_of(transaction);
}

}  // namespace

std::string_view name_of(TransactionState state) {
  switch (state) {
    case empty:
      return "Empty";
    case ongoing:
      return "Ongoing";
    case prepare_commit:
      return "PrepareCommit";
    case prepare_abort:
      return "PrepareAbort";
    case complete_commit:
      return "CompleteCommit";
    case complete_abort:
      return "CompleteAbort";
  }
  return "";
}

KafkaErrc fenced_in_words_of(const Call& call, int fenced_since, KafkaErrc error) {
  return error == KafkaErrc::producer_fenced && call.version < fenced_since
             ? KafkaErrc::invalid_producer_epoch
             : error;
}

KafkaErrc transaction_error(const Core& core, const Call& call, const std::string& transactional_id) {
  if (const auto error = call.injected_error(FaultMoment::before); error != KafkaErrc::none) return error;
  if (!core.options.authorize_transactions) return KafkaErrc::transactional_id_authorization_failed;
  if (transactional_id.empty()) return KafkaErrc::invalid_request;
  return core.coordinator_error(call, transactional_id);
}

ProducerIdentity init_producer_id(Core& core, const protocol::InitProducerIdRequest& request) {
  const auto timeout = request.transaction_timeout_ms;
  if (timeout <= 0 || timeout > core.options.transaction_max_timeout.count()) {
    return refused(KafkaErrc::invalid_transaction_timeout);
  }
  auto* transaction = find(core, *request.transactional_id);
  if (transaction == nullptr) {
    transaction = &core.transactions[*request.transactional_id];
    transaction->id = *request.transactional_id;
    transaction->producer_id = core.next_producer_id++;
  }
  if (request.producer_id >= 0 && !is_known_producer(*transaction, request)) {
    return refused(KafkaErrc::producer_fenced);
  }
  if (transaction->is_ending()) return refused(KafkaErrc::concurrent_transactions);
  if (transaction->state == ongoing) {
    // The client comes again, and gets the epoch after the one that the abort has taken.
    // Whoever names another epoch does not get the id, but ends the transaction all the same: a request that
    // came late.
    const bool is_late = request.producer_id >= 0 && request.producer_epoch != transaction->epoch;
    fence(core, *transaction, is_late ? core.aborted_by_mistake : core.aborted_by_successor);
    return refused(KafkaErrc::concurrent_transactions);
  }
  return bump(core, *transaction, request);
}

KafkaErrc add_to_transaction(Core& core, const TransactionOwner& owner, const PartitionSet& partitions,
                             const std::set<std::string>& groups) {
  auto* transaction = find(core, owner.transactional_id);
  if (const auto error = owner_error(transaction, owner); error != KafkaErrc::none) return error;
  if (transaction->is_ending()) return KafkaErrc::concurrent_transactions;
  const bool has_all = std::ranges::includes(transaction->partitions, partitions) &&
                       std::ranges::includes(transaction->groups, groups);
  if (transaction->state == ongoing && has_all) return KafkaErrc::none;
  if (transaction->state != ongoing) transaction->started_ms = core.now.wall_ms;
  transaction->state = ongoing;
  transaction->updated_ms = core.now.wall_ms;
  transaction->partitions.insert(partitions.begin(), partitions.end());
  transaction->groups.insert(groups.begin(), groups.end());
  return KafkaErrc::none;
}

KafkaErrc verify_partition(Core& core, const TransactionOwner& owner, const std::string& topic,
                           std::int32_t partition) {
  const auto* transaction = find(core, owner.transactional_id);
  if (const auto error = owner_error(transaction, owner); error != KafkaErrc::none) return error;
  if (transaction->is_ending()) return KafkaErrc::concurrent_transactions;
  return transaction->partitions.contains({topic, partition}) ? KafkaErrc::none
                                                              : KafkaErrc::transaction_abortable;
}

KafkaErrc verify_group(Core& core, const TransactionOwner& owner, const std::string& group) {
  const auto* transaction = find(core, owner.transactional_id);
  if (const auto error = owner_error(transaction, owner); error != KafkaErrc::none) return error;
  if (transaction->is_ending()) return KafkaErrc::concurrent_transactions;
  return transaction->groups.contains(group) ? KafkaErrc::none : KafkaErrc::transaction_abortable;
}

ProducerIdentity end_transaction(Core& core, const protocol::EndTxnRequest& request, int version) {
  auto* transaction = find(core, request.transactional_id);
  if (version < kBumpsSince) {
    const TransactionOwner owner{request.transactional_id, request.producer_id, request.producer_epoch};
    auto error = owner_error(transaction, owner);
    if (error == KafkaErrc::none) error = end_plainly(core, *transaction, request.committed);
    return refused(error);
  }
  if (transaction == nullptr) return refused(KafkaErrc::invalid_producer_id_mapping);
  const auto error = end_bumping(core, *transaction, request);
  if (error != KafkaErrc::none) return refused(error);
  // Where markers are still to be written the change of the producer id has not happened yet.
  if (transaction->next_producer_id >= 0)
    return {.producer_id = transaction->next_producer_id, .producer_epoch = 0};
  return identity_of(*transaction);
}

void abort_overdue_transactions(Core& core) {
  for (auto& [id, transaction] : core.transactions) {
    const auto open_ms = core.now.wall_ms - transaction.started_ms;
    if (transaction.state != ongoing || open_ms <= transaction.timeout.count()) continue;
    fence(core, transaction, core.aborted_by_mistake);
  }
}

void expire_transactional_ids(Core& core) {
  const auto oldest = core.now.wall_ms - core.options.transactional_id_expiration.count();
  std::erase_if(core.transactions, [&](const auto& item) {
    const auto& transaction = item.second;
    return transaction.state != ongoing && !transaction.is_ending() && transaction.updated_ms <= oldest;
  });
}

}  // namespace longhaul::sandbox
