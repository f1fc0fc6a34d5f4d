#include "sandbox/partition_log.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "codecs/codec.h"
#include "protocol/record.h"

namespace longhaul::sandbox {
namespace {

/// Segments grow with the log: a small topic costs little, a large one is not cut into many pieces.
constexpr std::size_t kFirstSegmentBytes = std::size_t{16} << 10;
/// A batch is held in memory anyway; what it unpacks to is bounded like a whole request.
constexpr std::size_t kUnpackedBytesMax = std::size_t{100} << 20;

}  // namespace

PartitionLog::Segment& PartitionLog::segment_with_room(std::size_t size) {
  if (segments_.empty() || segments_.back().capacity - segments_.back().used < size) {
    const auto usual = segments_.empty() ? kFirstSegmentBytes : segments_.back().capacity * 4;
    Segment segment;
    segment.capacity = std::max(std::min(usual, segment_bytes_max_), size);
    segment.memory = std::make_shared<Memory>(segment.capacity);
    segments_.push_back(std::move(segment));
  }
  return segments_.back();
}

protocol::RecordBatchView PartitionLog::store(ConstBytes header, ConstBytes payload) {
  const auto size = header.size() + payload.size();
  auto& segment = segment_with_room(size);
  auto* const to = segment.memory->bytes.get() + segment.used;
  std::memcpy(to, header.data(), header.size());
  if (!payload.empty()) std::memcpy(to + header.size(), payload.data(), payload.size());

  const auto parsed = protocol::RecordBatchView::parse(ConstBytes(to, size));
  LH_CHECK(parsed.has_value());
  const auto& batch = *parsed;
  segment.batches.push_back({.base_offset = batch.base_offset().value(),
                             .last_offset = batch.last_offset().value(),
                             .max_timestamp = batch.max_timestamp(),
                             .position = static_cast<std::uint32_t>(segment.used),
                             .size = static_cast<std::uint32_t>(size),
                             .leader_epoch = batch.leader_epoch().value()});
  segment.used += size;
  segment.max_timestamp = std::max(segment.max_timestamp, batch.max_timestamp());
  bytes_ += size;
  return batch;
}

void PartitionLog::append(const protocol::BatchHeader& header, ConstBytes payload) {
  const auto batch = store(header, payload);
  LH_CHECK(batch.base_offset().value() == end_offset_);
  const auto epoch = batch.leader_epoch().value();
  if (epochs_.empty() || epochs_.back().epoch < epoch) begin_epoch(epoch);
  end_offset_ = batch.next_offset().value();
}

void PartitionLog::truncate(std::int64_t offset) {
  end_offset_ = std::min(end_offset_, std::max(offset, start_offset_));
  while (!segments_.empty() && segments_.back().batches.back().last_offset >= offset) {
    auto& segment = segments_.back();
    const auto cut = segment.batches.back();
    segment.batches.pop_back();
    end_offset_ = std::max(std::min(end_offset_, cut.base_offset), start_offset_);
    bytes_ -= cut.size;
    if (segment.batches.empty()) {
      segments_.pop_back();
      continue;
    }
    // The next batch goes elsewhere: somebody may still read what was here.
    segment.used = cut.position;
    segment.capacity = segment.used;
    segment.max_timestamp = std::ranges::max(segment.batches, {}, &BatchEntry::max_timestamp).max_timestamp;
  }
  while (!epochs_.empty() && epochs_.back().start_offset >= end_offset_) epochs_.pop_back();
}

void PartitionLog::replace(const std::vector<Bytes>& batches) {
  segments_.clear();
  bytes_ = 0;
  std::int64_t next = 0;
  for (const auto& bytes : batches) {
    const auto batch = store(bytes, {});
    LH_CHECK(batch.base_offset().value() >= next);
    next = batch.next_offset().value();
  }
  LH_CHECK(next <= end_offset_);
}

std::deque<PartitionLog::Segment>::const_iterator PartitionLog::segment_of(std::int64_t offset) const {
  return std::ranges::partition_point(
      segments_, [&](const Segment& segment) { return segment.batches.back().last_offset < offset; });
}

std::vector<PartitionLog::BatchEntry>::const_iterator PartitionLog::batch_of(const Segment& segment,
                                                                             std::int64_t offset) {
  return std::ranges::partition_point(segment.batches,
                                      [&](const BatchEntry& entry) { return entry.last_offset < offset; });
}

std::size_t PartitionLog::position_of(const Segment& segment, std::int64_t offset) {
  const auto entry = std::ranges::partition_point(
      segment.batches, [&](const BatchEntry& batch) { return batch.last_offset < offset; });
  return entry == segment.batches.end() ? segment.used : entry->position;
}

LogSlice PartitionLog::read(std::int64_t offset, ReadLimits limits) const {
  const auto segment = segment_of(offset);
  if (segment == segments_.end()) return {};
  const auto first = batch_of(*segment, offset);
  const auto end = position_of(*segment, limits.end_offset);
  if (first->position >= end) return {};
  auto size_max = limits.bytes_max;
  if (size_max < first->size) {
    if (!limits.whole_first_batch) return {};
    size_max = first->size;
  }
  const auto size = std::min(end - first->position, size_max);
  const auto behind = std::ranges::partition_point(
      segment->batches, [&](const BatchEntry& entry) { return entry.position < first->position + size; });
  return {.bytes = {segment->memory->bytes.get() + first->position, size},
          .end_offset = (behind - 1)->last_offset + 1,
          .keep = segment->memory};
}

PartitionLog::Backlog PartitionLog::backlog(std::int64_t offset, std::int64_t end_offset) const {
  const auto segment = segment_of(offset);
  if (segment == segments_.end()) return {};
  const auto first = batch_of(*segment, offset);
  const auto end = position_of(*segment, end_offset);
  if (first->position >= end) return {};
  const auto next = segment + 1;
  const bool goes_on = next != segments_.end() && next->batches.front().last_offset < end_offset;
  return {.bytes = end - first->position, .on_older_segment = goes_on};
}

void PartitionLog::for_each(const std::function<void(const protocol::RecordBatchView&)>& look) const {
  for (const auto& segment : segments_) {
    for (const auto& entry : segment.batches) {
      const auto parsed =
          protocol::RecordBatchView::parse({segment.memory->bytes.get() + entry.position, entry.size});
      LH_CHECK(parsed.has_value());
      look(*parsed);
    }
  }
}

TimestampedOffset PartitionLog::find_in(const Segment& segment, const BatchEntry& entry,
                                        std::int64_t timestamp) const {
  const auto parsed =
      protocol::RecordBatchView::parse({segment.memory->bytes.get() + entry.position, entry.size});
  LH_CHECK(parsed.has_value());
  const auto plain = codecs::decompress(parsed->compression(), parsed->payload(), kUnpackedBytesMax);
  if (!plain) return {};
  // Offset deltas are not checked here: a broker takes an uncompressed batch whatever they are.
  protocol::RecordReader reader(*plain, parsed->records_count(), std::numeric_limits<std::int32_t>::max());
  while (true) {
    const auto record = reader.next();
    if (!record || !*record) return {};
    const auto offset = entry.base_offset + (*record)->offset_delta;
    const auto time = protocol::record_timestamp(*parsed, **record);
    if (time >= timestamp && offset >= start_offset_) {
      return {.timestamp = time, .offset = offset, .leader_epoch = entry.leader_epoch};
    }
  }
}

TimestampedOffset PartitionLog::find_timestamp(std::int64_t timestamp) const {
  for (const auto& segment : segments_) {
    if (segment.max_timestamp < timestamp) continue;
    for (const auto& entry : segment.batches) {
      if (entry.max_timestamp < timestamp || entry.last_offset < start_offset_) continue;
      const auto found = find_in(segment, entry, timestamp);
      if (found.offset >= 0) return found;
    }
  }
  return {};
}

TimestampedOffset PartitionLog::find_max_timestamp() const {
  std::int64_t newest = -1;
  for (const auto& segment : segments_) {
    for (const auto& entry : segment.batches) {
      if (entry.last_offset >= start_offset_) newest = std::max(newest, entry.max_timestamp);
    }
  }
  if (newest < 0) return {};
  return find_timestamp(newest);
}

void PartitionLog::begin_epoch(std::int32_t epoch) {
  // An epoch that wrote nothing leaves no trace: the one that begins at the same place takes its entry.
  while (!epochs_.empty() && (epochs_.back().start_offset >= end_offset_ || epochs_.back().epoch >= epoch)) {
    if (epochs_.back().epoch == epoch) return;
    epochs_.pop_back();
  }
  epochs_.push_back({.epoch = epoch, .start_offset = end_offset_});
}

EpochEnd PartitionLog::epoch_end(std::int32_t epoch) const {
  if (epoch < 0 || epochs_.empty()) return {};
  if (epochs_.back().epoch == epoch) return {.epoch = epoch, .end_offset = end_offset_};
  const auto higher =
      std::ranges::partition_point(epochs_, [&](const EpochStart& start) { return start.epoch <= epoch; });
  if (higher == epochs_.end()) return {};
  if (higher == epochs_.begin()) return {.epoch = epoch, .end_offset = higher->start_offset};
  return {.epoch = (higher - 1)->epoch, .end_offset = higher->start_offset};
}

std::int32_t PartitionLog::last_epoch() const {
  return epochs_.empty() ? -1 : epochs_.back().epoch;
}

std::int32_t PartitionLog::epoch_at(std::int64_t offset) const {
  const auto after = std::ranges::partition_point(
      epochs_, [&](const EpochStart& start) { return start.start_offset <= offset; });
  return after == epochs_.begin() ? -1 : (after - 1)->epoch;
}

void PartitionLog::drop_front() {
  bytes_ -= segments_.front().used;
  start_offset_ = std::max(start_offset_, segments_.front().batches.back().last_offset + 1);
  segments_.pop_front();
}

/// Epochs that end at or below the start are forgotten; the one that holds the start begins there.
void PartitionLog::cut_epochs() {
  while (epochs_.size() > 1 && epochs_[1].start_offset <= start_offset_) epochs_.erase(epochs_.begin());
  if (!epochs_.empty()) {
    epochs_.front().start_offset = std::max(epochs_.front().start_offset, start_offset_);
  }
}

void PartitionLog::delete_before(std::int64_t offset) {
  start_offset_ = std::max(start_offset_, std::min(offset, end_offset_));
  while (!segments_.empty() && segments_.front().batches.back().last_offset < start_offset_) drop_front();
  cut_epochs();
}

bool PartitionLog::enforce_retention(std::int64_t oldest_ms, std::optional<std::size_t> bytes_max) {
  bool dropped = false;
  while (!segments_.empty()) {
    const auto& oldest = segments_.front();
    const bool is_too_old = oldest.max_timestamp < oldest_ms;
    const bool is_too_much = bytes_max && bytes_ >= *bytes_max + oldest.used;
    if (!is_too_old && !is_too_much) break;
    drop_front();
    dropped = true;
  }
  if (dropped) cut_epochs();
  return dropped;
}

void PartitionLog::drop_oldest_segment() {
  LH_CHECK(!segments_.empty());
  drop_front();
  cut_epochs();
}

}  // namespace longhaul::sandbox
