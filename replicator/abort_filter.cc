#include "replicator/abort_filter.h"

#include <algorithm>

#include "protocol/record_batch.h"

namespace longhaul::replicator {
namespace {

/// A control record's key is its version and its type, both int16; type 0 ends a transaction by abort.
bool is_abort_marker(const protocol::RecordBatchView& batch) {
  // The one record of a control batch is uncompressed and its lengths fit one byte each:
  // length, attributes, timestamp delta (up to ten bytes), offset delta, key length, then the key.
  const auto payload = batch.payload();
  std::size_t at = 0;
  const auto skip_varint = [&] {
    while (at < payload.size() && (std::to_integer<unsigned>(payload[at]) & 0x80U) != 0) ++at;
    ++at;
  };
  skip_varint();
  ++at;
  skip_varint();
  skip_varint();
  skip_varint();
  return at + 4 <= payload.size() && load_be<std::int16_t>(payload, at + 2) == 0;
}

}  // namespace

AbortFilter::AbortFilter(std::vector<AbortedTransaction> aborted) : pending_(std::move(aborted)) {
  // Brokers list them in the order of their markers.
  std::ranges::sort(pending_, std::ranges::greater{}, &AbortedTransaction::first_offset);
}

bool AbortFilter::is_aborted(const protocol::RecordBatchView& batch) {
  const auto producer = batch.producer_id().value();
  if (producer < 0) return false;
  while (!pending_.empty() && pending_.back().first_offset <= batch.last_offset()) {
    active_.insert(pending_.back().producer_id.value());
    pending_.pop_back();
  }
  if (batch.is_control()) {
    if (batch.records_count() > 0 && is_abort_marker(batch)) active_.erase(producer);
    return false;
  }
  return batch.is_transactional() && active_.contains(producer);
}

}  // namespace longhaul::replicator
