#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/slab.h"
#include "replicator/abort_filter.h"
#include "replicator/stop_reason.h"

namespace longhaul::replicator {

/// What one Fetch answer says about one partition.
struct FetchedSet {
  /// The record set as it came; may end in a cut batch.
  Slice records;
  Offset high_watermark;
  Offset last_stable_offset;
  /// Only filled under read_committed.
  std::vector<AbortedTransaction> aborted;
};

/// A batch that can be passed as it is: a view into its slab and what the window needs of its header.
struct PlannedBatch {
  Slice bytes;
  Offset base;
  Offset next;
  std::int32_t records = 0;
  LeaderEpoch leader_epoch;
  std::int64_t max_timestamp = -1;
};

struct PassLimits {
  /// `max.message.bytes` of the target topic: the size of a whole batch, compressed as it is.
  std::int64_t max_batch_bytes = INT64_MAX;
};

/// The plan for one fetched record set.
struct PassPlan {
  std::vector<PlannedBatch> batches;
  /// Where to fetch next: behind the last whole batch that was looked at, or at the batch that stops the
  /// partition.
  Offset next_position;
  /// Leader epoch of the last batch looked at.
  LeaderEpoch leader_epoch;
  std::int64_t records_skipped = 0;
  std::int64_t control_batches = 0;
  /// A batch that cannot be passed, at `next_position`; the batches before it still can.
  std::optional<Stop> stop;
  /// The set contradicts itself, the high watermark or `last_epoch`; nothing of it may be used. Fetch again.
  std::optional<Stop> anomaly;
};

/// Plans the passthrough of one record set fetched at `position`, whose predecessor had `last_epoch`.
///
/// Skips what lies below the position, drops control batches, empty batches and aborted transactions. Base
/// offsets and leader epochs lie outside a batch's CRC, so they are checked for consistency here. O(batches),
/// no payload is read. Source: docs/architecture.md, "Passthrough"; KIP-98 for the format.
[[nodiscard]] PassPlan plan_passthrough(const FetchedSet& set, Offset position, LeaderEpoch last_epoch,
                                        const PassLimits& limits);

}  // namespace longhaul::replicator
