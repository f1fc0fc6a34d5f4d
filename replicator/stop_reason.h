#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace longhaul::replicator {

/// Why a partition is not replicated further. Other partitions go on.
enum class StopReason {
  batch_too_large,
  unknown_codec,
  malformed_batch,
  corrupt_batch,
  inconsistent_source,
  source_offset_out_of_range,
  source_deleted,
  source_refused,
  target_refused,
  key_missing,
  timestamp_refused,
  target_corrupt,
  target_deleted,
  target_order_broken,
  sequence_mismatch,
  write_in_doubt,
  needs_transaction,
  leaves_transactions,
  transaction_aborted,
  taken_over,
  state_mismatch,
};

/// The reason in words for a log line: "the batch has an unknown compression codec".
[[nodiscard]] std::string_view describe(StopReason reason);

/// Whether a look at the target may tell what the stop could not: then the partition is taken over again.
[[nodiscard]] constexpr bool is_doubt(StopReason reason) {
  return reason == StopReason::sequence_mismatch || reason == StopReason::write_in_doubt;
}

struct Stop {
  StopReason reason;
  /// First source offset that was not replicated.
  Offset source_offset;
  /// What exactly was seen: sizes, limits, the broker's error. May be empty.
  std::string detail;
};

}  // namespace longhaul::replicator
