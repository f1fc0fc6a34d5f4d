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
          .max_timestamp = load_be<std::int64_t>(header, layout::kMaxTimestampAt)};
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
  if (found == producers_.end() || found->second.batches.empty()) return {};
  const auto& entry = found->second;
  const auto first = batch.base_sequence;
  const auto last = next_sequence(first, batch.last_offset_delta);
  if (entry.epoch == batch.producer_epoch) {
    for (const auto& kept : entry.batches) {
      if (kept.first_sequence == first && kept.last_sequence == last) return {.duplicate = kept};
    }
  }
  if (batch.producer_epoch < entry.epoch) return {.error = KafkaErrc::invalid_producer_epoch};
  const auto expected =
      batch.producer_epoch > entry.epoch ? 0 : next_sequence(entry.batches.back().last_sequence, 1);
  if (first != expected) return {.error = KafkaErrc::out_of_order_sequence_number};
  return {};
}

void ProducerState::appended(const ProducerBatch& batch, std::int64_t append_time) {
  if (batch.producer_id.value() < 0) return;
  auto& entry = producers_[batch.producer_id];
  if (entry.epoch != batch.producer_epoch) {
    entry.epoch = batch.producer_epoch;
    entry.batches.clear();
  }
  entry.batches.push_back({.first_sequence = batch.base_sequence,
                           .last_sequence = next_sequence(batch.base_sequence, batch.last_offset_delta),
                           .base_offset = batch.base_offset,
                           .last_offset = batch.base_offset + batch.last_offset_delta,
                           .timestamp = batch.max_timestamp,
                           .append_time = append_time});
  if (entry.batches.size() > kBatchesKept) entry.batches.pop_front();
}

void ProducerState::expire(std::int64_t oldest_ms) {
  std::erase_if(producers_,
                [&](const auto& item) { return item.second.batches.back().timestamp < oldest_ms; });
}

void ProducerState::forget_before(std::int64_t offset) {
  std::erase_if(producers_,
                [&](const auto& item) { return item.second.batches.back().last_offset < offset; });
}

}  // namespace longhaul::sandbox
