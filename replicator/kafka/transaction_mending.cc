// The part of TransactionLanes that finds transactions whose end was lost (docs/decisions/062).

#include <algorithm>

#include "base/log.h"
#include "client/admin_requests.h"
#include "client/retry.h"
#include "net/error.h"
#include "replicator/anchor.h"
#include "replicator/kafka/simple_fetch.h"
#include "replicator/kafka/takeover.h"
#include "replicator/kafka/transaction_lanes.h"

namespace longhaul::replicator {
namespace {

/// How long after a commit its markers are looked for. They are written after the commit was acknowledged.
constexpr milliseconds kMarkerGrace{3'000};
/// How long that may keep partitions of the id from being written, and when it is tried again.
constexpr milliseconds kLookTimeout{2'000};
constexpr milliseconds kMendTimeout{10'000};
constexpr milliseconds kMendInterval{10'000};

}  // namespace

net::Async<bool> TransactionLanes::lost_tail(const Written& written, SteadyTime deadline) {
  constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;
  for (const auto& part : written.parts) {
    // Of what is uncertain a batch may be there that was never acknowledged.
    const auto& anchor = part.doubted || part.certain ? part.doubted : part.report.progress.anchor;
    if (!anchor) continue;
    const auto fetched =
        co_await fetch_partition(target_, part.report.target, anchor->target_base, kUncommitted, deadline);
    if (!fetched && !part.doubted && !net::is_aborted(fetched.error())) continue;
    if (!fetched) co_return std::unexpected(fetched.error());
    if (check_anchor(fetched->data.records, *anchor) == AnchorState::different) co_return true;
  }
  co_return false;
}

void TransactionLanes::remember_unmarked(Lane& lane, const std::set<TopicPartition>& partitions) {
  const auto when = net::saturating_add(control_.time.now(), kMarkerGrace);
  for (const auto& partition : partitions) lane.unmarked[partition] = when;
}

void TransactionLanes::mend_idle(SteadyTime now) {
  if (finishing_) return;
  for (auto& [id, entry] : lanes_) {
    auto& its = *entry;
    const bool due = std::ranges::any_of(its.unmarked, [&](const auto& one) { return one.second <= now; });
    if (!due || its.busy || !is_usable(its) || now < its.no_mending_before) continue;
    its.busy = group_.spawn([this, &its] { return mend_lane(its); });
  }
}

net::Task TransactionLanes::mend_lane(Lane& lane) {
  const auto deadline = net::saturating_add(control_.time.now(), kMendTimeout);
  {
    const auto turn = co_await lane.turn.take(deadline);
    // Whatever came of it: what is not seen is looked for again then.
    if (turn && is_usable(lane)) (void)co_await mend(lane, Mending::idle, deadline);
    lane.no_mending_before = net::saturating_add(control_.time.now(), kMendInterval);
  }
  lane.busy = false;
  ended_.notify();
}

net::Async<std::vector<TopicPartition>> TransactionLanes::find_hanging(Lane& lane,
                                                                       std::vector<TopicPartition> partitions,
                                                                       SteadyTime deadline) {
  const auto leaderless = std::erase_if(
      partitions, [&](const TopicPartition& partition) { return !target_.leader(partition).has_value(); });
  if (leaderless > 0) target_.request_refresh();
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kLookTimeout));
  LH_CO_TRY(const auto found, co_await client::open_in_partitions(target_, lane.owner->producer->id,
                                                                  std::move(partitions), until));
  std::vector<TopicPartition> hanging;
  for (const auto& [partition, is_open] : found) {
    if (is_open && *is_open) hanging.push_back(partition);
    // Brokers before 2.8 do not tell.
    const bool again =
        is_open ? *is_open : client::passes(is_open.error()) && !client::says_unknown(is_open.error());
    if (!again) lane.unmarked.erase(partition);
  }
  co_return hanging;
}

net::Async<void> TransactionLanes::mend(Lane& lane, Mending which, SteadyTime deadline) {
  const auto now = control_.time.now();
  std::vector<TopicPartition> due;
  for (const auto& [partition, when] : lane.unmarked) {
    if (which == Mending::all || when <= now) due.push_back(partition);
  }
  LH_CO_TRY(auto hanging, co_await find_hanging(lane, std::move(due), deadline));
  if (hanging.empty()) co_return Result<void>{};
  // The coordinator gives another epoch when it has written what it will write.
  LH_CO_TRY_VOID(co_await renew_epoch(lane, deadline));
  LH_CO_TRY(hanging, co_await find_hanging(lane, std::move(hanging), deadline));
  if (hanging.empty()) co_return Result<void>{};
  if (lines_.pass("marker", control_.time.now())) {
    log::warn("the target has lost the end of a committed transaction; it is ended once more",
              {{"flow", options_.name()},
               {"transactional_id", lane.owner->transactional_id},
               {"partitions", hanging.size()},
               {"topic", hanging.front().topic},
               {"partition", hanging.front().partition}});
  }
  LH_CO_TRY_VOID(co_await open_all(lane, {hanging.begin(), hanging.end()}, deadline));
  // They stay in `unmarked` until their markers are seen.
  co_return co_await end(lane, client::TransactionEnd::commit, deadline);
}

}  // namespace longhaul::replicator
