#include "replicator/tail_match.h"

#include <algorithm>

#include "base/check.h"
#include "codecs/codec.h"
#include "codecs/crc32c.h"
#include "replicator/verify.h"

namespace longhaul::replicator {
namespace {

using protocol::RecordBatchView;
namespace layout = protocol::batch_layout;

/// Far above what a broker takes.
constexpr std::size_t kPayloadMax = std::size_t{128} << 20U;
/// A batch may have been damaged on the way; after so many looks in a row it is damaged on the source.
constexpr int kDamagedLooks = 3;

RecordBatchView view_of(const Slice& bytes) {
  const auto view = RecordBatchView::parse(bytes.bytes());
  LH_CHECK(view.has_value());
  return *view;
}

std::uint32_t checksum_of(const Slice& bytes) {
  const auto view = view_of(bytes);
  return payload_checksum(view.header(), view.payload().size());
}

StreamRecord as_consumed(const RecordBatchView& batch, const protocol::RecordView& record) {
  return {.offset = batch.base_offset() + record.offset_delta,
          .timestamp = protocol::record_timestamp(batch, record),
          .is_append_time = batch.is_log_append_time(),
          .key = record.key,
          .value = record.value,
          .headers = record.headers};
}

/// Source offset of record `index` of a batch.
Offset source_offset(const PlannedBatch& batch, std::int32_t index) {
  auto offset = batch.base + index;
  for (const auto& run : batch.runs) {
    if (run.record <= index) offset = run.source + (index - run.record);
  }
  return offset;
}

/// Calls `visit(OffsetRun)` for `count` records of a batch from record `from` on, the first at `target`.
void for_each_part(const PlannedBatch& batch, std::int32_t from, std::int32_t count, Offset target,
                   auto&& visit) {
  for_each_run(batch, target + -from, [&](const OffsetRun& run) {
    const auto begin = std::max(run.target, target);
    const auto end = std::min(run.target + run.records, target + count);
    if (begin < end) visit(OffsetRun{run.source + (begin - run.target), begin, end - begin});
  });
}

/// Records from sequence `from` to sequence `to`, the shorter way round.
std::int64_t distance(std::int32_t from, std::int32_t to) {
  constexpr std::int64_t kRange = std::int64_t{1} << 31U;
  const auto ahead = (std::int64_t{to} - from + kRange) % kRange;
  return ahead <= kRange / 2 ? ahead : ahead - kRange;
}

}  // namespace

std::uint32_t payload_checksum(const protocol::BatchHeader& header, std::size_t payload_size) {
  const auto fields = ConstBytes(header).subspan(layout::kChecksummedFrom);
  const protocol::BatchHeader zero{};
  return codecs::crc32c::replaced_prefix(load_be<std::uint32_t>(header, layout::kCrcAt), fields,
                                         ConstBytes(zero).first(fields.size()), payload_size);
}

bool OwnProducers::contains(ProducerId producer) const {
  if (producer == ProducerId()) return false;
  if (std::ranges::find(shard, producer) != shard.end()) return true;
  return std::ranges::any_of(stored, [&](const ProducerState& one) { return one.id == producer; });
}

Result<BatchCursor> BatchCursor::open(Slice batch) {
  const auto view = view_of(batch);
  Bytes payload;
  if (view.compression() != codecs::Compression::none) {
    LH_TRY(payload, codecs::decompress(view.compression(), view.payload(), kPayloadMax));
  }
  BatchCursor cursor(std::move(batch), std::move(payload));
  const bool plain = view.compression() == codecs::Compression::none;
  cursor.reader_.emplace(view, plain ? view.payload() : ConstBytes(cursor.payload_));
  return cursor;
}

Result<protocol::RecordView> BatchCursor::next() {
  LH_TRY(const auto record, reader_->next());
  if (!record) return fail(protocol::make_error_code(protocol::RecordErrc::bad_count));
  return *record;
}

RecordBatchView BatchCursor::view() const {
  return view_of(batch_);
}

TailMatch::TailMatch(Options options)
    : options_(std::move(options)),
      aborted_(options_.aborted),
      progress_(options_.stored),
      target_position_(options_.begin),
      source_position_(options_.stored.source_offset),
      source_next_(options_.stored.source_offset) {
  if (options_.source_cleaned) source_position_ = std::max(source_position_, options_.source_start);
  for (const auto& producer : options_.ours.stored) {
    sequences_[{producer.id, producer.epoch}] = producer.next_sequence;
  }
}

Progress TailMatch::progress() const {
  auto progress = progress_;
  auto& producer = progress.producer;
  const auto marker = markers_.find(producer.id);
  if (marker != markers_.end() && marker->second > producer.epoch) {
    producer = {.id = producer.id, .epoch = marker->second, .next_sequence = 0};
  }
  return progress;
}

bool TailMatch::wants_target() const {
  return !stop_ && target_.empty() && target_position_ < options_.end;
}

bool TailMatch::wants_source() const {
  return !stop_ && !target_.empty() && source_.empty();
}

Result<void> TailMatch::add_target(const Slice& records) {
  protocol::RecordSetReader reader(records.bytes());
  while (const auto entry = reader.next()) {
    if (!std::holds_alternative<RecordBatchView>(*entry)) {
      return fail(protocol::make_error_code(protocol::RecordErrc::unsupported_magic),
                  "target batch at offset {}", target_position_);
    }
    const auto& batch = std::get<RecordBatchView>(*entry);
    if (batch.base_offset() >= options_.end) {
      target_position_ = options_.end;
      break;
    }
    const bool seen = batch.base_offset() < target_position_;
    target_position_ = std::max(target_position_, batch.next_offset());
    const ProducerEpoch producer{batch.producer_id(), batch.producer_epoch()};
    if (seen || !options_.ours.contains(producer.id)) continue;
    if (batch.is_control()) {
      auto& epoch = markers_.try_emplace(producer.id, producer.epoch).first->second;
      epoch = std::max(epoch, producer.epoch);
    }
    LH_TRY(const bool aborted, aborted_.is_aborted(batch));
    if (batch.is_control() || aborted) continue;
    target_.push_back({.bytes = records.part(batch.bytes()),
                       .base = batch.base_offset(),
                       .records = batch.last_offset_delta() + 1,
                       .sequence = batch.base_sequence(),
                       .producer = producer,
                       .is_dense = batch.is_dense(),
                       .matched = 0,
                       .cursor = std::nullopt});
  }
  match();
  return {};
}

void TailMatch::on_damaged(Offset at, Offset next, std::string detail) {
  source_.clear();
  reads_again_ = ++damaged_looks_ < kDamagedLooks;
  source_position_ = reads_again_ ? at : next;
  if (reads_again_) return;
  damaged_looks_ = 0;
  if (!options_.skip_corrupt) stop_ = Stop{StopReason::corrupt_batch, at, std::move(detail)};
}

void TailMatch::add_source(const FetchedSet& set) {
  reads_again_ = false;
  auto plan = plan_passthrough(set, source_position_, progress_.source_leader_epoch, options_.limits);
  if (plan.anomaly) {
    stop_ = std::move(plan.anomaly);
    return;
  }
  if (plan.damaged && plan.next_position == source_position_) {
    return on_damaged(source_position_, plan.damaged->next, std::move(plan.damaged->detail));
  }
  for (auto& batch : plan.batches) {
    source_.push_back({.batch = std::move(batch), .matched = 0, .cursor = std::nullopt});
  }
  source_position_ = plan.next_position;
  match();
  if (plan.stop && !stop_ && wants_source()) {
    stop(plan.stop->source_offset, "the target holds records of ours that cannot be compared: " +
                                       std::string(describe(plan.stop->reason)));
  }
}

bool TailMatch::check_sequence(const Found& found) {
  const auto expected = sequences_[found.producer];
  const auto gap = distance(expected, found.sequence);
  if (gap == 0) return true;
  if (options_.cleaned && gap > 0 && gap < std::int64_t{1} << 30U) {
    removed_ = static_cast<std::int32_t>(gap);
    return true;
  }
  stop(progress_.source_offset,
       fmt::format(
           "target offset {} holds a batch of ours with sequence {}, but {} should follow (producer id "
           "{}, epoch {})",
           found.base, found.sequence, expected, found.producer.id, found.producer.epoch));
  return false;
}

bool TailMatch::is_same_batch(const Found& found, const Forwarded& forwarded) const {
  return found.matched == 0 && forwarded.matched == 0 && found.is_dense &&
         found.records == forwarded.batch.records &&
         checksum_of(found.bytes) == checksum_of(forwarded.batch.bytes);
}

namespace {

/// Opens `cursor` at record `at`, if it is not open there already.
Result<void> open_at(std::optional<BatchCursor>& cursor, const Slice& bytes, std::int32_t at) {
  if (cursor) return {};
  LH_TRY(auto opened, BatchCursor::open(bytes));
  for (std::int32_t i = 0; i < at; ++i) {
    LH_TRY_VOID(opened.next());
  }
  cursor = std::move(opened);
  return {};
}

}  // namespace

Result<bool> TailMatch::same_records(Found& found, Forwarded& forwarded, std::int32_t count) const {
  LH_TRY_VOID(open_at(found.cursor, found.bytes, found.matched));
  LH_TRY_VOID(open_at(forwarded.cursor, forwarded.batch.bytes, forwarded.matched));
  for (std::int32_t i = 0; i < count; ++i) {
    LH_TRY(const auto ours, found.cursor->next());
    LH_TRY(const auto theirs, forwarded.cursor->next());
    auto source = as_consumed(forwarded.cursor->view(), theirs);
    // A batch that goes through with append times has lost them on the target.
    source.timestamp = protocol::create_timestamp(forwarded.cursor->view(), theirs);
    const auto target = as_consumed(found.cursor->view(), ours);
    if (first_difference(source, target)) return false;
  }
  return true;
}

void TailMatch::match() {
  while (!stop_ && !target_.empty()) {
    auto& found = target_.front();
    if (!front_checked_ && !check_sequence(found)) return;
    front_checked_ = true;
    if (source_.empty()) return;
    auto& forwarded = source_.front();
    const auto next = source_offset(forwarded.batch, forwarded.matched);
    if (removed_ > 0) {
      pass_over_removed(next);
      const auto count = std::min(removed_, forwarded.batch.records - forwarded.matched);
      removed_ -= count;
      forwarded.cursor.reset();
      if (count > 0) advance_source(count);
      continue;
    }
    // Of a batch with holes only the number of records can be known, and only a cleaner makes holes.
    const bool is_holed = options_.cleaned && !found.is_dense;
    if (is_holed && hole_before(next) > 0) {
      found.cursor.reset();
      pass_over(found.records - found.matched, next);
    } else if (is_holed || is_same_batch(found, forwarded)) {
      found.cursor.reset();
      forwarded.cursor.reset();
      take(std::min(found.records - found.matched, forwarded.batch.records - forwarded.matched));
    } else if (forwarded.matched == 0 && !view_of(forwarded.batch.bytes).has_valid_crc()) {
      const auto [base, next_base] = std::pair(forwarded.batch.base, forwarded.batch.next);
      on_damaged(base, next_base, fmt::format("the batch at source offset {} is damaged", base));
    } else if (!compare(found, forwarded)) {
      return;
    }
  }
}

bool TailMatch::compare(Found& found, Forwarded& forwarded) {
  const auto all = std::min(found.records - found.matched, forwarded.batch.records - forwarded.matched);
  const auto count = options_.source_cleaned ? 1 : all;
  const auto same = same_records(found, forwarded, count);
  if (same && *same) {
    take(count);
    return true;
  }
  const auto next = source_offset(forwarded.batch, forwarded.matched);
  if (same && hole_before(next) > 0) {
    // The record of the source that was looked at has yet to find its own; the target's stood before it.
    forwarded.cursor.reset();
    pass_over(1, next);
    return true;
  }
  stop(next,
       fmt::format("target offset {} holds a batch of ours (sequence {}, {} records) that is not what is "
                   "at source offset {} ({} records){}",
                   found.base, found.sequence, found.records, forwarded.batch.base, forwarded.batch.records,
                   same ? "" : ": " + same.error().message()));
  return false;
}

std::int64_t TailMatch::hole_before(Offset source_offset) const {
  return options_.source_cleaned ? std::max<std::int64_t>(0, source_offset - source_next_) : 0;
}

void TailMatch::pass_over_removed(Offset until) {
  const auto gone = static_cast<std::int32_t>(std::min<std::int64_t>(removed_, hole_before(until)));
  removed_ -= gone;
  pass_hole(gone);
}

void TailMatch::pass_hole(std::int32_t offsets) {
  source_next_ = source_next_ + offsets;
  if (source_next_ <= progress_.source_offset) return;
  progress_.source_offset = source_next_;
  // Of which leader epoch it was, nobody can say any more.
  progress_.source_leader_epoch = LeaderEpoch();
}

void TailMatch::pass_over(std::int32_t count, Offset until) {
  const auto gone = static_cast<std::int32_t>(std::min<std::int64_t>(count, hole_before(until)));
  pass_hole(gone);
  // The map says nothing about them: an offset in the hole belongs to the next record, as on the source.
  on_matched(gone);
}

void TailMatch::nothing_left_on_source() {
  while (wants_source() && hole_before(source_position_) > 0) {
    auto& found = target_.front();
    if (!front_checked_ && !check_sequence(found)) return;
    front_checked_ = true;
    if (removed_ > 0) {
      pass_over_removed(source_position_);
    } else {
      found.cursor.reset();
      pass_over(found.records - found.matched, source_position_);
    }
  }
}

void TailMatch::advance_source(std::int32_t count) {
  auto& forwarded = source_.front();
  const auto& batch = forwarded.batch;
  damaged_looks_ = 0;
  forwarded.matched += count;
  source_next_ = source_offset(batch, forwarded.matched - 1) + 1;
  const bool done = forwarded.matched == batch.records;
  progress_.source_offset = done ? batch.next : source_offset(batch, forwarded.matched);
  if (batch.leader_epoch != LeaderEpoch()) progress_.source_leader_epoch = batch.leader_epoch;
  if (done) source_.pop_front();
}

void TailMatch::take(std::int32_t count) {
  auto& found = target_.front();
  const auto& forwarded = source_.front();
  for_each_part(forwarded.batch, forwarded.matched, count, found.base + found.matched,
                [&](const OffsetRun& run) { runs_.push_back(run); });
  advance_source(count);
  on_matched(count);
}

void TailMatch::on_matched(std::int32_t count) {
  auto& found = target_.front();
  records_ += count;
  found.matched += count;
  progress_.target_offset = found.base + found.matched;
  if (found.matched < found.records) return;
  progress_.anchor = Anchor{.target_base = found.base,
                            .records = found.records,
                            .payload_crc = checksum_of(found.bytes),
                            .producer = {found.producer.id, found.producer.epoch, found.sequence}};
  auto& next = sequences_[found.producer];
  next = advance_sequence(found.sequence, found.records);
  progress_.producer = {.id = found.producer.id, .epoch = found.producer.epoch, .next_sequence = next};
  target_.pop_front();
  front_checked_ = false;
}

void TailMatch::stop(Offset source_offset, std::string detail) {
  stop_ = Stop{StopReason::state_mismatch, source_offset, std::move(detail)};
  target_.clear();
  source_.clear();
}

}  // namespace longhaul::replicator
