#include "sandbox/partition.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;
namespace layout = protocol::batch_layout;

std::int64_t Partition::last_stable_offset() const {
  const auto open = producers.first_open_offset();
  return open ? std::max(*open, log.start_offset()) : log.end_offset();
}

void Partition::append(const protocol::BatchHeader& header, ConstBytes payload) {
  log.append(header, payload);
  producers.appended(ProducerBatch::of(header));
}

KafkaErrc Partition::append(const TransactionMarker& marker) {
  if (const auto error = producers.check(marker.producer); error != KafkaErrc::none) return error;
  // Version and type; version and coordinator epoch (Kafka's EndTxnMarker).
  std::array<std::byte, 4> key{};
  store_be(MutableBytes(key), 2, static_cast<std::int16_t>(marker.type));
  std::array<std::byte, 6> value{};
  store_be(MutableBytes(value), 2, marker.coordinator_epoch);
  protocol::BatchBuilder builder;
  const auto added = builder.add(
      {.timestamp = marker.producer.timestamp, .key = ConstBytes(key), .value = ConstBytes(value)});
  LH_CHECK(added.has_value());
  const auto bits = layout::kTransactionalBit | layout::kControlBit |
                    (marker.is_log_append_time ? layout::kLogAppendTimeBit : 0);
  const auto offset = log.end_offset();
  protocol::BatchOptions options;
  options.producer = {.producer_id = marker.producer.producer_id,
                      .producer_epoch = marker.producer.producer_epoch,
                      .base_sequence = -1};
  options.attribute_bits = static_cast<std::int16_t>(bits);
  options.base_offset = offset;
  options.leader_epoch = leader_epoch;
  const auto header = builder.finish(options, builder.payload());
  LH_CHECK(header.has_value());
  log.append(*header, builder.payload());
  ended(marker, offset);
  return KafkaErrc::none;
}

void Partition::truncate(std::int64_t offset) {
  if (offset >= log.end_offset()) return;
  log.truncate(offset);
  producers.clear();
  aborted_.clear();
  log.for_each([this](const protocol::RecordBatchView& batch) {
    if (batch.producer_id().value() < 0) return;
    if (!batch.is_control()) return producers.appended(ProducerBatch::of(batch.header()));
    const auto type = protocol::control_type(batch);
    LH_CHECK(type.has_value());
    // One that compaction has emptied says nothing any more.
    if (!*type) return;
    ended({.producer = {.producer_id = batch.producer_id(),
                        .producer_epoch = batch.producer_epoch(),
                        .timestamp = batch.max_timestamp()},
           .type = **type},
          batch.base_offset().value());
  });
}

void Partition::replace(const std::vector<Bytes>& batches, const std::set<std::int64_t>& markers_of_aborted) {
  log.replace(batches);
  std::erase_if(aborted_, [&](const Aborted& one) { return !markers_of_aborted.contains(one.last_offset); });
}

void Partition::ended(const TransactionMarker& marker, std::int64_t offset) {
  const auto start = producers.appended(marker.producer);
  if (!start || marker.type != protocol::ControlType::abort) return;
  aborted_.push_back(
      {.producer_id = marker.producer.producer_id.value(), .first_offset = *start, .last_offset = offset});
}

std::vector<protocol::AbortedTransaction> Partition::aborted_transactions(std::int64_t from,
                                                                          std::int64_t to) const {
  std::vector<protocol::AbortedTransaction> found;
  // Markers rise, so what ended before the range is skipped at once.
  auto aborted =
      std::ranges::partition_point(aborted_, [&](const Aborted& one) { return one.last_offset < from; });
  for (; aborted != aborted_.end(); ++aborted) {
    if (aborted->first_offset < to) {
      found.push_back({.producer_id = aborted->producer_id, .first_offset = aborted->first_offset});
    }
  }
  return found;
}

}  // namespace longhaul::sandbox
