#include "replicator/resume.h"

#include <utility>

namespace longhaul::replicator {
namespace {

/// Ids are compared only where both sides have one: clusters before Kafka 2.8 have no topic ids.
bool differ(const TopicId& stored, const TopicId& found) {
  return !stored.is_zero() && !found.is_zero() && stored != found;
}

ResumeDecision stop(StopReason reason, Offset offset, std::string detail) {
  return {.kind = ResumeDecision::Kind::stop, .stop = Stop{reason, offset, std::move(detail)}};
}

/// The partition begins at `offset` under a fresh producer.
ResumeDecision begin(Offset offset, const ResumeFacts& facts, std::string note) {
  ResumeDecision decision{.note = std::move(note)};
  decision.progress.source_offset = offset;
  // What the target holds so far is not ours to look at.
  decision.progress.target_offset = facts.target_end;
  decision.progress.producer = facts.fresh_producer;
  return decision;
}

ResumeDecision begin_by_reset(const ResumeFacts& facts, std::string note) {
  switch (facts.reset) {
    case OffsetReset::earliest:
      return begin(facts.source_start, facts, std::move(note));
    case OffsetReset::latest:
      return begin(facts.source_end, facts, std::move(note));
    case OffsetReset::none:
      break;
  }
  return stop(StopReason::source_offset_out_of_range, facts.source_start,
              "there is no stored position and auto.offset.reset is none");
}

/// Why the stored record is not about these topics; empty when it is.
std::string other_identity(const StoredPosition& stored, const ResumeFacts& facts) {
  if (stored.target_cluster_id != facts.target_cluster_id) {
    return fmt::format("the stored position is of target cluster {}, this is {}", stored.target_cluster_id,
                       facts.target_cluster_id);
  }
  if (stored.target_topic != facts.target_topic || differ(stored.target_topic_id, facts.target_topic_id)) {
    return fmt::format("the target topic was created anew (id {}, the stored position is of {})",
                       facts.target_topic_id.to_string(), stored.target_topic_id.to_string());
  }
  if (differ(stored.source_topic_id, facts.source_topic_id)) {
    return fmt::format("the source topic was created anew (id {}, the stored position is of {})",
                       facts.source_topic_id.to_string(), stored.source_topic_id.to_string());
  }
  return {};
}

/// MM2's record holds neither what stood there before our last write nor what we wrote.
bool was_moved(const StoredPosition& stored, std::optional<std::int64_t> mm2_offset,
               const ResumeFacts& facts) {
  return !facts.mm2_is_ours && mm2_offset != stored.mm2_before && mm2_offset != stored.mm2_after;
}

bool other_selection(const StoredPosition& stored, const ResumeFacts& facts) {
  return stored.selection != facts.selection && !stored.drained;
}

/// Whether to go on under the stored producer.
bool keeps_producer(const StoredPosition& stored, const ResumeFacts& facts) {
  const auto& last = stored.progress.producer;
  const auto& fresh = facts.fresh_producer;
  if (last.id == ProducerId() || fresh.id == ProducerId()) return false;
  // Behind a position of transactions nothing was written outside of them.
  if (stored.transactional) return false;
  if (!facts.guard) return true;
  // A marker of another producer id, because the transactional id expired or its epochs were used up, holds
  // nobody back. One that has drained writes no more by itself.
  return !stored.drained && (last.id != facts.guard->id || last.epoch >= facts.guard->epoch);
}

ResumeDecision continue_stored(const StoredPosition& stored, const ResumeFacts& facts) {
  ResumeDecision decision{.progress = stored.progress, .continues = true};
  if (stored.selection != facts.selection) {
    decision.note =
        fmt::format("records are selected by '{}', formerly by '{}'", facts.selection, stored.selection);
  }
  decision.keeps_producer = keeps_producer(stored, facts);
  const bool at_least_once = facts.fresh_producer.id == ProducerId();
  if (!at_least_once && stored.progress.producer.id != ProducerId()) {
    decision.kind = ResumeDecision::Kind::look_at_tail;
    return decision;
  }
  decision.progress.producer = facts.fresh_producer;
  return within_source(std::move(decision), facts);
}

}  // namespace

ResumeDecision within_source(ResumeDecision decision, const ResumeFacts& facts) {
  const auto offset = decision.progress.source_offset;
  if (offset > facts.source_end) {
    return stop(StopReason::source_offset_out_of_range, offset,
                fmt::format("the source ends at {}: it was truncated behind the position", facts.source_end));
  }
  if (offset >= facts.source_start) return decision;
  decision.lost = facts.source_start - offset;
  if (facts.reset == OffsetReset::none) {
    return stop(StopReason::source_offset_out_of_range, offset,
                fmt::format("the source starts at {} and auto.offset.reset is none", facts.source_start));
  }
  decision.note =
      fmt::format("source offsets {}..{} ({}) were deleted before they were replicated: they are lost",
                  offset, facts.source_start.value() - 1, decision.lost);
  decision.progress.source_offset = facts.source_start;
  decision.progress.source_leader_epoch = LeaderEpoch();
  return decision;
}

std::optional<Stop> why_not_take_over(const std::optional<StoredPosition>& stored,
                                      std::optional<std::int64_t> mm2_offset, const ResumeFacts& facts) {
  if (!stored) return std::nullopt;
  const auto offset = stored->progress.source_offset;
  if (stored->source_cluster_id != facts.source_cluster_id) {
    return Stop{StopReason::state_mismatch, offset,
                fmt::format("the stored position is of source cluster {}, this is {}",
                            stored->source_cluster_id, facts.source_cluster_id)};
  }
  const bool continues = !was_moved(*stored, mm2_offset, facts) && other_identity(*stored, facts).empty();
  if (!continues || !other_selection(*stored, facts)) return std::nullopt;
  return Stop{
      StopReason::state_mismatch, offset,
      fmt::format("the last run ended without draining under '{}', this one selects by '{}': run once "
                  "with the former settings",
                  stored->selection, facts.selection)};
}

ResumeDecision decide_resume(const std::optional<StoredPosition>& stored,
                             std::optional<std::int64_t> mm2_offset, const ResumeFacts& facts) {
  if (auto why = why_not_take_over(stored, mm2_offset, facts)) {
    return {.kind = ResumeDecision::Kind::stop, .stop = std::move(why)};
  }
  const bool moved = !stored || was_moved(*stored, mm2_offset, facts);
  if (moved && mm2_offset && *mm2_offset >= 0) {
    auto note = stored
                    ? fmt::format("the position was moved to source offset {} from outside", *mm2_offset + 1)
                    : fmt::format("taking over from MirrorMaker 2 at source offset {}", *mm2_offset + 1);
    return within_source(begin(Offset(*mm2_offset + 1), facts, std::move(note)), facts);
  }
  if (!stored) return begin_by_reset(facts, {});
  if (moved) return begin_by_reset(facts, "the position was reset from outside");
  if (auto other = other_identity(*stored, facts); !other.empty()) {
    return begin(facts.source_start, facts, other + "; replicating it from its start");
  }
  return continue_stored(*stored, facts);
}

}  // namespace longhaul::replicator
