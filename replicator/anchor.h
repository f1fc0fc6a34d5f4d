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

/// The last of our batches in a stretch of the target's log.
class LastOwnBatch {
 public:
  struct Batch {
    Offset base;
    std::int32_t records = 0;
    ProducerState producer;  ///< `next_sequence` is the batch's own
  };
  LastOwnBatch(OwnProducers ours, Offset begin) : ours_(std::move(ours)), position_(begin) {}
  void add(ConstBytes records);
  [[nodiscard]] Offset position() const { return position_; }
  [[nodiscard]] const std::optional<Batch>& last() const { return last_; }

 private:
  OwnProducers ours_;
  Offset position_;
  std::optional<Batch> last_;
};

/// Source offset of the record at `batch.base`, if the stored map says that all of the batch's records lie in
/// one run; nullopt otherwise.
[[nodiscard]] std::optional<Offset> source_of(const LastOwnBatch::Batch& batch,
                                              const std::vector<MapSegment>& map);

}  // namespace longhaul::replicator
