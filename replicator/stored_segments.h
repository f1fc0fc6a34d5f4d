#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "replicator/offset_map.h"

namespace longhaul::replicator {

/// What is remembered of the stored segments of one partition's offset map: those at the position as they
/// were written, of the others only where they end, 24 bytes each. A take-over needs the last two.
///
/// `last` is the segment that the position names: numbers above it were written ahead of a position that
/// never came, or belong to a map that was begun anew.
class StoredSegments {
 public:
  /// A segment was written, or read, as `value`.
  void take(const MapSegment& segment, std::string value);
  /// It was deleted.
  void remove(std::int64_t number);
  /// The position names `last`: the values of those far in front of it are let go.
  void let_go(std::int64_t last);

  /// As it was stored; null when it is not there, or was let go.
  [[nodiscard]] const std::string* value(std::int64_t number) const;
  /// Segments that say nothing any more, at most `max`: those above `last`, and those of which source and
  /// target have deleted all that they map.
  [[nodiscard]] std::vector<std::int64_t> expired(std::int64_t last, Offset source_start, Offset target_start,
                                                  std::size_t max) const;
  /// All of them, at most `max`.
  [[nodiscard]] std::vector<std::int64_t> all(std::size_t max) const {
    return expired(-1, Offset(0), Offset(0), max);
  }
  [[nodiscard]] bool empty() const { return ends_.empty(); }

 private:
  struct End {
    std::int64_t number = 0;
    Offset source;
    Offset target;
  };

  std::deque<End> ends_;  ///< by number
  std::map<std::int64_t, std::string> values_;
};

}  // namespace longhaul::replicator
