#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace longhaul::sim {

/// One record as a consumer sees it.
struct Record {
  std::int64_t offset = -1;
  std::int64_t timestamp = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  [[nodiscard]] bool same_content(const Record& other) const {
    return timestamp == other.timestamp && key == other.key && value == other.value &&
           headers == other.headers;
  }
  [[nodiscard]] std::string to_string() const;
};

/// A log of the source as the flow could read it, just before an unclean election cut it.
struct Life {
  std::int64_t cut = 0;
  std::int64_t end = 0;
  std::vector<Record> records;
};

/// What the producers of the source were told is stored, in order of offsets, without what was cut off since.
struct Oracle {
  std::map<TopicPartition, std::vector<Record>> records;
  std::map<TopicPartition, std::vector<Life>> lives;
  std::int64_t count = 0;
};

/// Source offsets that the flow has reported as lost, both ends included.
struct LostRange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// What the flow has said of partitions.
struct Told {
  std::map<TopicPartition, std::vector<LostRange>> losses;
  /// Those that are stopped in the end.
  std::set<TopicPartition> stopped;
};

/// The data records of a log, and where it begins and ends.
struct Log {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::vector<Record> records;
  /// Where the last control batch is; -1 for none.
  std::int64_t last_marker = -1;
  /// Producers and epochs of the markers behind what readers of committed records do not get.
  std::set<std::pair<std::int64_t, std::int16_t>> aborted;
};

}  // namespace longhaul::sim
