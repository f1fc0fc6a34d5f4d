#include "replicator/anchor.h"

#include <algorithm>

namespace longhaul::replicator {

using protocol::RecordBatchView;

AnchorState check_anchor(ConstBytes records, const Anchor& anchor) {
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<RecordBatchView>(&*entry);
    if (batch == nullptr) return AnchorState::different;
    if (batch->last_offset() < anchor.target_base) continue;
    if (batch->base_offset() >= anchor.target_base + anchor.records) return AnchorState::absent;
    const bool same_place = batch->base_offset() == anchor.target_base &&
                            batch->last_offset_delta() + 1 == anchor.records && !batch->is_control();
    if (!same_place) return AnchorState::different;
    const bool same_payload =
        payload_checksum(batch->header(), batch->payload().size()) == anchor.payload_crc;
    // A topic that compresses anew, or a cleaner, changes the payload; who wrote it stays.
    const bool same_producer = anchor.producer.id != ProducerId() &&
                               batch->producer_id() == anchor.producer.id &&
                               batch->producer_epoch() == anchor.producer.epoch &&
                               batch->base_sequence() == anchor.producer.next_sequence;
    return same_payload || same_producer ? AnchorState::confirmed : AnchorState::different;
  }
  return AnchorState::different;
}

void LastOwnBatch::add(ConstBytes records) {
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<RecordBatchView>(&*entry);
    if (batch == nullptr) return;
    if (batch->base_offset() < position_) continue;
    position_ = batch->next_offset();
    const bool is_data = !batch->is_control() && !batch->is_transactional();
    if (!is_data || !ours_.contains(batch->producer_id())) continue;
    last_ = Batch{.base = batch->base_offset(),
                  .records = batch->last_offset_delta() + 1,
                  .producer = {batch->producer_id(), batch->producer_epoch(), batch->base_sequence()}};
  }
}

std::optional<Offset> source_of(const LastOwnBatch::Batch& batch, const std::vector<MapSegment>& map) {
  for (const auto& segment : map) {
    for (const auto& run : segment.runs) {
      const bool inside = batch.base >= run.target && batch.base + batch.records <= run.target + run.records;
      if (inside) return run.source + (batch.base - run.target);
    }
  }
  return std::nullopt;
}

}  // namespace longhaul::replicator
