#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "protocol/messages/fetch.h"
#include "replicator/verify.h"

namespace longhaul::replicator {

/// One partition of the source and its copy, with the offsets that were seen at the start.
struct ComparedPartition {
  TopicPartition source;
  TopicPartition target;
  OffsetRange source_range;
  OffsetRange target_range;
  /// Of a sample, see PartitionVerifier.
  std::optional<std::int64_t> from_timestamp = std::nullopt;
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

/// How a comparison ended. `failure` says why it could not be finished; without it and without a difference
/// both sides are the same.
struct ComparisonOutcome {
  std::optional<std::string> failure;
  std::optional<Difference> difference;
  PartitionVerifier::Counts counts;
};

/// Drives one PartitionVerifier: a reader per side and a loop that compares what they bring. Memory is
/// bounded by a few fetch answers per side. Lives on one core; both clusters outlive it.
class PartitionComparison {
 public:
  PartitionComparison(client::Cluster& source, client::Cluster& target, ComparedPartition partition,
                      ComparisonOptions options);

  /// To be called once. Ends with `operation_aborted` only when it is cancelled.
  [[nodiscard]] net::Async<ComparisonOutcome> run();

 private:
  struct Side {
    Side(VerifySide which, client::Cluster& at, TopicPartition place, protocol::IsolationLevel level)
        : side(which), cluster(at), partition(std::move(place)), isolation(level), wanted(at.io().time) {}
    VerifySide side;
    client::Cluster& cluster;
    TopicPartition partition;
    protocol::IsolationLevel isolation;
    net::Event wanted;
  };

  [[nodiscard]] net::Async<void> compare();
  [[nodiscard]] net::Task read(Side& side);
  [[nodiscard]] net::Async<void> read_on(Side& side);
  [[nodiscard]] net::Async<void> fetch_with_retry(Side& side);
  [[nodiscard]] net::Async<void> fetch(Side& side);
  [[nodiscard]] net::Async<void> take(Side& side, Slice frame, const protocol::PartitionData& data);
  [[nodiscard]] net::Async<void> ask_later_end();
  [[nodiscard]] Side& side_of(VerifySide side) { return side == VerifySide::source ? source_ : target_; }
  [[nodiscard]] SteadyTime after(milliseconds duration) const;

  ComparisonOptions options_;
  Side source_;
  Side target_;
  PartitionVerifier verifier_;
  net::Event changed_;
  net::TaskGroup group_;
  std::optional<Error> failure_;
  std::int64_t lacking_since_records_ = -1;
  SteadyTime lacking_until_{};
};

}  // namespace longhaul::replicator
