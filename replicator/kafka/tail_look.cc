#include "replicator/kafka/tail_look.h"

#include <algorithm>

#include "client/retry.h"
#include "net/error.h"
#include "protocol/error_code.h"
#include "replicator/anchor.h"
#include "replicator/kafka/fetched_set.h"
#include "replicator/kafka/simple_fetch.h"
#include "replicator/transaction_scan.h"

namespace longhaul::replicator {
namespace {

constexpr auto kUncommitted = protocol::IsolationLevel::read_uncommitted;

constexpr std::string_view kLost = "it lost its tail (unclean leader election?)";
constexpr std::string_view kAborted = "it aborted what was committed (no leader when the transaction ended?)";

TailLook stopped(const TailLookRequest& request, std::string detail) {
  return {.progress = request.stored,
          .stop = Stop{StopReason::state_mismatch, request.stored.source_offset, std::move(detail)}};
}

net::Async<AnchorState> look_at_anchor(client::Cluster& target, const TailLookRequest& request,
                                       SteadyTime deadline) {
  const auto& anchor = *request.stored.anchor;
  if (anchor.target_base >= request.target_end) co_return AnchorState::different;
  const auto fetched =
      co_await fetch_partition(target, request.target, anchor.target_base, kUncommitted, deadline);
  if (fetched) co_return check_anchor(fetched->data.records, anchor);
  const bool out_of_range = client::reaction_to(fetched.error()) == client::Reaction::reset_position;
  if (out_of_range) co_return AnchorState::different;
  co_return std::unexpected(fetched.error());
}

/// Fetches on the target. Nothing is an answer only of a leader that knows the log up to the end: a new one
/// learns the high watermark a moment later than it leads.
net::Async<SimpleFetch> fetch_target(client::Cluster& target, const TailLookRequest& request, Offset position,
                                     SteadyTime deadline) {
  for (;;) {
    LH_CO_TRY(auto fetched,
              co_await fetch_partition(target, request.target, position, kUncommitted, deadline));
    const bool knows = Offset(fetched.data.high_watermark) >= request.target_end;
    if (knows || !fetched.data.records.empty()) co_return fetched;
    if (target.io().time.now() >= deadline) co_return fail(net::NetErrc::timed_out, "{}", request.target);
  }
}

/// Feeds `reader` with the target's log, as long as `wants_more()`, or until there is no more.
net::Async<void> read_target(client::Cluster& target, const TailLookRequest& request, auto& reader,
                             auto wants_more, SteadyTime deadline) {
  while (wants_more()) {
    const auto position = reader.position();
    LH_CO_TRY(const auto fetched, co_await fetch_target(target, request, position, deadline));
    LH_CO_TRY_VOID(reader.add(fetched.data.records));
    if (reader.position() == position) break;
  }
  co_return Result<void>{};
}

/// Transactions of `whose` producers (nullopt: of anybody) that were aborted, from `begin` to the end. The
/// list is good for who begins to read there.
net::Async<std::vector<AbortedTransaction>> find_aborted(client::Cluster& target,
                                                         const TailLookRequest& request,
                                                         std::optional<OwnProducers> whose, Offset begin,
                                                         SteadyTime deadline) {
  TransactionScan scan(std::move(whose), begin);
  // The take-over has ended all of ours: the last marker stands at the end.
  const auto wants_more = [&] { return scan.position() < request.target_end || scan.is_open(); };
  LH_CO_TRY_VOID(co_await read_target(target, request, scan, wants_more, deadline));
  if (scan.is_open()) {
    co_return fail(protocol::kafka_error(protocol::KafkaErrc::concurrent_transactions),
                   "{}: a transaction is still open", request.target);
  }
  co_return scan.aborted();
}

bool was_aborted(const Anchor& anchor, const std::vector<AbortedTransaction>& aborted) {
  return std::ranges::any_of(aborted, [&](const AbortedTransaction& one) {
    return one.producer_id == anchor.producer.id && one.first_offset == anchor.target_base;
  });
}

bool has_runs(const std::vector<MapSegment>& map) {
  return !map.empty() && !map.front().runs.empty();
}

/// Reads the target from `begin` to the end, for our last batch there.
net::Async<LastOwnBatch> search(client::Cluster& target, const TailLookRequest& request, Offset begin,
                                SteadyTime deadline) {
  LH_CO_TRY(auto aborted, co_await find_aborted(target, request, std::nullopt, begin, deadline));
  LastOwnBatch own(request.ours, request.map, begin, std::move(aborted));
  const auto wants_more = [&] { return own.position() < request.target_end; };
  LH_CO_TRY_VOID(co_await read_target(target, request, own, wants_more, deadline));
  co_return own;
}

net::Async<TailLook> walk(client::Cluster& source, client::Cluster& target, const FlowOptions& options,
                          const TailLookRequest& request, TailMatch::Options walked, SteadyTime deadline) {
  walked.skip_corrupt = options.corrupt_batches == CorruptBatches::skip;
  TailMatch match(std::move(walked));
  while (match.wants_target() || match.wants_source()) {
    if (match.wants_target()) {
      const auto position = match.target_position();
      LH_CO_TRY(const auto fetched, co_await fetch_target(target, request, position, deadline));
      LH_CO_TRY_VOID(match.add_target(fetched.frame.part(fetched.data.records)));
      // Compaction may have left nothing between here and the end.
      if (match.target_position() == position && fetched.data.records.empty()) match.nothing_left_on_target();
      continue;
    }
    const auto position = match.source_position();
    LH_CO_TRY(const auto fetched,
              co_await fetch_partition(source, request.source, position, options.isolation, deadline));
    const auto set = fetched_set(fetched.data, fetched.frame, options.isolation);
    match.add_source(set);
    if (!match.wants_source() || match.reads_again() || match.source_position() != position) continue;
    if (set.last_stable_offset < request.source_end) {
      // A leader that does not know yet how far the log goes.
      if (source.io().time.now() >= deadline) co_return fail(net::NetErrc::timed_out, "{}", request.source);
      continue;
    }
    // A cleaner may have left nothing from here to the end of the log.
    match.nothing_left_on_source();
    if (!match.wants_source()) continue;
    auto look = stopped(request, "the target holds more records of ours than the source has");
    look.stop->source_offset = position;
    co_return look;
  }
  co_return TailLook{.progress = match.progress(),
                     .records = match.records(),
                     .runs = match.runs(),
                     .stop = match.stopped(),
                     .note = {}};
}

std::string again(const TailLookRequest& request, const Progress& from, std::string_view why) {
  return fmt::format(
      "the target does not hold what was acknowledged at offsets {}..{}: {}; it is replicated again, from "
      "source offset {}",
      from.target_offset, request.stored.target_offset.value() - 1, why, from.source_offset);
}

/// Whether the target holds no record at all, and the map says where it began. Then the partition begins
/// there; not under a producer that somebody else may still write with, who has another idea of its
/// sequences.
net::Async<bool> is_to_begin_again(client::Cluster& target, const TailLookRequest& request,
                                   SteadyTime deadline) {
  const bool is_whole = has_runs(request.map) && request.map.front().number == 0;
  if (!is_whole || request.keeps_producer) co_return false;
  if (request.target_start > request.map.front().runs.front().target) co_return false;
  LH_CO_TRY(const auto all, co_await search(target, request, request.target_start, deadline));
  co_return !all.last() && !all.saw_others();
}

TailLook from_the_beginning(const TailLookRequest& request, std::string_view why) {
  const auto& first = request.map.front().runs.front();
  TailLook look;
  look.progress.source_offset = first.source;
  look.progress.target_offset = std::min(first.target, request.target_end);
  look.note = again(request, look.progress, why);
  return look;
}

/// The target has lost the end of what was acknowledged, or aborted it.
net::Async<TailLook> find_anchor_again(client::Cluster& source, client::Cluster& target,
                                       const FlowOptions& options, const TailLookRequest& request,
                                       std::string_view why, SteadyTime deadline) {
  const auto end = request.stored.target_offset;
  const auto first = has_runs(request.map) ? request.map.front().runs.front().target : request.target_end;
  LH_CO_TRY(const auto own,
            co_await search(target, request, std::max(first, request.target_start), deadline));
  const auto& last = own.last();
  if (!last && !own.saw_others()) {
    LH_CO_TRY(const bool again, co_await is_to_begin_again(target, request, deadline));
    if (again) co_return from_the_beginning(request, why);
  }
  const auto from = last ? source_of(last->base, request.map) : std::nullopt;
  const bool is_known = from && !(request.keeps_producer && last->producer.id != request.stored.producer.id);
  if (!is_known) {
    co_return stopped(
        request,
        fmt::format("the target does not hold what was acknowledged at target offset {}: {}, and {}",
                    end.value() - 1, why,
                    last ? fmt::format("what it holds of ours up to target offset {} is unknown here",
                                       (last->base + last->records).value() - 1)
                         : "holds nothing of ours that could be continued"));
  }
  LH_CO_TRY(auto aborted, co_await find_aborted(target, request, std::nullopt, last->base, deadline));
  TailMatch::Options walked{.stored = request.stored,
                            .ours = request.ours,
                            .begin = last->base,
                            .end = request.target_end,
                            .cleaned = request.compacted,
                            .source_start = request.source_start,
                            .source_cleaned = request.compacted || request.source_start > *from,
                            .aborted = std::move(aborted),
                            .limits = request.limits};
  walked.stored.source_offset = *from;
  walked.stored.source_leader_epoch = LeaderEpoch();
  walked.stored.target_offset = last->base;
  walked.stored.anchor.reset();
  walked.stored.producer = last->producer;
  std::erase_if(walked.ours.stored, [&](const ProducerState& one) {
    return one.id == last->producer.id && one.epoch == last->producer.epoch;
  });
  walked.ours.stored.push_back(last->producer);
  LH_CO_TRY(auto look, co_await walk(source, target, options, request, std::move(walked), deadline));
  if (!look.stop) {
    look.note = again(request, look.progress, why);
  }
  co_return look;
}

}  // namespace

net::Async<TailLook> look_at_tail(client::Cluster& source, client::Cluster& target,
                                  const FlowOptions& options, TailLookRequest request, SteadyTime deadline) {
  const auto& stored = request.stored;
  const auto behind = stored.target_offset == Offset() ? Offset(0) : stored.target_offset;
  bool cleaned = request.compacted;
  if (stored.anchor) {
    request.ours.stored.push_back(
        {.id = stored.anchor->producer.id,
         .epoch = stored.anchor->producer.epoch,
         .next_sequence = advance_sequence(stored.anchor->producer.next_sequence, stored.anchor->records)});
  }
  if (stored.anchor && stored.anchor->target_base >= request.target_start) {
    LH_CO_TRY(const auto state, co_await look_at_anchor(target, request, deadline));
    const bool lost = state == AnchorState::different || (state == AnchorState::absent && !request.compacted);
    if (lost) co_return co_await find_anchor_again(source, target, options, request, kLost, deadline);
  } else if (behind > request.target_end) {
    co_return co_await find_anchor_again(source, target, options, request, kLost, deadline);
  }
  const auto checked = stored.anchor ? std::min(behind, stored.anchor->target_base) : behind;
  std::vector<AbortedTransaction> aborted;
  if (request.transactional) {
    const auto begin = std::max(checked, request.target_start);
    LH_CO_TRY(aborted, co_await find_aborted(target, request, request.ours, begin, deadline));
  }
  if (stored.anchor && was_aborted(*stored.anchor, aborted)) {
    co_return co_await find_anchor_again(source, target, options, request, kAborted, deadline);
  }
  if (request.target_start > behind) {
    // Retention or DeleteRecords; sequences still tell how much was there, where something of ours is left.
    cleaned = true;
  }
  TailMatch::Options walked{
      .stored = stored,
      .ours = request.ours,
      .begin = std::max(behind, request.target_start),
      .end = request.target_end,
      .cleaned = cleaned,
      .source_start = request.source_start,
      .source_cleaned = request.compacted || request.source_start > stored.source_offset,
      .aborted = std::move(aborted),
      .limits = request.limits};
  LH_CO_TRY(auto look, co_await walk(source, target, options, request, std::move(walked), deadline));
  const bool unknown = request.target_start > behind && look.records == 0 && !request.drained && !look.stop;
  if (unknown) {
    // Whatever it was, the target does not hold it any more: to write it again repeats nothing that is there.
    look.note =
        fmt::format("the target's log starts at {}; what may have been appended from {} on was deleted",
                    request.target_start, behind);
  }
  co_return look;
}

}  // namespace longhaul::replicator
