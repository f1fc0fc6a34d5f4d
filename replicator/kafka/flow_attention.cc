// The part of Flow that attends to what its shards and its positions report in operation: partitions in doubt
// are taken over again, and those that another instance has taken are stopped (docs/decisions/061).

#include "base/log.h"
#include "client/retry.h"
#include "replicator/kafka/flow.h"
#include "replicator/kafka/flow_candidate.h"
#include "replicator/kafka/on_core.h"
#include "replicator/kafka/takeover.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

constexpr milliseconds kAttentionTimeout{120'000};
/// How soon a partition in doubt is taken over again.
constexpr milliseconds kAttentionInterval{500};
/// How long it is asked who has taken partitions over.
constexpr milliseconds kWhoTimeout{5'000};
constexpr milliseconds kWhoInterval{250};
constexpr milliseconds kRetryInterval{5'000};

bool is_fenced(const Error& error) {
  return error.code == KafkaErrc::producer_fenced || error.code == KafkaErrc::invalid_producer_epoch;
}

}  // namespace

void Flow::take_failures(const PositionStore::Failures& failures) {
  for (const auto& [source, error] : failures) {
    const auto active = active_.find(source);
    if (!owners_.fenced() || active == active_.end()) continue;
    const auto owner = owners_.owner(owners_.id_of(active->second.target));
    // The state topic has lost what it knew of us, or the target's clock was moved: only another epoch may
    // write there, and its marker says what time it is. A fenced epoch may be another instance's doing, or
    // the coordinator's: whoever asks for the next one is told.
    const bool needs_epoch = is_fenced(error) || error.code == KafkaErrc::invalid_timestamp ||
                             client::reaction_to(error) == client::Reaction::check_sequence;
    if (needs_epoch) stale_.try_emplace(owner->transactional_id, owner);
  }
}

net::Async<bool> Flow::renew(SharedProducer& owner, SteadyTime deadline) {
  TakeoverRequest request{.transactional_id = owner.transactional_id, .held = owner.producer};
  request.internal.push_back({options_.state_topic, PartitionIndex(0)});
  const auto until = std::min(deadline, net::saturating_add(control_.time.now(), kFenceTimeout));
  LH_CO_TRY(const auto done, co_await take_over(target_, std::move(request), markers_in(store_), until));
  if (done.producer().id != ProducerId()) owner.producer = done.producer();
  if (done.verdict() == Fence::Verdict::taken_over) {
    owner.lost = true;
    for (const auto& [source, active] : active_) {
      if (owners_.id_of(active.target) == owner.transactional_id)
        found_lost_.try_emplace(owner.transactional_id, source);
    }
  }
  co_return done.verdict() == Fence::Verdict::fenced;
}

net::Task Flow::attention_loop() {
  auto& time = control_.time;
  for (;;) {
    // What could not be taken up yet is not fenced again at once: each time leaves a marker.
    const auto slept = co_await time.sleep_for(retakes_.empty() ? kAttentionInterval : kRetryInterval);
    if (!slept) co_return;
    const auto done = co_await attend(net::saturating_add(time.now(), kAttentionTimeout));
    if (done) continue;
    if (net::is_aborted(done.error())) co_return;
    if (!lines_.pass("attention", time.now())) continue;
    log::warn("partitions in doubt could not be taken over again yet; it will be tried again",
              {{"flow", options_.name()}, {"reason", done.error().message()}});
  }
}

net::Async<void> Flow::attend(SteadyTime deadline) {
  std::set<std::string> contested;
  for (const auto& shard : shards_) {
    auto* one = shard.get();
    auto attention = co_await on_core(
        one->io(), [one]() -> boost::asio::awaitable<ShardAttention> { co_return one->take_attention(); });
    retakes_.merge(attention.retakes);
    for (const auto& [source, regime] : attention.regimes) regimes_[source] = regime;
    found_lost_.merge(attention.lost);
    contested.merge(attention.contested);
  }
  for (const auto& id : contested) {
    LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
    LH_CO_TRY(const bool ours, co_await renew(*owners_.owner(id), deadline));
    if (!ours) continue;  // another instance has it; or that is seen when its partitions are taken over
    log::warn(
        "the target has fenced an epoch of ours that nobody has taken; its partitions are taken over again",
        {{"flow", options_.name()}, {"transactional_id", id}});
  }
  if (!found_lost_.empty()) LH_CO_TRY_VOID(co_await lose(std::exchange(found_lost_, {}), deadline));
  if (!retakes_.empty()) LH_CO_TRY_VOID(co_await take_again(deadline));
  if (unconfirmed_.empty()) co_return Result<void>{};
  LH_CO_TRY(const auto turn, co_await positions_lock_.take(deadline));
  LH_CO_TRY_VOID(co_await confirm_transactions({}, deadline));
  co_return Result<void>{};
}

net::Async<std::string> Flow::who_writes(TopicPartition source, SteadyTime deadline) {
  auto& time = control_.time;
  const auto until = std::min(deadline, net::saturating_add(time.now(), kWhoTimeout));
  // Whoever took over stores a record before it writes, which may take it a moment.
  for (;;) {
    const auto writer = co_await store_.writer_of(source, until);
    if (!writer && net::is_aborted(writer.error())) co_return std::unexpected(writer.error());
    if (writer && !writer->empty() && *writer != options_.instance) co_return *writer;
    if (time.now() >= until) co_return "unknown: another process with this flow and longhaul.deployment.id";
    LH_CO_TRY_VOID(co_await time.sleep_for(kWhoInterval));
  }
}

net::Async<void> Flow::lose(std::map<std::string, TopicPartition> lost, SteadyTime deadline) {
  for (const auto& [id, example] : lost) {
    owners_.owner(id)->lost = true;
    std::size_t partitions = 0;
    for (const auto& shard : shards_) {
      auto* one = shard.get();
      auto work = [one, id]() -> boost::asio::awaitable<std::size_t> { co_return one->lose(id); };
      const auto count = co_await on_core(one->io(), std::move(work));
      partitions += count;
    }
    LH_CO_TRY(const auto writer, co_await who_writes(example, deadline));
    log::error(
        "another instance has taken partitions over; they are stopped here, because only one may write them",
        {{"flow", options_.name()},
         {"transactional_id", id},
         {"partitions", partitions},
         {"topic", example.topic},
         {"taken_over_by", writer}});
  }
  co_return Result<void>{};
}

net::Async<void> Flow::take_again(SteadyTime deadline) {
  std::vector<Candidate> candidates;
  for (const auto& [source, times] : retakes_) {
    const auto active = active_.find(source);
    if (active == active_.end() || owners_.is_lost(active->second.target)) continue;
    Candidate candidate;
    candidate.source = source;
    candidate.target = active->second.target;
    candidate.source_id = active->second.source_id;
    candidate.target_id = active->second.target_id;
    candidate.retakes = times;
    if (lines_.pass(fmt::format("again {}", source), control_.time.now())) {
      log::warn("what the target holds of a partition is in doubt; it is taken over again",
                {{"flow", options_.name()}, {"topic", source.topic}, {"partition", source.partition}});
    }
    candidates.push_back(std::move(candidate));
  }
  if (candidates.empty()) {
    retakes_.clear();
    co_return Result<void>{};
  }
  // Those that could not be taken up yet stay in `retakes_`.
  LH_CO_TRY_VOID(co_await take_up(std::move(candidates), deadline));
  co_return Result<void>{};
}

}  // namespace longhaul::replicator
