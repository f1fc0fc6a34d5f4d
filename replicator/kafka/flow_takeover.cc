// The part of Flow that takes partitions from whoever had them before (docs/decisions/061).

#include <algorithm>

#include "base/log.h"
#include "client/retry.h"
#include "replicator/kafka/bounded.h"
#include "replicator/kafka/epoch_check.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/tail_look.h"
#include "replicator/kafka/takeover.h"

namespace longhaul::replicator {
namespace {

/// Transactional ids, and partitions, that are worked on at the same time.
constexpr std::size_t kFencesMax = 16;
constexpr std::size_t kLooksMax = 16;
constexpr milliseconds kLookTimeout{60'000};
constexpr int kLookDoublingsMax = 3;

}  // namespace

net::Async<void> Flow::take_from_predecessors(std::vector<Candidate>& candidates, SteadyTime deadline) {
  std::map<std::string, Guarded> by_id;
  for (auto& candidate : candidates) {
    if (!candidate.ready) continue;
    candidate.stop = why_not_take_over(store_.position(candidate.source), store_.mm2_offset(candidate.source),
                                       facts_of(candidate));
    if (candidate.stop) {
      if (const auto stored = store_.position(candidate.source)) candidate.progress = stored->progress;
      continue;
    }
    if (!owners_.fenced()) continue;
    auto& guarded = by_id[owners_.id_of(candidate.target)];
    guarded.owner = owners_.owner(owners_.id_of(candidate.target));
    guarded.candidates.push_back(&candidate);
  }
  std::vector<Guarded> list;
  for (auto& [id, guarded] : by_id) list.push_back(std::move(guarded));
  LH_CO_TRY_VOID(co_await for_each_bounded(control_, list, kFencesMax,
                                           [this, deadline](Guarded& one) { return fence(one, deadline); }));
  LH_CO_TRY_VOID(co_await for_each_bounded(control_, list, kFencesMax, [this, deadline](Guarded& one) {
    return fence_transactions(one, deadline);
  }));
  if (!owners_.fenced()) {
    const bool again = std::ranges::any_of(candidates, &Candidate::again);
    // A partition that begins anew in this process must not continue under the producer it had: the target
    // would take its first batches for repeats.
    const bool needs = options_.exactly_once == ExactlyOnce::on && (again || producer_.id == ProducerId());
    if (needs) LH_CO_TRY_VOID(co_await fresh_producer(deadline));
  }
  LH_CO_TRY_VOID(co_await read_source_offsets(candidates, deadline));
  co_return co_await for_each_bounded(control_, candidates, kLooksMax,
                                      [this, deadline](Candidate& one) { return decide(one, deadline); });
}

net::Async<void> Flow::fence(Guarded& guarded, SteadyTime deadline) {
  auto& owner = *guarded.owner;
  if (owner.lost) {
    for (auto* candidate : guarded.candidates) {
      candidate->stop =
          Stop{StopReason::taken_over, candidate->progress.source_offset, owner.transactional_id};
    }
    co_return Result<void>{};
  }
  TakeoverRequest request{.transactional_id = owner.transactional_id, .held = owner.producer};
  const bool again = std::ranges::any_of(guarded.candidates, &Candidate::again);
  request.epoch = again ? Fence::Options::Epoch::next : Fence::Options::Epoch::same;
  std::set<TopicPartition> internal;
  for (const auto* candidate : guarded.candidates) {
    request.data[candidate->target] = candidate->target_end;
    internal.merge(store_.partitions_of(candidate->source));
  }
  request.internal.assign(internal.begin(), internal.end());
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kFenceTimeout));
  LH_CO_TRY(const auto done, co_await take_over(target_, std::move(request), markers_in(store_), until));
  // Also when it failed half-way: the coordinator knows us under it.
  if (done.producer().id != ProducerId()) owner.producer = done.producer();
  switch (done.verdict()) {
    case Fence::Verdict::fenced:
      take_fenced(guarded, done);
      break;
    case Fence::Verdict::refused:
      go_unfenced(done.error());
      break;
    case Fence::Verdict::taken_over:
      owner.lost = true;
      found_lost_.try_emplace(owner.transactional_id, guarded.candidates.front()->source);
      for (auto* candidate : guarded.candidates) {
        candidate->stop = Stop{StopReason::taken_over, candidate->progress.source_offset, {}};
      }
      break;
    case Fence::Verdict::failed:
    case Fence::Verdict::pending:
      for (auto* candidate : guarded.candidates) candidate->leave(done.error());
      break;
  }
  co_return Result<void>{};
}

void Flow::take_fenced(Guarded& guarded, const Fence& fence) {
  for (auto* candidate : guarded.candidates) {
    const Error* dropped = nullptr;
    auto needed = store_.partitions_of(candidate->source);
    needed.insert(candidate->target);
    for (const auto& partition : needed) {
      const auto found = fence.dropped().find(partition);
      if (found != fence.dropped().end()) dropped = &found->second;
    }
    if (dropped != nullptr) {
      candidate->leave(*dropped);
      continue;
    }
    candidate->fenced = true;
    candidate->target_end = fence.markers().at(candidate->target);
    candidate->owner = guarded.owner;
  }
}

void Flow::go_unfenced(const Error& reason) {
  if (!owners_.fenced()) return;
  owners_.go_unfenced();
  log::warn(
      "the target refuses transactional ids: another instance of this flow that still runs, or wakes up "
      "later, "
      "cannot be kept from writing; make sure that there is only one",
      {{"flow", options_.name()},
       {"transactional_ids", fmt::format("longhaul:{}:{}:*", options_.deployment_id, options_.name())},
       {"reason", reason.message()}});
}

ProducerState Flow::fresh_producer_for(const Candidate& candidate) {
  if (options_.exactly_once == ExactlyOnce::off) return {};
  if (!candidate.fenced) return producer_;
  auto owner = candidate.owner;
  if (candidate.regime == Regime::transactional) {
    owner = transactions_.owner(transaction_id_for(owner->transactional_id));
  }
  const auto& held = *owner->producer;
  return {.id = held.id, .epoch = held.epoch, .next_sequence = 0};
}

ResumeFacts Flow::facts_of(const Candidate& candidate) {
  ResumeFacts facts{.source_cluster_id = source_cluster_id_,
                    .target_cluster_id = target_cluster_id_,
                    .source_topic_id = candidate.source_id,
                    .target_topic_id = candidate.target_id,
                    .target_topic = candidate.target.topic,
                    .selection = selection_fingerprint(options_),
                    .source_start = candidate.source_start,
                    .source_end = candidate.source_end,
                    .target_end = candidate.target_end,
                    .reset = options_.reset,
                    .fresh_producer = fresh_producer_for(candidate),
                    .guard = std::nullopt};
  if (candidate.fenced) facts.guard = candidate.owner->producer;
  const auto stored = store_.position(candidate.source);
  facts.mm2_is_ours = stored && stored->transactional &&
                      own_producers(candidate, *stored).contains(store_.mm2_writer(candidate.source));
  return facts;
}

OwnProducers Flow::own_producers(const Candidate& candidate, const StoredPosition& stored) {
  OwnProducers ours{.stored = stored.producers, .shard = {}};
  if (!candidate.fenced) return ours;
  ours.shard.push_back(candidate.owner->producer->id);
  if (!stored.transactional) return ours;
  const auto writer = transactions_.owner(transaction_id_for(candidate.owner->transactional_id));
  if (writer->producer) ours.shard.push_back(writer->producer->id);
  return ours;
}

void Flow::load_map(Candidate& candidate, const StoredPosition& stored) const {
  candidate.map_end = stored.progress.source_offset;
  for (auto number = std::max<std::int64_t>(0, stored.map_segment - 1); number <= stored.map_segment;
       ++number) {
    auto segment = store_.segment(candidate.source, candidate.source_id, number);
    if (segment) candidate.map.push_back(*std::move(segment));
  }
}

net::Async<void> Flow::confirm_source(Candidate& candidate, SteadyTime deadline) {
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kFenceTimeout));
  const auto cut = co_await find_cut(source_, candidate.source, candidate.progress, until);
  if (!cut && net::is_aborted(cut.error())) co_return std::unexpected(cut.error());
  if (cut) {
    candidate.stop = *cut;
  } else {
    candidate.leave(cut.error());
  }
  co_return Result<void>{};
}

net::Async<void> Flow::decide(Candidate& candidate, SteadyTime deadline) {
  if (!candidate.ready || candidate.stop) co_return Result<void>{};
  const auto stored = store_.position(candidate.source);
  auto decision = decide_resume(stored, store_.mm2_offset(candidate.source), facts_of(candidate));
  if (!decision.note.empty()) report_note(candidate, decision.note);
  candidate.progress = decision.progress;
  candidate.stop = decision.stop;
  candidate.lost = decision.lost;
  if (decision.keeps_producer) {
    // Only under that producer the target keeps its former owner and us apart.
    candidate.regime = Regime::live;
    candidate.may_change = false;
  }
  if (decision.continues) load_map(candidate, *stored);
  if (decision.continues && !decision.stop && decision.progress.source_offset > candidate.source_start) {
    LH_CO_TRY_VOID(co_await confirm_source(candidate, deadline));
    if (!candidate.ready || candidate.stop) co_return Result<void>{};
  }
  if (decision.kind != ResumeDecision::Kind::look_at_tail) co_return Result<void>{};
  co_return co_await look_back(candidate, decision, *stored);
}

net::Async<void> Flow::look_back(Candidate& candidate, const ResumeDecision& decision,
                                 const StoredPosition& stored) {
  TailLookRequest request{.source = candidate.source,
                          .target = candidate.target,
                          .stored = decision.progress,
                          .ours = own_producers(candidate, stored),
                          .source_start = candidate.source_start,
                          .source_end = candidate.source_end,
                          .target_start = candidate.target_start,
                          .target_end = candidate.target_end,
                          .limits = candidate.limits,
                          .keeps_producer = decision.keeps_producer,
                          .transactional = stored.transactional,
                          .compacted = candidate.target_cleanup == TargetCleanup::compact,
                          .drained = stored.drained,
                          .map = candidate.map};
  // A look that took too long begins anew with more time: the lines may be slow, and the tail long.
  auto& failed = failed_looks_[candidate.source];
  const auto patience = kLookTimeout * (1 << std::min(failed, kLookDoublingsMax));
  const auto until = net::saturating_add(control_.time.now(), patience);
  auto look = co_await look_at_tail(source_, target_, options_, std::move(request), until);
  if (!look && net::is_aborted(look.error())) co_return std::unexpected(std::move(look).error());
  const bool took_too_long = !look && control_.time.now() >= until;
  failed = took_too_long ? failed + 1 : 0;
  if (!look && client::reaction_to(look.error()) == client::Reaction::reset_position) {
    candidate.stop = Stop{StopReason::state_mismatch, decision.progress.source_offset,
                          "what the predecessor appended cannot be read back: " + look.error().message()};
    co_return Result<void>{};
  }
  if (!look) {
    candidate.leave(look.error());
    co_return Result<void>{};
  }
  if (!look->note.empty()) report_note(candidate, look->note);
  if (look->records > 0) {
    log::info("the predecessor ended without draining; what it appended was found on the target",
              {{"flow", options_.name()},
               {"topic", candidate.source.topic},
               {"partition", candidate.source.partition},
               {"stored_offset", decision.progress.source_offset},
               {"resume_offset", look->progress.source_offset}});
  }
  candidate.progress = look->progress;
  candidate.stop = look->stop;
  candidate.runs = std::move(look->runs);
  candidate.map_end = candidate.runs.empty() ? look->progress.source_offset : candidate.runs.front().source;
  if (candidate.stop) co_return Result<void>{};
  auto facts = facts_of(candidate);
  // What the target holds of it, the source has: it was just compared.
  if (look->records > 0) facts.source_end = std::max(facts.source_end, look->progress.source_offset);
  auto settled = within_source({.progress = candidate.progress, .continues = true}, facts);
  if (!settled.note.empty()) report_note(candidate, settled.note);
  candidate.stop = settled.stop;
  candidate.lost = settled.lost;
  if (!settled.stop) candidate.progress = settled.progress;
  if (!decision.keeps_producer) candidate.progress.producer = facts.fresh_producer;
  co_return Result<void>{};
}

}  // namespace longhaul::replicator
