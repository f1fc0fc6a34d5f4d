#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace longhaul::replicator {

/// Why a partition is not replicated further. Other partitions go on.
enum class StopReason {
  sparse_batch,
  log_append_time,
  old_message_format,
  batch_too_large,
  position_inside_batch,
  unknown_codec,
  malformed_batch,
  inconsistent_source,
  source_offset_out_of_range,
  source_deleted,
  source_refused,
  target_refused,
  target_corrupt,
  target_deleted,
  target_order_broken,
  sequence_mismatch,
  taken_over,
  state_mismatch,
};

/// The reason in words for a log line: "batch has holes (compacted topic)".
[[nodiscard]] std::string_view describe(StopReason reason);

struct Stop {
  StopReason reason;
  /// First source offset that was not replicated.
  Offset source_offset;
  /// What exactly was seen: sizes, limits, the broker's error. May be empty.
  std::string detail;
};

}  // namespace longhaul::replicator
