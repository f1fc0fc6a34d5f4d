#include "replicator/stored_segments.h"

#include <algorithm>
#include <utility>

namespace longhaul::replicator {
namespace {

/// Twice what a take-over reads: where the target lost its tail the map goes back by a segment, and later
/// ones are still known.
constexpr std::int64_t kNewest = 4;

}  // namespace

std::int64_t StoredSegments::oldest_kept() const {
  return ends_.empty() ? 0 : ends_.back().number - kNewest + 1;
}

void StoredSegments::take(const MapSegment& segment, std::string value) {
  End end{.number = segment.number, .source = Offset(0), .target = Offset(0)};
  if (!segment.runs.empty()) {
    const auto& last = segment.runs.back();
    end.source = last.source + last.records;
    end.target = last.target + last.records;
  }
  const auto place = std::ranges::lower_bound(ends_, segment.number, {}, &End::number);
  if (place != ends_.end() && place->number == segment.number) {
    *place = end;
  } else {
    ends_.insert(place, end);
  }
  newest_[segment.number] = std::move(value);
  newest_.erase(newest_.begin(), newest_.lower_bound(oldest_kept()));
}

void StoredSegments::remove(std::int64_t number) {
  std::erase_if(ends_, [number](const End& end) { return end.number == number; });
  newest_.erase(number);
}

const std::string* StoredSegments::value(std::int64_t number) const {
  const auto found = newest_.find(number);
  return found == newest_.end() ? nullptr : &found->second;
}

std::vector<std::int64_t> StoredSegments::expired(Offset source_start, Offset target_start,
                                                  std::size_t max) const {
  std::vector<std::int64_t> numbers;
  for (const auto& end : ends_) {
    const bool says_something = end.source > source_start || end.target > target_start;
    if (says_something || end.number >= oldest_kept() || numbers.size() == max) break;
    numbers.push_back(end.number);
  }
  return numbers;
}

std::vector<std::int64_t> StoredSegments::all(std::size_t max) const {
  std::vector<std::int64_t> numbers;
  for (const auto& end : ends_) {
    if (numbers.size() == max) break;
    numbers.push_back(end.number);
  }
  return numbers;
}

}  // namespace longhaul::replicator
