#include "replicator/stored_segments.h"

#include <algorithm>
#include <utility>

namespace longhaul::replicator {
namespace {

/// Values that are kept up to the position: twice what a take-over reads, which may take the map back by a
/// segment.
constexpr std::int64_t kKept = 4;

}  // namespace

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
  values_[segment.number] = std::move(value);
}

void StoredSegments::remove(std::int64_t number) {
  std::erase_if(ends_, [number](const End& end) { return end.number == number; });
  values_.erase(number);
}

void StoredSegments::let_go(std::int64_t last) {
  values_.erase(values_.begin(), values_.upper_bound(last - kKept));
}

const std::string* StoredSegments::value(std::int64_t number) const {
  const auto found = values_.find(number);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<std::int64_t> StoredSegments::expired(std::int64_t last, Offset source_start, Offset target_start,
                                                  std::size_t max) const {
  std::vector<std::int64_t> numbers;
  for (const auto& end : ends_) {
    if (numbers.size() == max) break;
    const bool is_below =
        end.source <= source_start && end.target <= target_start && end.number <= last - kKept;
    if (is_below || end.number > last) numbers.push_back(end.number);
  }
  return numbers;
}

}  // namespace longhaul::replicator
