// The part of TransactionLanes that finds transactions whose end was lost (docs/decisions/062).

#include <algorithm>

#include "base/log.h"
#include "client/admin_requests.h"
#include "client/retry.h"
#include "replicator/anchor.h"
#include "replicator/kafka/simple_fetch.h"
#include "replicator/kafka/takeover.h"
#include "replicator/kafka/transaction_lanes.h"

namespace longhaul::replicator {
namespace {

/// How long after a commit its markers are looked for, and how long that may take. They are written when the
/// commit is acknowledged already.
constexpr milliseconds kMarkerGrace{3'000};
constexpr milliseconds kMendTimeout{10'000};

}  // namespace

net::Async<bool> TransactionLanes::lost_tail(const Written& written, SteadyTime deadline) {
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  for (const auto& part : written.parts) {
    if (!part.doubted) continue;
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(target_, part.report.target, part.doubted->target_base, kUncommitted,
                                       deadline));
    if (check_anchor(fetched.data.records, *part.doubted) == AnchorState::different) co_return true;
  }
  co_return false;
}

void TransactionLanes::mend_idle(SteadyTime now) {
  for (auto& [id, entry] : lanes_) {
    auto& its = *entry;
    const bool due =
        std::ranges::any_of(its.unmarked, [&](const auto& one) { return now - one.second >= kMarkerGrace; });
    if (!due || its.busy || !is_usable(its) || now < its.not_before) continue;
    its.busy = group_.spawn([this, &its] { return mend_lane(its); });
  }
}

net::Task TransactionLanes::mend_lane(Lane& lane) {
  const auto deadline = net::saturating_add(control_.time.now(), kMendTimeout);
  {
    const auto turn = co_await lane.turn.take(deadline);
    if (turn && is_usable(lane)) {
      const auto done = co_await mend(lane, Mending::idle, deadline);
      if (!done) lane.not_before = net::saturating_add(control_.time.now(), kMendTimeout);
    }
  }
  lane.busy = false;
  ended_.notify();
}

net::Async<void> TransactionLanes::mend(Lane& lane, Mending which, SteadyTime deadline) {
  const auto now = control_.time.now();
  const auto grace = which == Mending::idle ? kMarkerGrace : milliseconds(0);
  deadline = std::min(deadline, net::saturating_add(now, kMendTimeout));
  std::vector<TopicPartition> due;
  for (const auto& [partition, committed] : lane.unmarked) {
    if (now - committed >= grace) due.push_back(partition);
  }
  if (due.empty()) co_return Result<void>{};
  LH_CO_TRY(const auto found,
            co_await client::open_in_partitions(target_, lane.owner->producer->id, std::move(due), deadline));
  std::vector<TopicPartition> hanging;
  for (const auto& [partition, is_open] : found) {
    if (is_open && *is_open) hanging.push_back(partition);
    // Brokers before 2.8 do not tell.
    const bool again = !is_open && client::passes(is_open.error());
    if (!again) lane.unmarked.erase(partition);
    if (again) lane.unmarked[partition] = now;
  }
  if (hanging.empty()) co_return Result<void>{};
  log::warn("the target has lost the end of a committed transaction; it is ended once more",
            {{"flow", options_.name()},
             {"transactional_id", lane.owner->transactional_id},
             {"partitions", hanging.size()},
             {"topic", hanging.front().topic},
             {"partition", hanging.front().partition}});
  // Until the markers are seen.
  for (const auto& partition : hanging) lane.unmarked[partition] = now;
  LH_CO_TRY_VOID(co_await renew_epoch(lane, deadline));
  LH_CO_TRY(const auto added,
            co_await client::add_partitions_to_txn(target_, lane.owner->transactional_id,
                                                   identity(*lane.owner->producer), hanging, deadline));
  for (const auto& [partition, outcome] : added) {
    if (!outcome) co_return outcome;
  }
  co_return co_await client::end_txn(target_, lane.owner->transactional_id, identity(*lane.owner->producer),
                                     client::TransactionEnd::commit, deadline);
}

}  // namespace longhaul::replicator
