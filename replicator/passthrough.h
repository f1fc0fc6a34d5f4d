#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/slab.h"
#include "replicator/abort_filter.h"
#include "replicator/reencode.h"
#include "replicator/stop_reason.h"

namespace longhaul::replicator {

/// What one Fetch answer says about one partition.
struct FetchedSet {
  /// The record set as it came; may end in a cut batch.
  Slice records;
  Offset high_watermark;
  Offset last_stable_offset;
  /// Of the leader that has answered; none where it is not known.
  LeaderEpoch leader_epoch = {};
  /// Only filled under read_committed.
  std::vector<AbortedTransaction> aborted;
};

/// A batch whose bytes do not match its checksum.
struct DamagedBatch {
  /// Where the source goes on behind it, as far as can be told: its own header may be what is damaged.
  Offset next;
  std::string detail;
};

/// The plan for one fetched record set.
struct PassPlan {
  std::vector<PlannedBatch> batches;
  /// Where to fetch next: behind the last whole batch that was looked at, or at what stops the partition.
  Offset next_position;
  /// Leader epoch of the last batch looked at.
  LeaderEpoch leader_epoch;
  std::int64_t records_skipped = 0;
  std::int64_t control_batches = 0;
  /// A batch that cannot be forwarded, at `next_position`; the batches before it still can.
  std::optional<Stop> stop;
  /// The batch at `next_position` is damaged, on the source or on the way: fetch again. The batches before it
  /// can be used. Told of batches that are read here: those that are written anew or left out, and those
  /// below `verify_below`. Damage in others is left for the target to find, for their checksum is only
  /// corrected.
  std::optional<DamagedBatch> damaged;
  /// The set contradicts itself or `last_epoch`, or begins with what cannot be so; nothing of it may be used.
  /// Fetch again. Where something that cannot be so comes later, the plan ends in front of it.
  std::optional<Stop> anomaly;
};

/// Plans what is forwarded of one record set fetched at `position`, whose predecessor had `last_epoch`.
///
/// Skips what lies below the position, drops control batches, empty batches and aborted transactions. A batch
/// that brokers take from producers passes as it is: O(1), no payload is read. Others are written anew: with
/// holes, begun before the position, too large, with append times, or of magic 0 and 1. Base offsets and
/// leader epochs lie outside a batch's CRC, so they are checked for consistency here. What is left out is
/// held against its checksum first: no target would find that it was the header that is damaged. Source:
/// docs/architecture.md, "Passthrough"; docs/decisions/060; KIP-98 for the format.
[[nodiscard]] PassPlan plan_passthrough(const FetchedSet& set, Offset position, LeaderEpoch last_epoch,
                                        const PassLimits& limits);

}  // namespace longhaul::replicator
