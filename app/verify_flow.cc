#include "app/verify_flow.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "app/verify_partitions.h"
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
using Report = std::function<void(const VerifyResult&)>;

constexpr milliseconds kAdminTimeout{30'000};

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
    LH_CO_TRY_VOID(co_await find_jobs());
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

  net::Async<void> find_jobs() {
    LH_CO_TRY(auto found,
              co_await find_partitions(source_, target_, flow_, options_.topics, admin_deadline()));
    for (auto& mismatch : found.mismatches) {
      report_({.kind = VerifyResult::Kind::differs,
               .what = std::move(mismatch.what),
               .text = std::move(mismatch.text)});
    }
    for (auto& partition : found.partitions) jobs_.push_back(std::move(partition));
    co_return Result<void>{};
  }

  /// Starts and ends of all partitions, the source's first: what the target has by then may only be more.
  net::Async<void> find_offsets() {
    std::vector<TopicPartition> sources;
    std::vector<TopicPartition> targets;
    for (const auto& job : jobs_) {
      sources.push_back(job.source);
      targets.push_back(job.target);
    }
    LH_CO_TRY(const auto source_ranges,
              co_await offset_ranges(source_, std::move(sources), isolation_, admin_deadline()));
    LH_CO_TRY(const auto target_ranges,
              co_await offset_ranges(target_, std::move(targets), protocol::IsolationLevel::read_committed,
                                     admin_deadline()));
    std::deque<ComparedPartition> known;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      auto& job = jobs_[i];
      const auto& failed = !source_ranges[i] ? source_ranges[i] : target_ranges[i];
      if (!failed) {
        report_(
            {.kind = VerifyResult::Kind::not_compared, .what = arrow(job), .text = failed.error().message()});
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
        report_(
            {.kind = VerifyResult::Kind::not_compared, .what = arrow(job), .text = found.error().message()});
        continue;
      }
      for (auto& place : *found) places.push_back(std::move(place));
    }
    jobs_ = std::move(places);
    co_return Result<void>{};
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
