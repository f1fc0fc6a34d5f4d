#include "replicator/passthrough.h"

#include <fmt/format.h>

#include <algorithm>

#include "codecs/codec.h"
#include "protocol/legacy_message.h"
#include "protocol/record_batch.h"

namespace longhaul::replicator {
namespace {

using protocol::LegacyEntry;
using protocol::MalformedEntry;
using protocol::RecordBatchView;
using protocol::RecordErrc;
using protocol::RecordSetReader;

/// A core does nothing else while it writes batches anew, so a plan ends once it has unpacked this much; the
/// rest of the set is fetched again.
constexpr std::size_t kUnpackedPerPlan = std::size_t{8} << 20U;
/// Records that are held decoded at a time; a source batch with more becomes several.
constexpr std::size_t kRecordsAtATime = std::size_t{1} << 18U;
/// Messages of magic 0 and 1 that are not compressed stand alone in the log; they are put together up to this
/// size.
constexpr std::size_t kLegacyGroupBytes = std::size_t{1} << 20U;

bool is_empty(const RecordBatchView& batch) {
  return batch.records_count() == 0;
}

/// The time by which the target remembers the producer. Passed through, a batch with append times has those
/// of its producer there: the first of them, for the others would have to be read.
std::int64_t times_on_target(const RecordBatchView& batch) {
  return batch.is_log_append_time() ? batch.base_timestamp() : batch.max_timestamp();
}

/// Whether a data batch has to be written anew.
bool needs_rewriting(const RecordBatchView& batch, Offset position, const PassLimits& limits) {
  const bool keeps_append_time = batch.is_log_append_time() && limits.append_times == AppendTimes::preserve;
  return batch.base_offset() < position || !batch.is_dense() || keeps_append_time ||
         static_cast<std::int64_t>(batch.size()) > limits.max_batch_bytes;
}

class Planner {
 public:
  Planner(const FetchedSet& set, Offset position, LeaderEpoch last_epoch, const PassLimits& limits)
      : set_(set),
        position_(position),
        limits_(limits),
        plan_{.next_position = position, .leader_epoch = last_epoch},
        aborted_(set.aborted),
        reader_(set.records.bytes()),
        entry_(limits.unpacked_max, limits.append_times),
        reencoder_(limits) {}

  PassPlan run() {
    while (!ended_) {
      const auto entry = reader_.next();
      if (!entry) break;
      if (const auto* malformed = std::get_if<MalformedEntry>(&*entry)) {
        end_at(StopReason::malformed_batch, malformed->error.message());
      } else if (const auto* legacy = std::get_if<LegacyEntry>(&*entry)) {
        take_legacy(*legacy);
      } else {
        take_batch(std::get<RecordBatchView>(*entry));
      }
    }
    if (!plan_.anomaly) write_group();
    return std::move(plan_);
  }

 private:
  void anomaly(StopReason reason, std::string detail) {
    plan_.anomaly = Stop{reason, plan_.next_position, std::move(detail)};
    ended_ = true;
  }

  /// What stands before it may be used. What comes is an anomaly when it comes first, in the next answer.
  void end_at(StopReason reason, std::string detail) {
    if (plan_.next_position == position_) return anomaly(reason, std::move(detail));
    ended_ = true;
  }

  void stop(Stop stop) {
    // A stop that was found earlier in the log counts.
    if (plan_.stop) return;
    plan_.next_position = stop.source_offset;
    plan_.stop = std::move(stop);
    ended_ = true;
  }

  /// What cannot be so, whatever stands before this batch; nullopt when it can. The broker has answered as
  /// the leader of the epoch that it was asked for.
  std::optional<std::string> impossible(const RecordBatchView& batch) const {
    if (batch.last_offset() >= set_.high_watermark) return beyond(batch.last_offset());
    if (set_.leader_epoch != LeaderEpoch() && batch.leader_epoch() > set_.leader_epoch) {
      return fmt::format("leader epoch {} at offset {}, of a leader of epoch {}", batch.leader_epoch(),
                         batch.base_offset(), set_.leader_epoch);
    }
    return std::nullopt;
  }

  /// What in the walk so far contradicts this batch; nullopt when it fits.
  std::optional<std::string> contradiction(const RecordBatchView& batch) const {
    if (batch.base_offset() < log_next_) {
      return fmt::format("base offset {} after offset {}", batch.base_offset(), log_next_.value() - 1);
    }
    if (limits_.between_batches && batch.base_offset() < position_ && batch.last_offset() >= position_) {
      return fmt::format("a batch that begins at offset {} where one ended before offset {}",
                         batch.base_offset(), position_);
    }
    if (batch.leader_epoch() < plan_.leader_epoch && batch.leader_epoch() != LeaderEpoch()) {
      return fmt::format("leader epoch {} after {} at offset {}", batch.leader_epoch(), plan_.leader_epoch,
                         batch.base_offset());
    }
    return std::nullopt;
  }

  std::string beyond(Offset offset) const {
    return fmt::format("offset {} at or above the high watermark {}", offset, set_.high_watermark);
  }

  void take_batch(const RecordBatchView& batch) {
    write_group();
    if (ended_) return;
    if (auto what = contradiction(batch)) return anomaly(StopReason::inconsistent_source, std::move(*what));
    if (auto what = impossible(batch)) {
      // Only the next one can tell where a damaged batch ends that says such a thing of itself.
      const bool ends_somewhere = following_base().value_or(Offset()) > plan_.next_position;
      if (batch.has_valid_crc() || !ends_somewhere)
        return end_at(StopReason::inconsistent_source, std::move(*what));
      return unreadable_entry(plan_.next_position, batch.next_offset(), Error{RecordErrc::bad_checksum, {}});
    }
    log_next_ = batch.next_offset();
    // Also for batches below the position: their markers end the transactions that the list names.
    const auto is_aborted = aborted_.is_aborted(batch);
    const bool is_below = batch.last_offset() < position_;
    const bool leaves_out = !is_aborted || *is_aborted || is_below || batch.is_control() || is_empty(batch);
    // No target will look at its checksum, and all that speaks for leaving it out is its own header.
    const bool is_damaged = leaves_out && !batch.has_valid_crc();
    if (is_below) return take_below(is_damaged);
    if (saw_below_ && plan_.next_position == position_ && batch.base_offset() > position_) {
      // Kafka begins at the position. A header may lie about where its batch ends, and a base offset, which
      // no checksum covers, about where it begins.
      if (damage_below_) {
        return unreadable_entry(position_, batch.base_offset(), Error{RecordErrc::bad_checksum, {}});
      }
      if (!limits_.believes_gap) {
        return anomaly(
            StopReason::inconsistent_source,
            fmt::format("a batch below offset {}, and the next one at {}", position_, batch.base_offset()));
      }
    }
    if (is_damaged) return damaged(batch);
    if (!is_aborted) return anomaly(StopReason::malformed_batch, is_aborted.error().message());
    if (!leaves_out) {
      forward(batch);
      if (plan_.stop || plan_.damaged) return;
    } else if (batch.is_control()) {
      ++plan_.control_batches;
    } else {
      plan_.records_skipped += batch.records_count();
    }
    plan_.next_position = batch.next_offset();
    if (batch.leader_epoch() != LeaderEpoch()) plan_.leader_epoch = batch.leader_epoch();
  }

  void take_below(bool is_damaged) {
    saw_below_ = true;
    damage_below_ = damage_below_ || is_damaged;
  }

  void forward(const RecordBatchView& batch) {
    const auto begin = std::max(batch.base_offset(), position_);
    if (!codecs::is_known(batch.compression())) {
      if (!batch.has_valid_crc()) return damaged(batch);
      return stop(
          {StopReason::unknown_codec, begin, fmt::format("codec {}", static_cast<int>(batch.compression()))});
    }
    if (needs_rewriting(batch, position_, limits_)) {
      if (const auto opened = entry_.open(batch); !opened) {
        return unreadable_entry(begin, batch.next_offset(), opened.error());
      }
      return rewrite(begin, batch.leader_epoch());
    }
    if (batch.base_offset() < limits_.verify_below && !batch.has_valid_crc()) return damaged(batch);
    plan_.batches.push_back({.bytes = set_.records.part(batch.bytes()),
                             .base = batch.base_offset(),
                             .next = batch.next_offset(),
                             .records = batch.records_count(),
                             .leader_epoch = batch.leader_epoch(),
                             .max_timestamp = times_on_target(batch)});
  }

  void damaged(const RecordBatchView& batch) {
    const auto begin = std::max(batch.base_offset(), plan_.next_position);
    unreadable_entry(begin, batch.next_offset(), Error{RecordErrc::bad_checksum, {}});
  }

  /// Where the batch begins that comes behind the one that is looked at.
  std::optional<Offset> following_base() const {
    auto ahead = reader_;
    const auto following = ahead.next();
    const auto* batch = following ? std::get_if<RecordBatchView>(&*following) : nullptr;
    return batch == nullptr ? std::nullopt : std::optional(batch->base_offset());
  }

  void unreadable_entry(Offset begin, Offset next, const Error& error) {
    if (error.code != RecordErrc::bad_checksum) return stop(unreadable(begin, error));
    // The header of a damaged batch may lie about its end, the next one's does not.
    if (const auto base = following_base(); base && *base > begin) next = std::min(next, *base);
    next = std::max(std::min(next, set_.high_watermark), begin + 1);
    plan_.next_position = begin;
    plan_.damaged = DamagedBatch{next, error.message()};
    ended_ = true;
  }

  /// Writes the records of the entry that is open, from the position on. `begin` is where its range begins;
  /// without it, at its first record.
  void rewrite(std::optional<Offset> begin, LeaderEpoch epoch) {
    const Reencoder::Target target{entry_.compression(), epoch};
    std::vector<StreamRecord> records;
    auto base = begin.value_or(plan_.next_position);
    const auto write = [&](Offset next) {
      if (!begin) base = records.front().offset;
      if (auto stopped = reencoder_.write(records, base, next, target, plan_.batches)) {
        stop(*std::move(stopped));
      }
      base = next;
      records.clear();
    };
    while (!ended_) {
      const auto record = entry_.next();
      if (!record) return stop(unreadable(base, record.error()));
      if (!*record) break;
      if ((*record)->offset < position_) continue;
      if ((*record)->offset < plan_.next_position) {
        return anomaly(
            StopReason::inconsistent_source,
            fmt::format("offset {} after offset {}", (*record)->offset, plan_.next_position.value() - 1));
      }
      if (records.size() == kRecordsAtATime) write((*record)->offset);
      records.push_back(**record);
    }
    if (!ended_ && !records.empty()) write(entry_.end());
    unpacked_ += entry_.unpacked_size();
    if (unpacked_ >= kUnpackedPerPlan) ended_ = true;
  }

  void take_legacy(const LegacyEntry& entry) {
    if (entry.offset < log_next_) {
      return anomaly(StopReason::inconsistent_source,
                     fmt::format("offset {} after offset {}", entry.offset, log_next_.value() - 1));
    }
    if (entry.offset >= set_.high_watermark) {
      return anomaly(StopReason::inconsistent_source, beyond(entry.offset));
    }
    log_next_ = entry.offset + 1;
    if (entry.offset < position_) {
      const auto outer = protocol::LegacyMessageReader(entry.bytes).next();
      return take_below(!outer && outer.error().code == RecordErrc::bad_checksum);
    }
    if (const auto opened = entry_.open(entry); !opened) {
      write_group();
      if (!ended_) unreadable_entry(plan_.next_position, entry_.end(), opened.error());
      return;
    }
    if (entry_.compression() == codecs::Compression::none) {
      add_to_group();
    } else {
      write_group();
      if (ended_) return;
      rewrite(std::nullopt, LeaderEpoch());
    }
    if (!plan_.stop && !plan_.anomaly) plan_.next_position = entry_.end();
  }

  void add_to_group() {
    const auto record = entry_.next();
    if (!record) return stop(unreadable(plan_.next_position, record.error()));
    group_.push_back(**record);
    group_end_ = entry_.end();
    group_bytes_ += entry_.unpacked_size();
    if (group_bytes_ >= kLegacyGroupBytes || group_.size() == kRecordsAtATime) write_group();
  }

  void write_group() {
    if (group_.empty()) return;
    const auto group = std::exchange(group_, {});
    unpacked_ += std::exchange(group_bytes_, 0);
    if (auto stopped = reencoder_.write(group, group.front().offset, group_end_, {}, plan_.batches)) {
      // It lies before whatever ended the walk.
      plan_.stop.reset();
      plan_.damaged.reset();
      stop(*std::move(stopped));
    }
    if (unpacked_ >= kUnpackedPerPlan) ended_ = true;
  }

  const FetchedSet& set_;
  const Offset position_;
  const PassLimits& limits_;
  PassPlan plan_;
  AbortFilter aborted_;
  RecordSetReader reader_;
  EntryReader entry_;
  Reencoder reencoder_;
  /// Behind the entry that was looked at last.
  Offset log_next_{0};
  /// There was one that says that it ends below the position; one that does not match its checksum.
  bool saw_below_ = false;
  bool damage_below_ = false;
  std::vector<StreamRecord> group_;
  Offset group_end_;
  std::size_t group_bytes_ = 0;
  std::size_t unpacked_ = 0;
  bool ended_ = false;
};

}  // namespace

PassPlan plan_passthrough(const FetchedSet& set, Offset position, LeaderEpoch last_epoch,
                          const PassLimits& limits) {
  return Planner(set, position, last_epoch, limits).run();
}

}  // namespace longhaul::replicator
