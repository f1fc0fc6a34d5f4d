#include "sandbox/producer_state.h"

#include <limits>

namespace longhaul::sandbox {
namespace {

/// As many as a producer may have in flight; older repetitions are answered as out of order.
constexpr std::size_t kBatchesKept = 5;

using protocol::KafkaErrc;

}  // namespace

ProducerBatch ProducerBatch::of(const protocol::BatchHeader& header) {
  namespace layout = protocol::batch_layout;
  return {.producer_id = ProducerId(load_be<std::int64_t>(header, layout::kProducerIdAt)),
          .producer_epoch = load_be<std::int16_t>(header, layout::kProducerEpochAt),
          .base_sequence = load_be<std::int32_t>(header, layout::kBaseSequenceAt),
          .last_offset_delta = load_be<std::int32_t>(header, layout::kLastOffsetDeltaAt),
          .base_offset = load_be<std::int64_t>(header, layout::kBaseOffsetAt),
          .max_timestamp = load_be<std::int64_t>(header, layout::kMaxTimestampAt),
          .is_transactional =
              (load_be<std::int16_t>(header, layout::kAttributesAt) & layout::kTransactionalBit) != 0};
}

std::int32_t next_sequence(std::int32_t sequence, std::int32_t increment) {
  constexpr auto kLargest = std::numeric_limits<std::int32_t>::max();
  if (sequence > kLargest - increment) return increment - (kLargest - sequence) - 1;
  return sequence + increment;
}

ProducerState::Verdict ProducerState::check(const ProducerBatch& batch) const {
  if (batch.producer_id.value() < 0) return {};
  const auto found = producers_.find(batch.producer_id);
  // Nothing is known of this producer, so any sequence may be its next one (KIP-360).
  if (found == producers_.end()) return {};
  const auto& entry = found->second;
  const auto first = batch.base_sequence;
  const auto last = next_sequence(first, batch.last_offset_delta);
  if (entry.epoch == batch.producer_epoch) {
    for (const auto& kept : entry.batches) {
      if (kept.first_sequence == first && kept.last_sequence == last) return {.duplicate = kept};
    }
  }
  if (batch.producer_epoch < entry.epoch) return {.error = KafkaErrc::invalid_producer_epoch};
  // Behind a marker the epoch is known and no batch of it: it begins at 0.
  const bool begins = batch.producer_epoch > entry.epoch || entry.batches.empty();
  const auto expected = begins ? 0 : next_sequence(entry.batches.back().last_sequence, 1);
  if (first != expected) return {.error = KafkaErrc::out_of_order_sequence_number};
  if (entry.transaction_start && !batch.is_transactional) return {.error = KafkaErrc::invalid_txn_state};
  return {};
}

ProducerState::Entry& ProducerState::entry_of(ProducerId producer_id, std::int16_t producer_epoch) {
  auto& entry = producers_[producer_id];
  if (entry.epoch != producer_epoch) {
    entry.epoch = producer_epoch;
    entry.batches.clear();
  }
  return entry;
}

void ProducerState::appended(const ProducerBatch& batch) {
  if (batch.producer_id.value() < 0) return;
  auto& entry = entry_of(batch.producer_id, batch.producer_epoch);
  entry.batches.push_back({.first_sequence = batch.base_sequence,
                           .last_sequence = next_sequence(batch.base_sequence, batch.last_offset_delta),
                           .base_offset = batch.base_offset,
                           .last_offset = batch.base_offset + batch.last_offset_delta,
                           .timestamp = batch.max_timestamp});
  if (entry.batches.size() > kBatchesKept) entry.batches.pop_front();
  entry.last_timestamp = batch.max_timestamp;
  if (!batch.is_transactional || entry.transaction_start) return;
  entry.transaction_start = batch.base_offset;
  open_.emplace(batch.base_offset, batch.producer_id);
}

KafkaErrc ProducerState::check(const ProducerMarker& marker) const {
  constexpr int kBumpsSince = 2;
  const auto found = producers_.find(marker.producer_id);
  if (found == producers_.end() || marker.producer_epoch > found->second.epoch) return KafkaErrc::none;
  if (marker.producer_epoch < found->second.epoch) return KafkaErrc::invalid_producer_epoch;
  // Of the same epoch it is the repetition of a marker, unless something is open.
  const bool is_late = marker.transaction_version >= kBumpsSince && found->second.transaction_start;
  return is_late ? KafkaErrc::invalid_producer_epoch : KafkaErrc::none;
}

std::optional<std::int64_t> ProducerState::appended(const ProducerMarker& marker) {
  auto& entry = entry_of(marker.producer_id, marker.producer_epoch);
  entry.last_timestamp = marker.timestamp;
  const auto start = std::exchange(entry.transaction_start, std::nullopt);
  if (start) open_.erase({*start, marker.producer_id});
  return start;
}

bool ProducerState::has_open_transaction(ProducerId producer_id, std::int16_t producer_epoch) const {
  const auto found = producers_.find(producer_id);
  return found != producers_.end() && found->second.epoch == producer_epoch &&
         found->second.transaction_start.has_value();
}

bool ProducerState::has_batches(ProducerId producer_id) const {
  const auto found = producers_.find(producer_id);
  return found != producers_.end() && !found->second.batches.empty();
}

bool ProducerState::is_last_of_producer(const protocol::RecordBatchView& batch) const {
  const auto found = producers_.find(batch.producer_id());
  if (found == producers_.end()) return false;
  const auto& batches = found->second.batches;
  return batches.empty() ? batch.is_control() && batch.producer_epoch() == found->second.epoch
                         : batches.back().last_offset == batch.last_offset().value();
}

std::vector<protocol::ActiveProducer> ProducerState::describe() const {
  std::vector<protocol::ActiveProducer> active;
  for (const auto& [id, entry] : producers_) {
    active.push_back({.producer_id = id.value(),
                      .producer_epoch = entry.epoch,
                      .last_sequence = entry.batches.empty() ? -1 : entry.batches.back().last_sequence,
                      .last_timestamp = entry.last_timestamp,
                      .current_txn_start_offset = entry.transaction_start.value_or(-1)});
  }
  return active;
}

std::optional<std::int64_t> ProducerState::first_open_offset() const {
  if (open_.empty()) return std::nullopt;
  return open_.begin()->first;
}

void ProducerState::expire(std::int64_t oldest_ms) {
  std::erase_if(producers_, [&](const auto& item) {
    return !item.second.transaction_start && item.second.last_timestamp <= oldest_ms;
  });
}

void ProducerState::clear() {
  producers_.clear();
  open_.clear();
}

}  // namespace longhaul::sandbox
