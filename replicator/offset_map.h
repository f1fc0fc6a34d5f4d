#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace longhaul::replicator {

/// `records` consecutive source offsets that lie at consecutive target offsets.
struct OffsetRun {
  Offset source;
  Offset target;
  std::int64_t records = 0;
  auto operator<=>(const OffsetRun&) const = default;
};

/// A numbered stretch of the map, the unit in which it is stored. Segments of a partition count from 0
/// without holes; only the last one still grows.
struct MapSegment {
  std::int64_t number = 0;
  std::vector<OffsetRun> runs;
  bool operator==(const MapSegment&) const = default;
};

/// The exact map between source and target offsets of one partition, as runs of constant difference.
///
/// Records that are passed through keep their order and are stored densely, so consecutive acknowledged
/// batches extend one run; each marker, hole or foreign writer begins another. Memory is bounded: older
/// segments are dropped once they are stored, and offsets below what is held translate to nothing. Owned by
/// the pipeline of its partition.
class OffsetMap {
 public:
  /// Runs per segment, and segments held in memory beside the growing one: some 6 KB each, in every partition
  /// whose log has holes or markers.
  struct Limits {
    std::size_t runs_per_segment = 256;
    std::size_t segments_held = 1;
  };

  OffsetMap() = default;
  explicit OffsetMap(Limits limits) : limits_(limits) {}

  /// Continues from what was stored; `segments` in ascending number. What lies at or behind `source_end` is
  /// left out: the position decides, not the map.
  void restore(std::vector<MapSegment> segments, Offset source_end);

  /// Adds an acknowledged batch. Both offsets must lie behind everything added before.
  void add(OffsetRun run);

  /// Target offset of the first forwarded record at or after `source_offset`; nullopt when it lies below what
  /// is held or behind the last acknowledged record. Exact: a consumer that continues there re-reads nothing
  /// and skips nothing. O(log runs).
  [[nodiscard]] std::optional<Offset> to_target(Offset source_offset) const;
  /// The other way, for a consumer that goes back to the source. O(log runs).
  [[nodiscard]] std::optional<Offset> to_source(Offset target_offset) const;

  /// Segments that changed since the last call: to be written no later than the position that follows them.
  /// Segments beyond the memory limit are forgotten by this call.
  [[nodiscard]] std::vector<MapSegment> take_unsaved();

  [[nodiscard]] bool empty() const { return segments_.empty(); }
  [[nodiscard]] const std::deque<MapSegment>& segments() const { return segments_; }

 private:
  [[nodiscard]] std::optional<Offset> translate(Offset from, Offset OffsetRun::* key,
                                                Offset OffsetRun::* other) const;

  Limits limits_;
  std::deque<MapSegment> segments_;
  std::int64_t first_unsaved_ = 0;
};

}  // namespace longhaul::replicator
