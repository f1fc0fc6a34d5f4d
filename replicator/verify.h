#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "replicator/record_stream.h"

namespace longhaul::replicator {

enum class VerifySide { source, target };

/// Which part of a record differs first, in this order.
enum class RecordField { key, value, headers, timestamp };

[[nodiscard]] std::string_view to_string(RecordField field);

/// The first field in which the two records differ; nothing when they are the same. Offsets are not compared,
/// and neither is the timestamp where the target's is the time of appending there: that one cannot be copied.
[[nodiscard]] std::optional<RecordField> first_difference(const StreamRecord& source,
                                                          const StreamRecord& target);

/// The first thing that is not the same on both sides.
struct Difference {
  enum class Kind {
    record,             ///< both have a record here, but not the same one
    missing_on_target,  ///< the target ends before the source
    extra_on_target,    ///< the target goes on behind the end of the source
  };
  Kind kind = Kind::record;
  /// Of `record` only.
  RecordField field = RecordField::key;
  /// Of the two records; where one side has none, of its end.
  Offset source_offset;
  Offset target_offset;
  /// What was found, shortened for a line. Empty where a side has no record.
  std::string source_text;
  std::string target_text;
};

/// Compares one partition of the source with its copy, record by record and in order: what is not in the
/// source must not be in the target, and the other way round. Offsets may differ and have holes on both
/// sides.
///
/// Ends. Everything below the ends given at the start must be the same. A flow that is at work moves both
/// ends meanwhile, so before one side is said to lack something its end is asked again. Starts. A log whose
/// start has moved (retention, DeleteRecords) lacks its first records, and the other side may still have
/// them. Where the first records differ, the side that goes further back is read on until it meets the
/// other's first record; how many were left out is in the counts.
///
/// Sans-I/O; a driver asks run() what is needed. Owned by its driver, lives on one core.
class PartitionVerifier {
 public:
  struct Options {
    OffsetRange source;
    OffsetRange target;
    std::size_t payload_max = std::size_t{128} << 20U;
    /// Which times the flow gives records of a source topic with append times.
    AppendTimes append_times = AppendTimes::preserve;
    /// A sample: both sides begin at their first record that is this late, whatever lies before, and the end
    /// of the source's range is the end; the target's is only how far it may be read.
    std::optional<std::int64_t> from_timestamp = std::nullopt;
  };
  struct Counts {
    std::int64_t records = 0;
    /// Left out at the start of one side, because the other side's log begins later.
    std::int64_t skipped_on_source = 0;
    std::int64_t skipped_on_target = 0;
    /// Timestamps that were not compared, because the target's are times of appending.
    std::int64_t append_times = 0;
  };
  enum class Need {
    more_records,  ///< one or both streams want a fetch
    later_end,     ///< `lacking()` has come to its end: ask for its end again, then extend or give up
    turn,          ///< nothing, but others should have their turn
    done,          ///< see difference()
  };

  explicit PartitionVerifier(Options options);

  /// Compares up to `records_max` records. An error means that the partition cannot be compared further.
  [[nodiscard]] Result<Need> run(std::int64_t records_max);

  [[nodiscard]] RecordStream& stream(VerifySide side) {
    return side == VerifySide::source ? source_ : target_;
  }
  /// Which side lacks records, while run() says later_end.
  [[nodiscard]] VerifySide lacking() const { return lacking_; }
  /// The lacking side has not grown and is not expected to: what it lacks is a difference.
  void give_up();

  /// Nothing while all was the same.
  [[nodiscard]] const std::optional<Difference>& difference() const { return difference_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// Where reading stands.
  [[nodiscard]] Offset source_offset() const { return source_.position(); }
  [[nodiscard]] Offset target_offset() const { return target_.position(); }

 private:
  enum class State { comparing, skipping_source, skipping_target, done };

  [[nodiscard]] Result<bool> load(VerifySide side);
  [[nodiscard]] Result<bool> load_sampled(VerifySide side);
  [[nodiscard]] bool is_required(VerifySide side) const;
  [[nodiscard]] bool is_exhausted(VerifySide side);
  [[nodiscard]] Need missing_at(VerifySide side);
  void compare();
  void begin_skipping(RecordField field);
  [[nodiscard]] Difference differing(RecordField field) const;

  RecordStream source_;
  RecordStream target_;
  /// Of a sample whose first record is still looked for, by side.
  std::optional<std::int64_t> source_from_;
  std::optional<std::int64_t> target_from_;
  Offset source_goal_;
  Offset target_goal_;
  bool source_starts_late_;
  bool target_starts_late_;
  bool has_source_ = false;
  bool has_target_ = false;
  State state_ = State::comparing;
  VerifySide lacking_ = VerifySide::target;
  /// What differed where the logs' starts did not meet: the finding, should they never meet.
  std::optional<Difference> start_difference_;
  Counts counts_;
  std::optional<Difference> difference_;
};

}  // namespace longhaul::replicator
