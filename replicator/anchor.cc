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

Result<void> LastOwnBatch::add(ConstBytes records) {
  protocol::RecordSetReader reader(records);
  while (const auto entry = reader.next()) {
    const auto* batch = std::get_if<RecordBatchView>(&*entry);
    if (batch == nullptr) break;
    if (batch->base_offset() < position_) continue;
    position_ = batch->next_offset();
    LH_TRY(const bool aborted, aborted_.is_aborted(*batch));
    if (batch->is_control() || aborted) continue;
    const Batch found{.base = batch->base_offset(),
                      .records = batch->last_offset_delta() + 1,
                      .producer = {batch->producer_id(), batch->producer_epoch(), batch->base_sequence()}};
    const bool is_mapped = found.producer.id != ProducerId() && overlaps(found, map_);
    if (is_mapped || ours_.contains(found.producer.id)) {
      last_ = found;
    } else {
      saw_others_ = true;
    }
  }
  return {};
}

bool overlaps(const LastOwnBatch::Batch& batch, const std::vector<MapSegment>& map) {
  return std::ranges::any_of(map, [&](const MapSegment& segment) {
    return std::ranges::any_of(segment.runs, [&](const OffsetRun& run) {
      return run.target < batch.base + batch.records && batch.base < run.target + run.records;
    });
  });
}

std::optional<Offset> source_of(Offset target, const std::vector<MapSegment>& map) {
  std::optional<Offset> source;
  for (const auto& segment : map) {
    for (const auto& run : segment.runs) {
      if (run.target <= target) source = run.source + std::min(target - run.target, run.records);
    }
  }
  return source;
}

}  // namespace longhaul::replicator
