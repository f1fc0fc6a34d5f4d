#include "replicator/offset_map.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace longhaul::replicator {

void OffsetMap::restore(std::vector<MapSegment> segments, Offset source_end) {
  LH_CHECK(segments_.empty());
  bool is_cut = false;
  for (auto& segment : segments) {
    auto kept = segment;
    std::erase_if(kept.runs,
                  [&](const OffsetRun& run) { return run.source >= source_end || run.records <= 0; });
    for (auto& run : kept.runs) run.records = std::min(run.records, source_end - run.source);
    is_cut = kept != segment;
    if (!kept.runs.empty()) segments_.push_back(std::move(kept));
    if (is_cut) break;
  }
  if (segments_.empty()) {
    first_unsaved_ = segments.empty() ? 0 : segments.front().number;
    return;
  }
  // What was left out may lie in front of a later position: nobody shall find it again.
  first_unsaved_ = is_cut ? segments_.back().number : segments_.back().number + 1;
}

void OffsetMap::add(OffsetRun run) {
  LH_CHECK(run.records > 0);
  if (segments_.empty()) segments_.push_back({first_unsaved_, {}});
  if (!segments_.back().runs.empty()) {
    auto& last = segments_.back().runs.back();
    LH_CHECK(run.source >= last.source + last.records);
    LH_CHECK(run.target >= last.target + last.records);
    if (run.source == last.source + last.records && run.target == last.target + last.records) {
      last.records += run.records;
      first_unsaved_ = std::min(first_unsaved_, segments_.back().number);
      return;
    }
    if (segments_.back().runs.size() >= limits_.runs_per_segment) {
      segments_.push_back({segments_.back().number + 1, {}});
    }
  }
  segments_.back().runs.push_back(run);
  first_unsaved_ = std::min(first_unsaved_, segments_.back().number);
}

std::optional<Offset> OffsetMap::translate(Offset from, Offset OffsetRun::* key,
                                           Offset OffsetRun::* other) const {
  if (segments_.empty() || from < segments_.front().runs.front().*key) return std::nullopt;
  // The last segment, then the last run, that begins at or before `from`.
  auto segment =
      std::ranges::upper_bound(segments_, from, {}, [&](const MapSegment& s) { return s.runs.front().*key; });
  --segment;
  auto run = std::ranges::upper_bound(segment->runs, from, {}, key);
  --run;
  if (from < (*run).*key + run->records) return (*run).*other + (from - (*run).*key);
  if (++run != segment->runs.end()) return (*run).*other;
  if (++segment != segments_.end()) return segment->runs.front().*other;
  return std::nullopt;
}

std::optional<Offset> OffsetMap::to_target(Offset source_offset) const {
  return translate(source_offset, &OffsetRun::source, &OffsetRun::target);
}

std::optional<Offset> OffsetMap::to_source(Offset target_offset) const {
  return translate(target_offset, &OffsetRun::target, &OffsetRun::source);
}

std::vector<MapSegment> OffsetMap::take_unsaved() {
  std::vector<MapSegment> unsaved;
  for (const auto& segment : segments_) {
    if (segment.number >= first_unsaved_) unsaved.push_back(segment);
  }
  if (!segments_.empty()) first_unsaved_ = segments_.back().number + 1;
  while (segments_.size() > limits_.segments_held + 1) segments_.pop_front();
  return unsaved;
}

}  // namespace longhaul::replicator
