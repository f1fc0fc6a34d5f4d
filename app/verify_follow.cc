#include "app/verify_follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "app/verify_partitions.h"
#include "app/wiring.h"
#include "client/admin_requests.h"
#include "net/error.h"
#include "net/event.h"
#include "net/task_group.h"

namespace longhaul::app {
namespace {

using client::Cluster;
using replicator::ComparedPartition;
using replicator::PartitionComparison;

constexpr milliseconds kFirstAnswer{30'000};
constexpr milliseconds kAnswer{10'000};
/// Between two looks at the ends of all partitions.
constexpr milliseconds kRound{500};
/// Between two looks for new and deleted topics.
constexpr milliseconds kFindTopics{5'000};

struct Followed {
  std::unique_ptr<PartitionComparison> comparison;
  TopicIds ids;
  Offset source_end;
  Offset target_end;
  std::optional<SteadyTime> behind_since;
  bool has_ended = false;
};

/// One flow that is followed: rounds that ask for all ends, then compare the partitions whose ends have
/// moved, a few at a time. Owned by follow_flows(), lives on its core.
class FlowFollower {
 public:
  FlowFollower(net::Io& io, FollowedFlow flow, const VerifyOptions& options, const FollowReports& reports)
      : io_(io),
        flow_(*flow.config),
        options_(options),
        reports_(reports),
        isolation_(flow_options(flow_).isolation),
        append_times_(flow_options(flow_).append_times),
        source_(io, std::move(flow.clusters.source)),
        target_(io, std::move(flow.clusters.target)),
        lanes_done_(io.time),
        ticker_(io.executor) {}

  net::Async<void> run() {
    auto done = co_await find(kFirstAnswer);
    if (done) {
      ticker_.spawn([this] { return tick(); });
      done = co_await follow();
      co_await ticker_.stop();
      report_all();
    }
    co_await source_.stop();
    co_await target_.stop();
    if (!done && net::is_aborted(done.error())) co_return Result<void>{};
    co_return done;
  }

 private:
  [[nodiscard]] SteadyTime after(milliseconds duration) const {
    return net::saturating_add(io_.time.now(), duration);
  }

  net::Async<void> follow() {
    auto next_find = after(kFindTopics);
    while (!is_over()) {
      auto done = co_await round();
      if (done && io_.time.now() >= next_find) {
        done = co_await find(kAnswer);
        next_find = after(kFindTopics);
      }
      if (!done && net::is_aborted(done.error())) co_return done;
      trouble_ = done ? partition_trouble_ : done.error().message();
      LH_CO_TRY_VOID(co_await io_.time.sleep_until(after(kRound)));
    }
    co_return Result<void>{};
  }

  /// Nothing that could still be followed, and nothing that might come.
  [[nodiscard]] bool is_over() const {
    return mismatches_.empty() && !followed_.empty() &&
           std::ranges::all_of(followed_, [](const auto& one) { return one.second.has_ended; });
  }

  /// Adds partitions that are new, and ends those that are gone.
  net::Async<void> find(milliseconds timeout) {
    LH_CO_TRY(auto found, co_await find_partitions(source_, target_, flow_, options_.topics, after(timeout)));
    mismatches_ = std::move(found.mismatches);
    std::vector<ComparedPartition> fresh;
    for (auto& [partition, followed] : followed_) {
      const auto ids = found.ids.find(partition.topic);
      if (followed.has_ended || (ids != found.ids.end() && ids->second == followed.ids)) continue;
      end(followed, ids == found.ids.end() ? "the topic is gone on one side"
                                           : "the topic was deleted and created again on one side");
    }
    for (auto& partition : found.partitions) {
      if (!followed_.contains(partition.source)) fresh.push_back(std::move(partition));
    }
    LH_CO_TRY_VOID(co_await begin(std::move(fresh), found.ids, after(timeout)));
    co_return Result<void>{};
  }

  net::Async<void> begin(std::vector<ComparedPartition> fresh, std::map<std::string, TopicIds> ids,
                         SteadyTime deadline) {
    if (fresh.empty()) co_return Result<void>{};
    std::vector<TopicPartition> sources;
    std::vector<TopicPartition> targets;
    for (const auto& partition : fresh) {
      sources.push_back(partition.source);
      targets.push_back(partition.target);
    }
    LH_CO_TRY(const auto source_starts, co_await starts(source_, std::move(sources), isolation_, deadline));
    LH_CO_TRY(const auto target_starts, co_await starts(target_, std::move(targets),
                                                        protocol::IsolationLevel::read_committed, deadline));
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      // A partition that does not say where it begins is asked again with the next look for topics.
      if (!source_starts[i] || !target_starts[i]) continue;
      auto& partition = fresh[i];
      partition.source_range = {*source_starts[i], *source_starts[i]};
      partition.target_range = {*target_starts[i], *target_starts[i]};
      partition.from_timestamp = options_.since;
      const auto name = partition.source;
      const replicator::ComparisonOptions options{
          .source_isolation = isolation_,
          .append_times = append_times_,
          .patience = options_.patience,
          .outage_max = kAnswer,
          .lane = static_cast<int>(followed_.size() % static_cast<std::size_t>(options_.parallel))};
      followed_[name] = {.comparison = std::make_unique<PartitionComparison>(source_, target_,
                                                                             std::move(partition), options),
                         .ids = ids.at(name.topic)};
    }
    co_return Result<void>{};
  }

  /// Where comparing begins: the starts of the logs, or the first records that are late enough.
  net::Async<std::vector<Result<Offset>>> starts(Cluster& cluster, std::vector<TopicPartition> asked,
                                                 protocol::IsolationLevel isolation, SteadyTime deadline) {
    std::vector<client::OffsetQuery> queries;
    for (const auto& partition : asked) {
      queries.push_back({partition, options_.since.value_or(protocol::kEarliestTimestamp)});
    }
    // Ends first: a record that comes in between is then not jumped over.
    LH_CO_TRY(const auto ends, co_await client::end_offsets(cluster, std::move(asked), isolation, deadline));
    LH_CO_TRY(const auto listed,
              co_await client::list_offsets(cluster, std::move(queries), isolation, deadline));
    std::vector<Result<Offset>> found;
    for (std::size_t i = 0; i < listed.size(); ++i) {
      const auto& failed = !listed[i].listed ? listed[i].listed : ends[i].listed;
      if (!failed) {
        found.emplace_back(fail(failed.error()));
      } else {
        const auto offset = listed[i].listed->offset;
        found.emplace_back(offset < Offset(0) ? ends[i].listed->offset : offset);
      }
    }
    co_return found;
  }

  net::Async<void> round() {
    partition_trouble_.clear();
    std::vector<Followed*> asked;
    for (auto& [partition, followed] : followed_) {
      if (!followed.has_ended) asked.push_back(&followed);
    }
    if (asked.empty()) co_return Result<void>{};
    // The target first: all that it has then is in the source by the time that one is asked.
    LH_CO_TRY_VOID(co_await ask_ends(asked, replicator::VerifySide::target));
    LH_CO_TRY_VOID(co_await ask_ends(asked, replicator::VerifySide::source));
    for (auto* followed : asked) {
      if (followed->comparison->has_news(followed->source_end, followed->target_end))
        queue_.push_back(followed);
    }
    net::TaskGroup lanes(io_.executor);
    working_ = options_.parallel;
    for (int lane = 0; lane < options_.parallel; ++lane) lanes.spawn([this] { return work(); });
    Result<void> done;
    while (working_ > 0 && done) done = co_await lanes_done_.wait();
    co_await lanes.stop();
    queue_.clear();
    co_return done;
  }

  net::Async<void> ask_ends(const std::vector<Followed*>& asked, replicator::VerifySide side) {
    const bool is_source = side == replicator::VerifySide::source;
    std::vector<TopicPartition> partitions;
    for (const auto* followed : asked) {
      const auto& partition = followed->comparison->partition();
      partitions.push_back(is_source ? partition.source : partition.target);
    }
    auto& cluster = is_source ? source_ : target_;
    const auto isolation = is_source ? isolation_ : protocol::IsolationLevel::read_committed;
    LH_CO_TRY(const auto ends,
              co_await client::end_offsets(cluster, std::move(partitions), isolation, after(kAnswer)));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (ends[i].listed) {
        (is_source ? asked[i]->source_end : asked[i]->target_end) = ends[i].listed->offset;
      } else {
        partition_trouble_ = fmt::format("{}: {}", cluster.name(), ends[i].listed.error().message());
      }
    }
    co_return Result<void>{};
  }

  net::Task work() {
    while (!queue_.empty()) {
      auto& followed = *queue_.front();
      queue_.pop_front();
      auto outcome = co_await followed.comparison->follow(followed.source_end, followed.target_end);
      if (!outcome) break;
      settle(followed, *outcome);
    }
    --working_;
    lanes_done_.notify();
  }

  void settle(Followed& followed, const replicator::ComparisonOutcome& outcome) {
    if (outcome.failure && followed.comparison->is_out_of_reach()) {
      partition_trouble_ = *outcome.failure;
    } else if (outcome.difference || outcome.failure) {
      followed.has_ended = true;
      report(result_of(followed.comparison->partition(), outcome));
    }
    const bool is_behind = followed.comparison->lag(followed.source_end) > 0;
    if (!is_behind) followed.behind_since.reset();
    if (is_behind && !followed.behind_since) followed.behind_since = io_.time.now();
  }

  void end(Followed& followed, std::string why) {
    auto outcome = followed.comparison->standing();
    outcome.failure = std::move(why);
    followed.has_ended = true;
    report(result_of(followed.comparison->partition(), outcome));
  }

  void report(const VerifyResult& result) {
    if (result.kind == VerifyResult::Kind::differs) ++different_;
    if (result.kind == VerifyResult::Kind::not_compared) ++not_compared_;
    reports_.result(flow_, result);
  }

  /// What following has come to, when it ends.
  void report_all() {
    for (const auto& mismatch : mismatches_) {
      report({.kind = VerifyResult::Kind::not_compared, .what = mismatch.what, .text = mismatch.text});
    }
    for (auto& [name, followed] : followed_) {
      if (followed.has_ended) continue;
      const auto outcome = followed.comparison->standing();
      auto result = result_of(followed.comparison->partition(), outcome);
      const auto lag = followed.comparison->lag(followed.source_end);
      if (lag > 0) {
        result.text +=
            fmt::format("; {} {} still to arrive", lag, outcome.by_key ? "keys" : "source offsets");
        if (result.records == 0) result.kind = VerifyResult::Kind::not_compared;
      }
      report(result);
    }
  }

  net::Task tick() {
    while (co_await io_.time.sleep_until(after(reports_.interval))) {
      FollowProgress progress{.different = different_, .not_compared = not_compared_, .trouble = trouble_};
      for (auto& [name, followed] : followed_) {
        ++progress.partitions;
        progress.records += followed.comparison->standing().counts.records;
        if (followed.has_ended || !followed.behind_since) continue;
        ++progress.behind;
        progress.lag += followed.comparison->lag(followed.source_end);
        const auto since = std::chrono::duration_cast<milliseconds>(io_.time.now() - *followed.behind_since);
        progress.behind_for = std::max(progress.behind_for, since);
      }
      reports_.progress(flow_, progress);
    }
  }

  net::Io& io_;
  const config::FlowConfig& flow_;
  const VerifyOptions& options_;
  const FollowReports& reports_;
  protocol::IsolationLevel isolation_;
  replicator::AppendTimes append_times_;
  Cluster source_;
  Cluster target_;
  /// By partition of the source; entries stay where they are.
  std::map<TopicPartition, Followed> followed_;
  /// Of the last look for topics.
  std::vector<TopicMismatch> mismatches_;
  std::deque<Followed*> queue_;
  int working_ = 0;
  net::Event lanes_done_;
  net::TaskGroup ticker_;
  std::string trouble_;
  std::string partition_trouble_;
  std::int64_t different_ = 0;
  std::int64_t not_compared_ = 0;
};

}  // namespace

net::Async<void> follow_flows(net::Io& io, std::vector<FollowedFlow> flows, const VerifyOptions& options,
                              const FollowReports& reports) {
  std::vector<std::unique_ptr<FlowFollower>> followers;
  for (auto& flow : flows) {
    followers.push_back(std::make_unique<FlowFollower>(io, std::move(flow), options, reports));
  }
  net::TaskGroup group(io.executor);
  net::Event ended(io.time);
  std::size_t running = followers.size();
  Result<void> outcome;
  for (auto& follower : followers) {
    group.spawn([&running, &outcome, &ended, one = follower.get()]() -> net::Task {
      auto done = co_await one->run();
      if (!done && outcome) outcome = std::move(done);
      --running;
      ended.notify();
    });
  }
  while (running > 0) {
    const auto waited = co_await ended.wait();
    if (!waited) break;
  }
  co_await group.stop();
  co_return outcome;
}

}  // namespace longhaul::app
