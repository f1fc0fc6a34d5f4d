#include "replicator/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/system/errc.hpp>

#include "replicator/record_text.h"

namespace longhaul::replicator {
namespace {

bool equal(const protocol::NullableBytes& a, const protocol::NullableBytes& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || std::ranges::equal(*a, *b);
}

bool equal(const protocol::RecordHeadersView& a, const protocol::RecordHeadersView& b) {
  if (a.count() != b.count()) return false;
  // The same numbers have longer encodings too, so other bytes do not prove other headers.
  if (std::ranges::equal(a.bytes(), b.bytes())) return true;
  auto other = b.begin();
  for (const auto& header : a) {
    if (!std::ranges::equal(header.key, other->key) || !equal(header.value, other->value)) return false;
    ++other;
  }
  return true;
}

std::string shown_field(const StreamRecord& record, RecordField field) {
  switch (field) {
    case RecordField::key:
      return shown(record.key);
    case RecordField::value:
      return shown(record.value);
    case RecordField::headers:
      return shown(record.headers);
    case RecordField::timestamp:
      break;
  }
  return fmt::format("{}{}", record.timestamp, record.is_append_time ? " (append time)" : "");
}

}  // namespace

std::string_view to_string(RecordField field) {
  switch (field) {
    case RecordField::key:
      return "key";
    case RecordField::value:
      return "value";
    case RecordField::headers:
      return "headers";
    case RecordField::timestamp:
      break;
  }
  return "timestamp";
}

std::optional<RecordField> first_difference(const StreamRecord& source, const StreamRecord& target) {
  if (!equal(source.key, target.key)) return RecordField::key;
  if (!equal(source.value, target.value)) return RecordField::value;
  if (!equal(source.headers, target.headers)) return RecordField::headers;
  if (!target.is_append_time && source.timestamp != target.timestamp) return RecordField::timestamp;
  return std::nullopt;
}

PartitionVerifier::PartitionVerifier(Options options)
    : source_(options.source, options.payload_max, options.append_times),
      target_(options.target, options.payload_max),
      source_from_(options.from_timestamp),
      target_from_(options.from_timestamp),
      source_goal_(options.source.end),
      target_goal_(options.from_timestamp ? options.target.begin : options.target.end),
      follow_(options.follow),
      source_starts_late_(!options.from_timestamp && options.source.begin > Offset(0)),
      target_starts_late_(!options.from_timestamp && options.target.begin > Offset(0)) {}

Result<bool> PartitionVerifier::load(VerifySide side) {
  bool& has = side == VerifySide::source ? has_source_ : has_target_;
  if (has) return true;
  auto found = load_sampled(side);
  if (!found)
    return in_context(std::move(found).error(), "{}", side == VerifySide::source ? "source" : "target");
  has = *found;
  return has;
}

Result<bool> PartitionVerifier::load_sampled(VerifySide side) {
  auto& from = side == VerifySide::source ? source_from_ : target_from_;
  for (;;) {
    LH_TRY(const bool found, stream(side).advance());
    if (!found || !from) return found;
    const auto& record = stream(side).current();
    if (side == VerifySide::target && record.is_append_time) {
      return fail(make_error_code(boost::system::errc::not_supported),
                  "it stores append times, by which the same records cannot be found on both sides");
    }
    if (record.timestamp < *from) continue;
    from.reset();
    return true;
  }
}

/// Whether the side's current record lies below the end it had at the start.
bool PartitionVerifier::is_required(VerifySide side) const {
  if (follow_) return side == VerifySide::source ? has_source_ : has_target_;
  if (side == VerifySide::source) return has_source_ && source_.current().offset < source_goal_;
  return has_target_ && target_.current().offset < target_goal_;
}

bool PartitionVerifier::is_exhausted(VerifySide side) {
  const bool has = side == VerifySide::source ? has_source_ : has_target_;
  return !has && stream(side).finished();
}

Result<PartitionVerifier::Need> PartitionVerifier::run(std::int64_t records_max) {
  for (std::int64_t i = 0; i < records_max; ++i) {
    if (state_ == State::done) return Need::done;
    LH_TRY(const bool has_source, load(VerifySide::source));
    LH_TRY(const bool has_target, load(VerifySide::target));
    const bool source_ends = is_exhausted(VerifySide::source);
    const bool target_ends = is_exhausted(VerifySide::target);
    if ((!has_source && !source_ends) || (!has_target && !target_ends)) {
      // What one side has behind its goal need not wait for the other's next fetch, but that fetch decides
      // nothing wrong either: it is asked for, and the comparison goes on when it came.
      return Need::more_records;
    }
    if (!has_source && !has_target && follow_) return missing_at(VerifySide::target);
    if (!has_source || !has_target) {
      const bool must_go_on = has_source ? is_required(VerifySide::source) : is_required(VerifySide::target);
      if (must_go_on) return missing_at(has_source ? VerifySide::target : VerifySide::source);
      state_ = State::done;
      return Need::done;
    }
    if (!is_required(VerifySide::source) && !is_required(VerifySide::target)) {
      state_ = State::done;
      return Need::done;
    }
    compare();
  }
  return state_ == State::done ? Need::done : Need::turn;
}

PartitionVerifier::Need PartitionVerifier::missing_at(VerifySide side) {
  lacking_ = side;
  return Need::later_end;
}

void PartitionVerifier::compare() {
  const auto field = first_difference(source_.current(), target_.current());
  if (!field) {
    state_ = State::comparing;
    at_start_ = false;
    ++counts_.records;
    if (target_.current().is_append_time) ++counts_.append_times;
    has_source_ = false;
    has_target_ = false;
    return;
  }
  if (state_ == State::comparing && at_start_) begin_skipping(*field);
  switch (state_) {
    case State::skipping_source:
      ++counts_.skipped_on_source;
      has_source_ = false;
      return;
    case State::skipping_target:
      ++counts_.skipped_on_target;
      has_target_ = false;
      return;
    default:
      difference_ = differing(*field);
      state_ = State::done;
      return;
  }
}

/// Records that a log lost at its start are still in front on the other side. With both logs cut, the one
/// whose first record is older goes further back.
void PartitionVerifier::begin_skipping(RecordField field) {
  start_difference_ = differing(field);
  const bool source_is_older = source_.current().timestamp < target_.current().timestamp;
  if (source_starts_late_ && !(target_starts_late_ && source_is_older)) {
    state_ = State::skipping_target;
  } else if (target_starts_late_) {
    state_ = State::skipping_source;
  }
}

Difference PartitionVerifier::differing(RecordField field) const {
  return {.kind = Difference::Kind::record,
          .field = field,
          .source_offset = source_.current().offset,
          .target_offset = target_.current().offset,
          .source_text = shown_field(source_.current(), field),
          .target_text = shown_field(target_.current(), field)};
}

void PartitionVerifier::give_up() {
  const bool never_met = state_ == State::skipping_source || state_ == State::skipping_target;
  state_ = State::done;
  if (never_met) {
    difference_ = std::move(start_difference_);
    return;
  }
  Difference difference;
  difference.source_offset = has_source_ ? source_.current().offset : source_.position();
  difference.target_offset = has_target_ ? target_.current().offset : target_.position();
  if (lacking_ == VerifySide::target) {
    difference.kind = Difference::Kind::missing_on_target;
    difference.source_text = shown_field(source_.current(), RecordField::key);
  } else {
    difference.kind = Difference::Kind::extra_on_target;
    difference.target_text = shown_field(target_.current(), RecordField::key);
  }
  difference_ = std::move(difference);
}

void PartitionVerifier::lost_start(VerifySide side, Offset begin) {
  (side == VerifySide::source ? has_source_ : has_target_) = false;
  (side == VerifySide::source ? source_starts_late_ : target_starts_late_) = true;
  // What the other side did not lose is as late as before; only this one is looked for.
  (side == VerifySide::source ? target_starts_late_ : source_starts_late_) &= at_start_;
  at_start_ = true;
  state_ = State::comparing;
  stream(side).read_from(begin);
}

void PartitionVerifier::release() {
  source_.read_from(has_source_ ? source_.current().offset : source_.resume_offset());
  target_.read_from(has_target_ ? target_.current().offset : target_.resume_offset());
  has_source_ = false;
  has_target_ = false;
}

}  // namespace longhaul::replicator
