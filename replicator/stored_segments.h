#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "replicator/offset_map.h"

namespace longhaul::replicator {

/// What is remembered of the stored segments of one partition's offset map: the newest as they were written,
/// of the others only where they end, 24 bytes each. A take-over needs no more than the last two.
class StoredSegments {
 public:
  /// Segment `number` was written, or read, as `value`, with these contents.
  void take(const MapSegment& segment, std::string value);
  /// It was deleted.
  void remove(std::int64_t number);

  /// As it was stored; null when it is not there, or too far back.
  [[nodiscard]] const std::string* value(std::int64_t number) const;
  /// Segments that say nothing any more, the oldest first and at most `max`: source and target have deleted
  /// all that they map. The newest are not among them.
  [[nodiscard]] std::vector<std::int64_t> expired(Offset source_start, Offset target_start,
                                                  std::size_t max) const;
  /// All of them, at most `max`.
  [[nodiscard]] std::vector<std::int64_t> all(std::size_t max) const;
  [[nodiscard]] bool empty() const { return ends_.empty(); }

 private:
  struct End {
    std::int64_t number = 0;
    Offset source;
    Offset target;
  };
  [[nodiscard]] std::int64_t oldest_kept() const;

  std::deque<End> ends_;  ///< by number
  std::map<std::int64_t, std::string> newest_;
};

}  // namespace longhaul::replicator
