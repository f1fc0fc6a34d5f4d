#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "protocol/messages/fetch.h"
#include "replicator/verify.h"
#include "replicator/verify_keys.h"

namespace longhaul::replicator {

/// One partition of the source and its copy, with the offsets that were seen at the start.
struct ComparedPartition {
  TopicPartition source;
  TopicPartition target;
  OffsetRange source_range;
  OffsetRange target_range;
  /// Of a sample, see PartitionVerifier.
  std::optional<std::int64_t> from_timestamp = std::nullopt;
  /// One of the two logs is compacted: where they differ, the last records of their keys are compared.
  bool is_compacted = false;
};

struct ComparisonOptions {
  /// Of the source; the target is read as read_committed, so that only what was committed there counts.
  protocol::IsolationLevel source_isolation = protocol::IsolationLevel::read_uncommitted;
  AppendTimes append_times = AppendTimes::preserve;
  /// How long a target that lacks records may take to get the next ones.
  milliseconds patience{5'000};
  /// For how long a cluster may be unreachable.
  milliseconds outage_max{60'000};
  std::int32_t fetch_bytes = 1 << 20;
  /// Connections of this number are used: partitions that are compared at the same time have different ones.
  int lane = 0;
};

/// How a comparison ended, or stands. `failure` says why it could not be finished; without it and without a
/// difference both sides are the same.
struct ComparisonOutcome {
  std::optional<std::string> failure;
  std::optional<Difference> difference;
  RecordComparer::Counts counts;
  /// The logs were cleaned at different times: the counts are those of keys.
  bool by_key = false;
};

/// Drives a RecordComparer: a reader per side and a loop that compares what they bring. Memory is bounded by
/// a few fetch answers per side, and by the keys of cleaned logs. Lives on one core; both clusters outlive
/// it.
class PartitionComparison {
 public:
  PartitionComparison(client::Cluster& source, client::Cluster& target, ComparedPartition partition,
                      ComparisonOptions options);

  /// Compares up to the ends of the ranges. To be called once, and not with follow(). Ends with
  /// `operation_aborted` only when it is cancelled.
  [[nodiscard]] net::Async<ComparisonOutcome> run();

  /// Compares on up to these ends, of which the source's was asked for last, and leaves what the target does
  /// not have yet for the next call. Between calls it holds no fetched records. An outcome with a difference
  /// or a failure is final, except that a cluster out of reach is tried again with the next call.
  [[nodiscard]] net::Async<ComparisonOutcome> follow(Offset source_end, Offset target_end);
  /// Whether follow() would have anything to do with these ends.
  [[nodiscard]] bool has_news(Offset source_end, Offset target_end) const;
  /// The source's offsets below `source_end` that have not been compared.
  [[nodiscard]] std::int64_t lag(Offset source_end);
  [[nodiscard]] const ComparedPartition& partition() const { return partition_; }
  /// What has been found so far.
  [[nodiscard]] ComparisonOutcome standing() const;
  /// The last failure may pass.
  [[nodiscard]] bool is_out_of_reach() const { return out_of_reach_; }

 private:
  struct Side {
    Side(VerifySide which, client::Cluster& at, TopicPartition place, protocol::IsolationLevel level)
        : side(which), cluster(at), partition(std::move(place)), isolation(level), wanted(at.io().time) {}
    VerifySide side;
    client::Cluster& cluster;
    TopicPartition partition;
    protocol::IsolationLevel isolation;
    net::Event wanted;
    /// Why its reader has ended.
    std::optional<Error> failure;
  };

  enum class Mode { to_the_ends, follow };
  /// What is to be done at the end of one side.
  enum class Next { go_on, later };

  void begin_exact(Mode mode);
  void begin_keys(Mode mode, KeySlice slice);
  [[nodiscard]] net::Async<ComparisonOutcome> drive();
  [[nodiscard]] net::Async<ComparisonOutcome> compare_keys(ComparisonOutcome exact);
  [[nodiscard]] net::Async<void> compare();
  [[nodiscard]] net::Task read(Side& side);
  [[nodiscard]] net::Async<void> read_on(Side& side);
  [[nodiscard]] net::Async<void> fetch_with_retry(Side& side);
  [[nodiscard]] net::Async<void> fetch(Side& side);
  [[nodiscard]] net::Async<void> take(Side& side, Slice frame, const protocol::PartitionData& data);
  [[nodiscard]] net::Async<Next> ask_later_end();
  [[nodiscard]] net::Async<Offset> offset_of(Side& side, std::int64_t timestamp);
  [[nodiscard]] net::Async<void> find_new_start(Side& side);
  [[nodiscard]] Side& side_of(VerifySide side) { return side == VerifySide::source ? source_ : target_; }
  [[nodiscard]] SteadyTime after(milliseconds duration) const;

  ComparisonOptions options_;
  Side source_;
  Side target_;
  ComparedPartition partition_;
  Mode mode_ = Mode::to_the_ends;
  std::unique_ptr<RecordComparer> comparer_;
  /// The same object, when it compares keys.
  KeyVerifier* keys_ = nullptr;
  net::Event changed_;
  std::optional<net::TaskGroup> group_;
  bool out_of_reach_ = false;
  /// Ends of the last follow(); nothing when it did not get that far.
  std::optional<OffsetRange> followed_to_;
  std::optional<std::int64_t> lacking_since_;
  SteadyTime lacking_until_{};
};

}  // namespace longhaul::replicator
