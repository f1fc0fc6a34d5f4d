#include "app/verify_flow.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "app/verify_sample.h"
#include "app/wiring.h"
#include "client/admin_requests.h"
#include "net/event.h"
#include "net/task_group.h"
#include "replicator/kafka/partition_comparison.h"

namespace longhaul::app {
namespace {

using client::Cluster;
using replicator::ComparedPartition;
using replicator::Difference;
using Report = std::function<void(const VerifyResult&)>;

constexpr milliseconds kAdminTimeout{30'000};

std::string arrow(const TopicPartition& source, const TopicPartition& target) {
  return fmt::format("{} -> {}", source, target);
}

std::string explained(const Difference& difference) {
  switch (difference.kind) {
    case Difference::Kind::missing_on_target:
      return fmt::format("the target ends at offset {}; the source has a record at offset {} with key {}",
                         difference.target_offset, difference.source_offset, difference.source_text);
    case Difference::Kind::extra_on_target:
      return fmt::format(
          "the source ends at offset {}; the target has a record too much at offset {} with key {}",
          difference.source_offset, difference.target_offset, difference.target_text);
    case Difference::Kind::record:
      break;
  }
  return fmt::format("{} differs at source offset {}, target offset {}: source {}, target {}",
                     to_string(difference.field), difference.source_offset, difference.target_offset,
                     difference.source_text, difference.target_text);
}

std::string remarks(const replicator::PartitionVerifier::Counts& counts) {
  std::string text;
  if (counts.skipped_on_target > 0) {
    text += fmt::format("; the source's log begins later: {} older records of the target left out",
                        counts.skipped_on_target);
  }
  if (counts.skipped_on_source > 0) {
    text += fmt::format("; the target's log begins later: {} older records of the source left out",
                        counts.skipped_on_source);
  }
  if (counts.append_times > 0) {
    text += fmt::format("; {} timestamps not compared: the target's are append times", counts.append_times);
  }
  return text;
}

VerifyResult result_of(const ComparedPartition& partition, const replicator::ComparisonOutcome& outcome) {
  VerifyResult result{.what = arrow(partition.source, partition.target), .records = outcome.counts.records};
  if (partition.from_timestamp) result.what += fmt::format(" from time {}", *partition.from_timestamp);
  if (outcome.difference) {
    result.kind = VerifyResult::Kind::differs;
    result.text = fmt::format("after {} equal records, {}", result.records, explained(*outcome.difference));
  } else if (outcome.failure) {
    result.kind = VerifyResult::Kind::not_compared;
    result.text = fmt::format("after {} equal records: {}", result.records, *outcome.failure);
  } else {
    result.text = fmt::format("{} records", result.records);
  }
  result.text += remarks(outcome.counts);
  return result;
}

/// One flow while it is compared: what is left to do, and the clusters.
class FlowComparison {
 public:
  FlowComparison(net::Io& io, const config::FlowConfig& flow, VerifyClusters clusters,
                 const VerifyOptions& options, Report report)
      : io_(io),
        flow_(flow),
        options_(options),
        report_(std::move(report)),
        isolation_(flow_options(flow).isolation),
        append_times_(flow_options(flow).append_times),
        source_(io, std::move(clusters.source)),
        target_(io, std::move(clusters.target)),
        group_(io.executor) {}

  net::Async<void> run() {
    const auto done = co_await compare_all();
    co_await group_.stop();
    co_await source_.stop();
    co_await target_.stop();
    co_return done;
  }

 private:
  net::Async<void> compare_all() {
    LH_CO_TRY_VOID(co_await find_partitions());
    LH_CO_TRY_VOID(co_await find_offsets());
    for (int lane = 0; lane < options_.parallel; ++lane) {
      ++working_;
      group_.spawn([this, lane] { return work(lane); });
    }
    while (working_ > 0) LH_CO_TRY_VOID(co_await idle_.wait());
    co_return Result<void>{};
  }

  [[nodiscard]] SteadyTime admin_deadline() const {
    return net::saturating_add(io_.time.now(), kAdminTimeout);
  }

  bool is_selected(const std::string& topic) const {
    if (!flow_.selection->decide(topic).replicate) return false;
    return !options_.topics || options_.topics->match(topic) == replicator::JavaPattern::Match::yes;
  }

  net::Async<void> find_partitions() {
    LH_CO_TRY(const auto source_topics, co_await client::list_topics(source_, admin_deadline()));
    LH_CO_TRY(const auto target_topics, co_await client::list_topics(target_, admin_deadline()));
    std::map<std::string, std::int32_t> on_target;
    for (const auto& topic : target_topics) on_target.emplace(topic.name, topic.partitions_count);
    for (const auto& topic : source_topics) {
      if (!is_selected(topic.name)) continue;
      const auto remote = flow_.policy().remote_topic(flow_.source, topic.name);
      const auto found = on_target.find(remote);
      if (found == on_target.end()) {
        differs(topic.name + " -> " + remote, fmt::format("the topic does not exist on {}", flow_.target));
        continue;
      }
      add_partitions(topic, remote, found->second);
    }
    co_return Result<void>{};
  }

  void add_partitions(const client::TopicListing& topic, const std::string& remote, std::int32_t on_target) {
    if (topic.partitions_count != on_target) {
      differs(topic.name + " -> " + remote,
              fmt::format("{} partitions on {}, {} on {}", topic.partitions_count, flow_.source, on_target,
                          flow_.target));
    }
    for (std::int32_t i = 0; i < std::min(topic.partitions_count, on_target); ++i) {
      jobs_.push_back({.source = {topic.name, PartitionIndex(i)}, .target = {remote, PartitionIndex(i)}});
    }
  }

  void differs(std::string what, std::string text) {
    report_({.kind = VerifyResult::Kind::differs, .what = std::move(what), .text = std::move(text)});
  }

  /// Starts and ends of all partitions, the source's first: what the target has by then may only be more.
  net::Async<void> find_offsets() {
    std::vector<TopicPartition> sources;
    std::vector<TopicPartition> targets;
    for (const auto& job : jobs_) {
      sources.push_back(job.source);
      targets.push_back(job.target);
    }
    LH_CO_TRY(const auto source_ranges, co_await ranges(source_, std::move(sources), isolation_));
    LH_CO_TRY(const auto target_ranges,
              co_await ranges(target_, std::move(targets), protocol::IsolationLevel::read_committed));
    std::deque<ComparedPartition> known;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      auto& job = jobs_[i];
      const auto& failed = !source_ranges[i] ? source_ranges[i] : target_ranges[i];
      if (!failed) {
        report_({.kind = VerifyResult::Kind::not_compared,
                 .what = arrow(job.source, job.target),
                 .text = failed.error().message()});
        continue;
      }
      job.source_range = *source_ranges[i];
      job.target_range = *target_ranges[i];
      known.push_back(std::move(job));
    }
    jobs_ = std::move(known);
    if (options_.sample) LH_CO_TRY_VOID(co_await choose_places(*options_.sample));
    co_return Result<void>{};
  }

  net::Async<void> choose_places(std::int64_t records) {
    std::deque<ComparedPartition> places;
    for (const auto& job : jobs_) {
      auto found = co_await sample_places(source_, target_, job, isolation_, records, admin_deadline());
      if (!found && net::is_aborted(found.error())) co_return fail(found.error());
      if (!found) {
        report_({.kind = VerifyResult::Kind::not_compared,
                 .what = arrow(job.source, job.target),
                 .text = found.error().message()});
        continue;
      }
      for (auto& place : *found) places.push_back(std::move(place));
    }
    jobs_ = std::move(places);
    co_return Result<void>{};
  }

  net::Async<std::vector<Result<replicator::OffsetRange>>> ranges(Cluster& cluster,
                                                                  std::vector<TopicPartition> asked,
                                                                  protocol::IsolationLevel isolation) {
    std::vector<client::OffsetQuery> starts_asked;
    for (const auto& partition : asked) starts_asked.push_back({partition, protocol::kEarliestTimestamp});
    LH_CO_TRY(const auto starts,
              co_await client::list_offsets(cluster, std::move(starts_asked), isolation, admin_deadline()));
    LH_CO_TRY(const auto ends,
              co_await client::end_offsets(cluster, std::move(asked), isolation, admin_deadline()));
    std::vector<Result<replicator::OffsetRange>> found;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const auto& failed = !starts[i].listed ? starts[i].listed : ends[i].listed;
      if (!failed) {
        found.emplace_back(in_context(failed.error(), "{}", cluster.name()));
      } else {
        found.emplace_back(replicator::OffsetRange{starts[i].listed->offset, ends[i].listed->offset});
      }
    }
    co_return found;
  }

  net::Task work(int lane) {
    while (!jobs_.empty()) {
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      replicator::PartitionComparison comparison(source_, target_, job,
                                                 {.source_isolation = isolation_,
                                                  .append_times = append_times_,
                                                  .patience = options_.patience,
                                                  .lane = lane});
      const auto outcome = co_await comparison.run();
      if (!outcome) break;
      report_(result_of(job, *outcome));
    }
    --working_;
    idle_.notify();
  }

  net::Io& io_;
  const config::FlowConfig& flow_;
  const VerifyOptions& options_;
  Report report_;
  protocol::IsolationLevel isolation_;
  replicator::AppendTimes append_times_;
  Cluster source_;
  Cluster target_;
  std::deque<ComparedPartition> jobs_;
  int working_ = 0;
  net::Event idle_;
  net::TaskGroup group_;
};

}  // namespace

net::Async<void> verify_flow(net::Io& io, const config::FlowConfig& flow, VerifyClusters clusters,
                             const VerifyOptions& options, Report report) {
  FlowComparison comparison(io, flow, std::move(clusters), options, std::move(report));
  co_return co_await comparison.run();
}

}  // namespace longhaul::app
