#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/slab.h"
#include "protocol/record_batch.h"
#include "replicator/offset_map.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

/// CRC-32C of a batch with its header fields from byte 21 to 60 set to zero: the same before and after
/// restamping. O(log size), the payload is not read.
[[nodiscard]] std::uint32_t payload_checksum(const protocol::BatchHeader& header, std::size_t payload_size);

/// Finds out how far a predecessor got that ended without draining.
///
/// First it is shown the target behind the stored target offset: every batch of the partition's producer
/// there was forwarded from the source, in order. Then it is shown the source from the stored source offset
/// on, and pairs the batches. Passthrough keeps batches whole, so each pair has the same record count and
/// payload.
class TailMatch {
 public:
  /// `limits` are those that the source's batches are planned with.
  explicit TailMatch(Progress stored, PassLimits limits = {})
      : limits_(limits), progress_(std::move(stored)) {}

  /// Takes a record set of the target, in log order from the stored target offset on.
  [[nodiscard]] Result<void> add_target(ConstBytes records);
  /// Target offset to fetch next.
  [[nodiscard]] Offset target_position() const { return target_position_.value_or(first_target()); }

  /// True when the source must be read on.
  [[nodiscard]] bool wants_source() const { return !stop_ && !appended_.empty(); }
  /// Takes a record set of the source, fetched at `progress().source_offset`'s successor `source_position()`.
  void add_source(const FetchedSet& set);
  [[nodiscard]] Offset source_position() const { return source_position_.value_or(progress_.source_offset); }

  /// Where to go on, once `wants_source()` is false.
  [[nodiscard]] const Progress& progress() const { return progress_; }
  /// The pairs found, for the offset map.
  [[nodiscard]] const std::vector<OffsetRun>& runs() const { return runs_; }
  /// Set when target and source do not fit together.
  [[nodiscard]] const std::optional<Stop>& stopped() const { return stop_; }

 private:
  struct Appended {
    Offset base;
    std::int32_t records;
    std::int32_t sequence;
    std::uint32_t checksum;
  };
  [[nodiscard]] Offset first_target() const {
    return progress_.target_offset == Offset() ? Offset(0) : progress_.target_offset;
  }

  PassLimits limits_;
  Progress progress_;
  std::optional<Offset> target_position_;
  std::optional<Offset> source_position_;
  std::deque<Appended> appended_;
  std::vector<OffsetRun> runs_;
  std::optional<Stop> stop_;
};

}  // namespace longhaul::replicator
