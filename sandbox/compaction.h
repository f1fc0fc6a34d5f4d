#pragma once

#include <cstddef>
#include <cstdint>

#include "sandbox/partition.h"

namespace longhaul::sandbox {

struct CompactionRules {
  /// delete.retention.ms: how long tombstones and markers stay after a pass has seen that they may go.
  std::int64_t delete_retention_ms = 0;
  std::int64_t now_ms = 0;
};

/// One pass of Kafka's log cleaner: of each key the latest record stays, of aborted transactions none. The
/// last batch of the log, and what is open, are left alone, as the active segment is. What changes is left as
/// Kafka leaves it: a batch keeps its first and last offset and its sequences whatever goes from it;
/// tombstones and markers of cleaned transactions first get a delete horizon in place of their base
/// timestamp; a batch without records stays where it is a producer's last one or the last of the pass.
/// Returns the records that went.
std::size_t compact(Partition& partition, const CompactionRules& rules);

}  // namespace longhaul::sandbox
