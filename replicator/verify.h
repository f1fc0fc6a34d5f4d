#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "replicator/record_comparer.h"

namespace longhaul::replicator {

[[nodiscard]] std::string_view to_string(RecordField field);

/// The first field in which the two records differ; nothing when they are the same. Offsets are not compared,
/// and neither is the timestamp where the target's is the time of appending there: that one cannot be copied.
[[nodiscard]] std::optional<RecordField> first_difference(const StreamRecord& source,
                                                          const StreamRecord& target);

/// Compares one partition of the source with its copy, record by record and in order: what is not in the
/// source must not be in the target, and the other way round. Offsets may differ and have holes on both
/// sides.
///
/// Ends. Everything below the ends given at the start must be the same. A flow that is at work moves both
/// ends meanwhile, so before one side is said to lack something its end is asked again. Starts. A log whose
/// start has moved (retention, DeleteRecords) lacks its first records, and the other side may still have
/// them. Where the first records differ, the side that goes further back is read on until it meets the
/// other's first record; how many were left out is in the counts. So it is when a log loses records in front
/// of the comparison.
///
/// Following. There is no end: what the target lacks is on its way, until later records arrive in its place.
class PartitionVerifier final : public RecordComparer {
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
    /// Goes on behind the ends of the ranges, which the driver moves.
    bool follow = false;
  };
  explicit PartitionVerifier(Options options);

  [[nodiscard]] Result<Need> run(std::int64_t records_max) override;
  [[nodiscard]] RecordStream& stream(VerifySide side) override {
    return side == VerifySide::source ? source_ : target_;
  }
  [[nodiscard]] VerifySide lacking() const override { return lacking_; }
  /// The source is written first, so what it lacks it will not get. The target may be on its way.
  [[nodiscard]] Doubt doubt() const override {
    return lacking_ == VerifySide::source ? Doubt::overdue : Doubt::on_its_way;
  }
  void give_up() override;
  [[nodiscard]] std::int64_t progress() const override { return counts_.records; }
  void lost_start(VerifySide side, Offset begin) override;
  void release() override;
  [[nodiscard]] const std::optional<Difference>& difference() const override { return difference_; }
  [[nodiscard]] const Counts& counts() const override { return counts_; }

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
  bool follow_;
  bool source_starts_late_;
  bool target_starts_late_;
  /// No record was equal since the logs began, or since one of them lost its start.
  bool at_start_ = true;
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
