#pragma once

#include <optional>
#include <vector>

#include "base/slab.h"
#include "replicator/offset_map.h"
#include "replicator/tail_match.h"

namespace longhaul::replicator {

/// What stands on the target where the last acknowledged batch was stored.
enum class AnchorState {
  confirmed,
  /// Nothing stands there, although the log goes on behind it: a cleaner may have taken it away.
  absent,
  /// Something else stands there, or the log ends before it: the target has lost its tail.
  different,
};

/// Looks at a record set fetched at the anchor's offset. `records` empty means that the log ends there.
[[nodiscard]] AnchorState check_anchor(ConstBytes records, const Anchor& anchor);

/// The last of our batches in a stretch of the target's log: of our producers, or where the offset map has
/// one.
class LastOwnBatch {
 public:
  struct Batch {
    Offset base;
    std::int32_t records = 0;
    ProducerState producer;  ///< `next_sequence` is the batch's own
  };
  /// `aborted`: transactions of ours that were aborted; what is in them does not count.
  LastOwnBatch(OwnProducers ours, std::vector<MapSegment> map, Offset begin,
               std::vector<AbortedTransaction> aborted)
      : ours_(std::move(ours)), map_(std::move(map)), aborted_(std::move(aborted)), position_(begin) {}
  [[nodiscard]] Result<void> add(ConstBytes records);
  [[nodiscard]] Offset position() const { return position_; }
  [[nodiscard]] const std::optional<Batch>& last() const { return last_; }
  /// There is data of others.
  [[nodiscard]] bool saw_others() const { return saw_others_; }

 private:
  OwnProducers ours_;
  std::vector<MapSegment> map_;
  AbortFilter aborted_;
  Offset position_;
  std::optional<Batch> last_;
  bool saw_others_ = false;
};

/// Whether the map knows a record of the batch.
[[nodiscard]] bool overlaps(const LastOwnBatch::Batch& batch, const std::vector<MapSegment>& map);
/// Source offset of what stands at `target`, or right behind what stands in front of it: records that the
/// source has forgotten are not in the map. nullopt in front of the whole map.
[[nodiscard]] std::optional<Offset> source_of(Offset target, const std::vector<MapSegment>& map);

}  // namespace longhaul::replicator
