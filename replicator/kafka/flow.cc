#include "replicator/kafka/flow.h"

#include <algorithm>

#include "base/log.h"
#include "client/admin_requests.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/topic_reader.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;
using Which = FlowShard::Which;

constexpr milliseconds kRefreshTimeout{120'000};
constexpr milliseconds kFlushTimeout{60'000};
constexpr milliseconds kUnreadyInterval{5'000};
constexpr milliseconds kDrainedTimeout{5'000};

ErrorCode wrong_set_up() {
  return make_error_code(boost::system::errc::invalid_argument);
}

}  // namespace

Flow::Flow(net::Io& control, std::vector<FlowCore> cores, FlowOptions options, FlowClients clients)
    : control_(control),
      options_(std::move(options)),
      source_(control, std::move(clients.source_admin)),
      target_(control, std::move(clients.target_admin)),
      owners_(options_.deployment_id, options_.name()),
      store_(target_, options_, owners_),
      transactions_(control, target_, store_, shards_, options_),
      positions_lock_(control.time),
      group_(control.executor) {
  for (const auto& core : cores) {
    shards_.push_back(std::make_unique<FlowShard>(*core.io, *core.pool, clients.source_data,
                                                  clients.target_data, options_));
  }
}

Flow::~Flow() = default;

net::Async<void> Flow::start() {
  LH_CO_TRY_VOID(co_await connect());
  LH_CO_TRY_VOID(co_await store_.open(SteadyTime::max()));
  store_.set_clusters(source_cluster_id_, target_cluster_id_);
  opened_ = true;
  LH_CO_TRY_VOID(co_await read_producer_memory(SteadyTime::max()));
  if (options_.exactly_once == ExactlyOnce::off) owners_.go_unfenced();
  LH_CO_TRY_VOID(co_await sync_until_done());
  transactions_.start();
  group_.spawn([this] { return flush_loop(); });
  group_.spawn([this] { return attention_loop(); });
  group_.spawn([this] { return keep_alive_loop(); });
  group_.spawn([this] { return refresh_loop(); });
  co_return Result<void>{};
}

net::Async<void> Flow::fresh_producer(SteadyTime deadline) {
  LH_CO_TRY(const auto identity, co_await client::init_producer_id(target_, deadline));
  producer_ = {.id = identity.id, .epoch = identity.epoch, .next_sequence = 0};
  co_return Result<void>{};
}

net::Async<void> Flow::sync_until_done() {
  auto backoff = target_.retry_backoff();
  for (;;) {
    const auto done = co_await sync_topics(net::saturating_add(control_.time.now(), kRefreshTimeout));
    if (done || net::is_aborted(done.error())) co_return done;
    if (lines_.pass("begin", control_.time.now())) {
      log::warn("the flow cannot begin yet; it will be tried again",
                {{"flow", options_.name()}, {"reason", done.error().message()}});
    }
    LH_CO_TRY_VOID(
        co_await control_.time.sleep_until(net::saturating_add(control_.time.now(), backoff.next())));
  }
}

net::Async<void> Flow::connect() {
  LH_CO_TRY_VOID(co_await source_.refresh_metadata(SteadyTime::max()));
  LH_CO_TRY_VOID(co_await target_.refresh_metadata(SteadyTime::max()));
  source_cluster_id_ = source_.metadata().cluster_id().value_or("");
  target_cluster_id_ = target_.metadata().cluster_id().value_or("");
  log::info("connected", {{"flow", options_.name()},
                          {"source_cluster_id", source_cluster_id_},
                          {"target_cluster_id", target_cluster_id_}});
  if (source_cluster_id_.empty() || source_cluster_id_ != target_cluster_id_) co_return Result<void>{};
  const bool identity = options_.selection->policy().kind() == ReplicationPolicy::Kind::identity;
  if (identity) {
    co_return fail(wrong_set_up(),
                   "flow {}: both aliases are cluster {}, and IdentityReplicationPolicy would copy each "
                   "topic into itself",
                   options_.name(), source_cluster_id_);
  }
  log::warn("both aliases of the flow are the same cluster: its topics are copied within it",
            {{"flow", options_.name()}, {"cluster_id", source_cluster_id_}});
  co_return Result<void>{};
}

boost::asio::awaitable<FlowStatus> Flow::status() {
  FlowStatus sum;
  // Read first: a partition that is handed over meanwhile may count twice, but never not at all.
  sum.behind_goal = unready_;
  sum.missing_topics = uncreated_;
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    auto status = co_await on_core(
        one->io(), [one]() -> boost::asio::awaitable<FlowStatus> { co_return one->status(); });
    sum.add(status);
  }
  co_return sum;
}

net::Task Flow::refresh_loop() {
  auto& time = control_.time;
  for (;;) {
    // What could not be taken up yet is tried again soon, whatever the interval.
    const bool soon = unready_ > 0 || (uncreated_ > 0 && !options_.refresh_interval);
    if (!soon && !options_.refresh_interval) co_return;
    const auto slept =
        co_await time.sleep_for(soon ? kUnreadyInterval : milliseconds(*options_.refresh_interval));
    if (!slept) co_return;
    const auto done = co_await sync_topics(net::saturating_add(time.now(), kRefreshTimeout));
    if (done) continue;
    if (net::is_aborted(done.error())) co_return;
    log::warn("looking for new topics failed; it will be tried again",
              {{"flow", options_.name()}, {"reason", done.error().message()}});
  }
}

net::Task Flow::flush_loop() {
  auto& time = control_.time;
  for (;;) {
    const auto slept = co_await time.sleep_for(options_.position_flush_interval);
    if (!slept) co_return;
    const auto done = co_await flush(Which::changed, false, net::saturating_add(time.now(), kFlushTimeout));
    if (done) continue;
    if (net::is_aborted(done.error())) co_return;
    log::warn("positions could not be stored; they will be with the next ones",
              {{"flow", options_.name()}, {"reason", done.error().message()}});
  }
}

net::Async<void> Flow::flush(Which which, bool drained, SteadyTime deadline) {
  LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
  for (const auto& [id, owner] : std::exchange(stale_, {})) {
    LH_CO_TRY([[maybe_unused]] const bool renewed, co_await renew(*owner, deadline));
  }
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    auto reports =
        co_await on_core(one->io(), [one, which]() -> boost::asio::awaitable<std::vector<PartitionReport>> {
          co_return one->take_reports(which);
        });
    for (auto& report : reports) {
      report.drained = drained && report.idle;
      auto& slot = unsaved_[report.source];
      // Segments handed out earlier and not stored yet must not be lost with the report they came in.
      for (auto& segment : slot.segments) {
        const auto newer = std::ranges::find(report.segments, segment.number, &MapSegment::number);
        if (newer == report.segments.end()) report.segments.push_back(std::move(segment));
      }
      std::ranges::sort(report.segments, {}, &MapSegment::number);
      slot = std::move(report);
    }
  }
  // What another instance has taken over is not ours to store.
  std::erase_if(unsaved_, [&](const auto& entry) { return owners_.is_lost(entry.second.target); });
  if (unsaved_.empty()) co_return Result<void>{};
  std::vector<PartitionReport> reports;
  for (const auto& [source, report] : unsaved_) reports.push_back(report);
  LH_CO_TRY(const auto failures, co_await store_.write(reports, deadline));
  for (const auto& report : reports) {
    if (!failures.contains(report.source)) unsaved_.erase(report.source);
  }
  if (failures.empty()) co_return Result<void>{};
  take_failures(failures);
  co_return fail(failures.begin()->second);
}

net::Async<void> Flow::drain(SteadyTime deadline) {
  // New topics and periodic flushes end first; what is stored last is the state after the drain.
  co_await group_.stop();
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    co_await on_core(one->io(), [one, deadline] { return one->drain(deadline); });
  }
  Result<void> stored;
  if (opened_) {
    const auto until = [&] {
      return std::max(deadline, net::saturating_add(control_.time.now(), kDrainedTimeout));
    };
    stored = co_await flush(Which::all, true, until());
    auto others = co_await transactions_.finish(until());
    if (stored) stored = std::move(others);
  }
  co_await stop();
  co_return stored;
}

net::Task Flow::stop() {
  if (std::exchange(stopped_, true)) co_return;
  co_await transactions_.stop();
  co_await group_.stop();
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    co_await on_core(one->io(), [one] { return one->stop(); });
  }
  co_await source_.stop();
  co_await target_.stop();
}

std::size_t Flow::shard_of(const TopicPartition& target) const {
  return std::hash<TopicPartition>{}(target) % shards_.size();
}

std::size_t Flow::topics() const {
  std::set<std::string_view> names;
  for (const auto& [source, ids] : active_) names.insert(source.topic);
  return names.size();
}

}  // namespace longhaul::replicator
