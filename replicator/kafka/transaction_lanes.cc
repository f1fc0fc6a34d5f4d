#include "replicator/kafka/transaction_lanes.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "client/admin_requests.h"
#include "client/retry.h"
#include "replicator/kafka/bounded.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/takeover.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr milliseconds kLookInterval{25};
/// A larger transaction is closed before its time: what is aborted after a crash is written once more.
constexpr std::int64_t kTransactionBytes = std::int64_t{256} << 20U;
constexpr milliseconds kSetAside{5'000};
/// After a transaction that was not committed.
constexpr milliseconds kBackOff{500};
constexpr milliseconds kTimeoutMin{1'000};
/// What a transaction may take beside its interval.
constexpr milliseconds kEndTimeout{60'000};

std::vector<TopicPartition> sources_of(const std::vector<std::pair<TopicPartition, TopicPartition>>& places) {
  std::vector<TopicPartition> sources;
  for (const auto& [source, target] : places) sources.push_back(source);
  return sources;
}

}  // namespace

bool TransactionLanes::Written::certain() const {
  return std::ranges::all_of(parts, &TransactionPart::certain);
}

std::vector<PartitionReport> TransactionLanes::Written::reports() const {
  std::vector<PartitionReport> reports;
  for (const auto& part : parts) reports.push_back(part.report);
  return reports;
}

TransactionLanes::Lane::Lane(std::string id, net::TimeSource& time)
    : owner(std::make_shared<SharedProducer>()), turn(time) {
  owner->transactional_id = std::move(id);
  owner->transactional = true;
}

TransactionLanes::TransactionLanes(net::Io& control, client::Cluster& target, PositionStore& store,
                                   const std::vector<std::unique_ptr<FlowShard>>& shards,
                                   const FlowOptions& options)
    : control_(control),
      target_(target),
      store_(store),
      shards_(shards),
      options_(options),
      ended_(control.time),
      group_(control.executor) {}

TransactionLanes::Lane& TransactionLanes::lane(const std::string& id) {
  auto& slot = lanes_[id];
  if (slot == nullptr) {
    slot = std::make_unique<Lane>(id, control_.time);
    slot->timeout = options_.transaction_timeout;
  }
  return *slot;
}

net::Async<AsyncLock::Turn> TransactionLanes::pause(const std::string& id, SteadyTime deadline) {
  return lane(id).turn.take(deadline);
}

void TransactionLanes::taken(const std::string& id, ProducerEpoch producer, bool fenced) {
  auto& its = lane(id);
  its.owner->producer = producer;
  its.failed = false;
  // Where the take-over was not finished it may have left a transaction of its own.
  its.open = fenced ? Lane::Open::none : its.to_abort.empty() ? Lane::Open::to_commit : Lane::Open::to_abort;
  its.confirmed = false;
}

bool TransactionLanes::must_abort(const std::string& id, const std::map<TopicPartition, Offset>& partitions) {
  const auto& its = lane(id);
  return its.open == Lane::Open::to_abort || std::ranges::any_of(partitions, [&](const auto& entry) {
           return its.to_abort.contains(entry.first);
         });
}

void TransactionLanes::aborted(const std::string& id, const std::map<TopicPartition, Offset>& markers) {
  for (const auto& [partition, offset] : markers) lane(id).to_abort.erase(partition);
}

void TransactionLanes::confirmed(const std::string& id) {
  lane(id).confirmed = true;
}

milliseconds TransactionLanes::patience(const Lane& lane) const {
  return std::min(lane.timeout, options_.transaction_interval + kEndTimeout);
}

std::set<TopicPartition> TransactionLanes::partitions_of(const Work& work) const {
  std::set<TopicPartition> partitions;
  for (const auto& [shard, places] : work) {
    for (const auto& [source, target] : places) {
      partitions.insert(target);
      partitions.merge(store_.partitions_of(source));
    }
  }
  return partitions;
}

void TransactionLanes::start() {
  if (options_.transactions == Transactions::never) return;
  group_.spawn([this] { return look_loop(); });
}

net::Task TransactionLanes::look_loop() {
  for (;;) {
    if (!co_await control_.time.sleep_for(kLookInterval)) co_return;
    if (lanes_.empty()) continue;
    // First: one with work is busy all the time.
    mend_idle(control_.time.now());
    co_await look();
  }
}

net::Task TransactionLanes::look() {
  std::map<std::string, Work> found;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    auto* one = shards_[i].get();
    auto waiting = co_await on_core(
        one->io(), [one]() -> boost::asio::awaitable<FlowShard::Waiting> { co_return one->waiting(); });
    for (auto& [id, places] : waiting) found[id][i] = std::move(places);
  }
  for (auto& [id, work] : found) {
    auto& its = lane(id);
    if (its.busy || !its.confirmed || control_.time.now() < its.not_before) continue;
    its.busy = true;
    const bool begun = group_.spawn(
        [this, &its, todo = std::move(work)]() mutable { return run_lane(its, std::move(todo)); });
    if (!begun) its.busy = false;
  }
}

net::Task TransactionLanes::run_lane(Lane& lane, Work work) {
  {
    const auto begun = control_.time.now();
    const auto turn = co_await lane.turn.take(net::saturating_add(begun, patience(lane)));
    if (turn && lane.owner->producer && lane.confirmed) {
      const auto done = co_await run_transaction(lane, work, control_.time.now());
      if (!done && !net::is_aborted(done.error())) {
        lane.failed = lane.failed || !work.empty();
        lane.not_before = net::saturating_add(control_.time.now(), kBackOff);
        if (lines_.pass("transaction", control_.time.now())) {
          log::warn("a transaction was not committed; its partitions go on behind the last one that was",
                    {{"flow", options_.name()},
                     {"transactional_id", lane.owner->transactional_id},
                     {"reason", done.error().message()}});
        }
        co_await abandon(work);
      }
    }
  }
  lane.busy = false;
  ended_.notify();
}

net::Async<void> TransactionLanes::run_transaction(Lane& lane, Work& work, SteadyTime begun) {
  const auto deadline = net::saturating_add(begun, patience(lane));
  auto ready = co_await begin(lane, work, deadline);
  if (!ready && client::reaction_to(ready.error()) != client::Reaction::fail_partition) {
    // The coordinator is out of reach. Nothing was written: they wait on.
    work.clear();
  }
  if (!ready || work.empty()) co_return ready;
  // It may have taken long to end the one before; the time of this one begins now.
  begun = control_.time.now();
  LH_CO_TRY(auto written, co_await write(lane, work, begun));
  const auto until = net::saturating_add(begun, patience(lane));
  const bool is_broken = std::ranges::any_of(written.parts, &TransactionPart::broken);
  const auto lost = co_await lost_tail(written, until);
  if (!lost && net::is_aborted(lost.error())) co_return std::unexpected(lost.error());
  if (is_broken || !lost || *lost) co_return co_await abort(lane, work, until);
  if (!written.certain()) {
    co_return fail(protocol::kafka_error(KafkaErrc::transaction_abortable),
                   "whether the target stored a batch is unknown");
  }
  const auto reports = written.reports();
  LH_CO_TRY_VOID(co_await commit(lane, partitions_of(work), reports, until));
  lane.failed = false;
  co_await tell_committed(lane, work, std::move(written.parts));
  co_return Result<void>{};
}

net::Async<void> TransactionLanes::begin(Lane& lane, Work& work, SteadyTime deadline) {
  leave_out(lane, work);
  if (work.empty()) co_return Result<void>{};
  LH_CO_TRY_VOID(co_await renew_epoch(lane, deadline));
  co_return co_await add_partitions(lane, work, deadline);
}

net::Async<void> TransactionLanes::renew_epoch(Lane& lane, SteadyTime deadline) {
  // Each transaction has an epoch of its own: a repeated EndTxn that arrives late would otherwise end the one
  // after it, in the middle (KIP-890). By name: who has not the id any more goes through the take-over.
  const auto held = identity(*lane.owner->producer);
  if (lane.open == Lane::Open::to_commit) {
    // A new epoch would abort it, with what hangs in its partitions. Those that wrote it are taken over
    // again, and find it.
    const auto ended = co_await end(lane, client::TransactionEnd::commit, deadline);
    if (!ended && is_worth_waiting(ended.error())) co_return ended;
  }
  for (;;) {
    const auto made = co_await client::init_transactional_id(target_, lane.owner->transactional_id,
                                                             lane.timeout, held, deadline);
    const bool too_long = !made && made.error().code == KafkaErrc::invalid_transaction_timeout;
    if (too_long && lane.timeout > kTimeoutMin) {
      lane.timeout = std::max(lane.timeout / 2, kTimeoutMin);
      continue;
    }
    if (!made) co_return std::unexpected(made.error());
    lane.owner->producer = ProducerEpoch{made->id, made->epoch};
    lane.open = Lane::Open::none;
    co_return Result<void>{};
  }
}

net::Async<std::vector<client::AddedPartition>> TransactionLanes::open(
    Lane& lane, const std::set<TopicPartition>& partitions, SteadyTime deadline) {
  // Also when it fails: the coordinator may have taken it.
  lane.open = Lane::Open::to_commit;
  co_return co_await client::add_partitions_to_txn(target_, lane.owner->transactional_id,
                                                   identity(*lane.owner->producer),
                                                   {partitions.begin(), partitions.end()}, deadline);
}

net::Async<void> TransactionLanes::open_all(Lane& lane, std::set<TopicPartition> partitions,
                                            SteadyTime deadline) {
  LH_CO_TRY(const auto added, co_await open(lane, partitions, deadline));
  for (const auto& [partition, outcome] : added) {
    if (!outcome) co_return outcome;
  }
  co_return Result<void>{};
}

net::Async<void> TransactionLanes::end(Lane& lane, client::TransactionEnd how, SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await client::end_txn(target_, lane.owner->transactional_id,
                                          identity(*lane.owner->producer), how, deadline));
  lane.open = Lane::Open::none;
  co_return Result<void>{};
}

net::Async<void> TransactionLanes::abort(Lane& lane, const Work& work, SteadyTime deadline) {
  lane.open = Lane::Open::to_abort;
  for (const auto& [shard, places] : work) {
    for (const auto& [source, target] : places) {
      lane.to_abort.insert(target);
      lane.unmarked.erase(target);
    }
  }
  // At once: a successor would commit it.
  LH_CO_TRY_VOID(co_await end(lane, client::TransactionEnd::abort, deadline));
  co_return fail(protocol::kafka_error(KafkaErrc::transaction_abortable),
                 "the target has lost what it had acknowledged");
}

void TransactionLanes::leave_out(Lane& lane, Work& work) {
  const auto now = control_.time.now();
  std::erase_if(lane.set_aside, [&](const auto& entry) { return entry.second <= now; });
  bool leaderless = false;
  for (auto& [shard, places] : work) {
    std::erase_if(places, [&](const auto& place) {
      // A partition without leader would hold up the transaction when it ends.
      const bool has_leader = target_.leader(place.second).has_value();
      leaderless = leaderless || !has_leader;
      return !has_leader || lane.set_aside.contains(place.second);
    });
  }
  std::erase_if(work, [](const auto& entry) { return entry.second.empty(); });
  if (leaderless) target_.request_refresh();
}

net::Async<void> TransactionLanes::add_partitions(Lane& lane, Work& work, SteadyTime deadline) {
  for (; !work.empty(); leave_out(lane, work)) {
    const auto partitions = partitions_of(work);
    LH_CO_TRY(const auto added, co_await open(lane, partitions, deadline));
    const Error* refused = nullptr;
    bool again = false;
    for (const auto& [partition, outcome] : added) {
      if (outcome) continue;
      refused = &outcome.error();
      if (outcome.error().code == KafkaErrc::operation_not_attempted) continue;
      lane.set_aside[partition] = net::saturating_add(control_.time.now(), kSetAside);
      again = true;
    }
    if (refused == nullptr) co_return Result<void>{};
    if (lines_.pass("refused", control_.time.now())) {
      log::warn("a partition cannot be written in a transaction for now",
                {{"flow", options_.name()}, {"reason", refused->message()}});
    }
    target_.request_refresh();
    const bool internal = std::ranges::any_of(
        lane.set_aside, [&](const auto& entry) { return store_.is_internal(entry.first.topic); });
    if (!again || internal) co_return fail(*refused);
  }
  co_return Result<void>{};
}

net::Async<TransactionLanes::Written> TransactionLanes::write(Lane& lane, const Work& work,
                                                              SteadyTime begun) {
  // So that time is left for the positions and the end.
  const auto interval = std::min(options_.transaction_interval, lane.timeout / 2);
  const FlowShard::TransactionLimits limits{.until = net::saturating_add(begun, interval),
                                            .deadline = net::saturating_add(begun, patience(lane) * 3 / 4),
                                            .bytes_max = kTransactionBytes};
  const ProducerState producer{.id = lane.owner->producer->id, .epoch = lane.owner->producer->epoch};
  Written written;
  std::vector<std::pair<std::size_t, Places>> parts(work.begin(), work.end());
  const auto one = [&](std::pair<std::size_t, Places>& part) -> net::Async<void> {
    auto* shard = shards_[part.first].get();
    auto task = [shard, sources = sources_of(part.second), producer, limits] {
      return shard->write_in_transaction(sources, producer, limits);
    };
    auto list = co_await on_core(shard->io(), std::move(task));
    for (auto& entry : list) written.parts.push_back(std::move(entry));
    co_return Result<void>{};
  };
  LH_CO_TRY_VOID(co_await for_each_bounded(control_, parts, parts.size(), one));
  co_return written;
}

net::Async<void> TransactionLanes::commit(Lane& lane, std::set<TopicPartition> partitions,
                                          const std::vector<PartitionReport>& reports, SteadyTime deadline) {
  LH_CO_TRY_VOID(co_await store_.write_in_transaction(reports, lane.owner, deadline));
  LH_CO_TRY_VOID(co_await end(lane, client::TransactionEnd::commit, deadline));
  store_.take_committed(reports);
  remember_unmarked(lane, partitions);
  co_return Result<void>{};
}

net::Task TransactionLanes::tell_committed(Lane& lane, Work work, std::vector<TransactionPart> parts) {
  const auto now = control_.time.now();
  std::set<TopicPartition> leaving;
  for (const auto& part : parts) {
    const auto& source = part.report.source;
    auto& last = lane.last_old.try_emplace(source, now).first->second;
    if (part.sent_old) last = now;
    if (part.may_leave && now - last >= options_.transaction_calm) {
      leaving.insert(source);
      lane.last_old.erase(source);
    }
  }
  for (const auto& [shard, places] : work) {
    auto sources = sources_of(places);
    std::vector<TopicPartition> going;
    for (const auto& source : sources) {
      if (leaving.contains(source)) going.push_back(source);
    }
    auto* one = shards_[shard].get();
    auto task = [one, sources = std::move(sources), going = std::move(going)]() -> net::Task {
      one->committed(sources, going);
      co_return;
    };
    co_await on_core(one->io(), std::move(task));
  }
}

net::Task TransactionLanes::abandon(const Work& work) {
  for (const auto& [shard, places] : work) {
    auto* one = shards_[shard].get();
    auto task = [one, sources = sources_of(places)]() -> net::Task {
      one->abandon(sources);
      co_return;
    };
    co_await on_core(one->io(), std::move(task));
  }
}

}  // namespace longhaul::replicator
