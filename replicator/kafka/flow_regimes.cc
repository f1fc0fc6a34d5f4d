// The part of Flow that decides which partitions are written in transactions, and takes the transactional ids
// of those from whoever had them (docs/decisions/061).

#include <algorithm>

#include "base/log.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/takeover.h"

namespace longhaul::replicator {

bool Flow::was_transactional(const Candidate& candidate) const {
  const auto stored = store_.position(candidate.source);
  return stored && stored->transactional;
}

void Flow::choose_regime(Candidate& candidate) const {
  candidate.regime = Regime::live;
  candidate.may_change = false;
  if (options_.transactions == Transactions::never || transactions_refused_) return;
  if (options_.transactions == Transactions::always || candidate.target_cleanup == TargetCleanup::compact) {
    candidate.regime = Regime::transactional;
    return;
  }
  candidate.may_change = true;
  const auto chosen = regimes_.find(candidate.source);
  const bool old =
      chosen != regimes_.end() ? chosen->second == Regime::transactional : was_transactional(candidate);
  if (old) candidate.regime = Regime::transactional;
}

net::Async<void> Flow::fence_transactions(Guarded& guarded, SteadyTime deadline) {
  std::vector<Candidate*> candidates;
  for (auto* candidate : guarded.candidates) {
    if (!candidate->ready || candidate->stop || !candidate->fenced) continue;
    choose_regime(*candidate);
    if (candidate->regime == Regime::transactional || was_transactional(*candidate)) {
      candidates.push_back(candidate);
    }
  }
  const auto id = transaction_id_for(guarded.owner->transactional_id);
  if (guarded.owner->lost || (candidates.empty() && !unconfirmed_.contains(id))) co_return Result<void>{};
  // Whoever has the guard has the right to this one, so it is taken without asking who held it.
  TakeoverRequest request{.transactional_id = id, .transaction_timeout = options_.transaction_timeout};
  const auto paused_by = std::min(
      deadline, net::saturating_add(control_.time.now(), options_.transaction_interval + kFenceTimeout));
  const auto turn = co_await transactions_.pause(id, paused_by);
  if (!turn && net::is_aborted(turn.error())) co_return std::unexpected(turn.error());
  if (!turn) {
    for (auto* candidate : guarded.candidates) candidate->leave(turn.error());
    co_return Result<void>{};
  }
  std::set<TopicPartition> internal;
  for (const auto* candidate : candidates) {
    request.data[candidate->target] = candidate->target_end;
    internal.merge(store_.partitions_of(candidate->source));
  }
  request.internal.assign(internal.begin(), internal.end());
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kFenceTimeout));
  const bool aborts = transactions_.must_abort(id, request.data);
  if (!aborts) {
    // Whatever of it is in the log is a part that readers may keep: the look at the tail finds where it ends.
    // Aborted, it would stay there for readers of uncommitted records, who would see it twice.
    request.end = client::TransactionEnd::commit;
    const auto committed = co_await commit_open_transaction(target_, id, until);
    if (!committed && net::is_aborted(committed.error())) co_return std::unexpected(committed.error());
    if (!committed) {
      for (auto* candidate : candidates) candidate->leave(committed.error());
      co_return Result<void>{};
    }
  }
  LH_CO_TRY(const auto done, co_await take_over(target_, std::move(request), markers_in(store_), until));
  const bool fenced = done.verdict() == Fence::Verdict::fenced;
  if (done.producer().id != ProducerId()) transactions_.taken(id, done.producer(), fenced);
  if (aborts) transactions_.aborted(id, done.markers());
  unconfirmed_[id] = guarded.owner;
  if (done.verdict() == Fence::Verdict::refused) {
    refuse_transactions(guarded, done.error());
    co_return Result<void>{};
  }
  for (auto* candidate : candidates) {
    auto needed = store_.partitions_of(candidate->source);
    needed.insert(candidate->target);
    const auto dropped =
        std::ranges::find_if(done.dropped(), [&](const auto& entry) { return needed.contains(entry.first); });
    if (!fenced) {
      candidate->leave(done.error());
    } else if (dropped != done.dropped().end()) {
      candidate->leave(dropped->second);
    } else {
      candidate->target_end = done.markers().at(candidate->target);
    }
  }
  co_return Result<void>{};
}

net::Async<void> Flow::confirm_transactions(const std::vector<Candidate>& stored, SteadyTime deadline) {
  // What was stored under a guard after its transactional id was taken says that the guard is ours.
  for (const auto& candidate : stored) {
    if (!candidate.ready || candidate.stop || candidate.owner == nullptr) continue;
    const auto id = transaction_id_for(candidate.owner->transactional_id);
    if (unconfirmed_.erase(id) > 0) transactions_.confirmed(id);
  }
  for (const auto& [id, guard] : std::map(unconfirmed_)) {
    bool renewed = false;
    if (!guard->lost) {
      LH_CO_TRY(renewed, co_await renew(*guard, deadline));
    }
    if (renewed || guard->lost) unconfirmed_.erase(id);
    if (renewed) transactions_.confirmed(id);
  }
  co_return Result<void>{};
}

void Flow::refuse_transactions(Guarded& guarded, const Error& reason) {
  if (options_.transactions == Transactions::always) {
    for (auto* candidate : guarded.candidates) candidate->leave(reason);
    return;
  }
  if (!std::exchange(transactions_refused_, true)) {
    log::warn(
        "the target refuses the transactional ids of transactions: records that are older than it "
        "remembers producers, and compacted topics, are written without them, one batch at a time",
        {{"flow", options_.name()},
         {"transactional_ids", fmt::format("longhaul:{}:{}:*", options_.deployment_id, options_.name())},
         {"reason", reason.message()}});
  }
  for (auto* candidate : guarded.candidates) choose_regime(*candidate);
}

}  // namespace longhaul::replicator
