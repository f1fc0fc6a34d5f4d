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

/// Checks `decision`'s position against the range the source has.
ResumeDecision within_source(ResumeDecision decision, const ResumeFacts& facts) {
  const auto offset = decision.progress.source_offset;
  if (offset > facts.source_end) {
    return stop(StopReason::source_offset_out_of_range, offset,
                fmt::format("the source ends at {}: it was truncated behind the position", facts.source_end));
  }
  if (offset >= facts.source_start) return decision;
  const auto lost = facts.source_start - offset;
  if (facts.reset == OffsetReset::none) {
    return stop(StopReason::source_offset_out_of_range, offset,
                fmt::format("the source starts at {} and auto.offset.reset is none", facts.source_start));
  }
  decision.note =
      fmt::format("source offsets {}..{} ({}) were deleted before they were replicated: they are lost",
                  offset, facts.source_start.value() - 1, lost);
  decision.progress.source_offset = facts.source_start;
  decision.progress.source_leader_epoch = LeaderEpoch();
  return decision;
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

ResumeDecision continue_stored(const StoredPosition& stored, const ResumeFacts& facts) {
  ResumeDecision decision{.progress = stored.progress, .continues = true};
  if (decision.progress.producer.id == ProducerId()) decision.progress.producer = facts.fresh_producer;
  if (stored.selection != facts.selection) {
    if (!stored.drained) {
      return stop(
          StopReason::state_mismatch, stored.progress.source_offset,
          fmt::format(
              "the last run ended without draining under '{}', this one selects by '{}': run once with "
              "the former settings",
              stored.selection, facts.selection));
    }
    decision.note =
        fmt::format("records are selected by '{}', formerly by '{}'", facts.selection, stored.selection);
  }
  const auto target = stored.progress.target_offset;
  if (target != Offset() && facts.target_end < target) {
    return stop(StopReason::state_mismatch, stored.progress.source_offset,
                fmt::format("the target partition ends at {}, but {} was acknowledged: it lost its tail",
                            facts.target_end, target.value() - 1));
  }
  const auto known_end = target == Offset() ? Offset(0) : target;
  if (!stored.drained && facts.target_end > known_end) {
    decision.kind = ResumeDecision::Kind::look_at_tail;
    return decision;
  }
  return within_source(std::move(decision), facts);
}

}  // namespace

ResumeDecision decide_resume(const std::optional<StoredPosition>& stored,
                             std::optional<std::int64_t> mm2_offset, const ResumeFacts& facts) {
  if (stored && stored->source_cluster_id != facts.source_cluster_id) {
    return stop(StopReason::state_mismatch, stored->progress.source_offset,
                fmt::format("the stored position is of source cluster {}, this is {}",
                            stored->source_cluster_id, facts.source_cluster_id));
  }
  const bool moved = !stored || (mm2_offset != stored->mm2_before && mm2_offset != stored->mm2_after);
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
