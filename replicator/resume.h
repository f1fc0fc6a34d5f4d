#pragma once

#include <optional>
#include <string>

#include "replicator/fence.h"
#include "replicator/partition_pipeline.h"
#include "replicator/stored_position.h"

namespace longhaul::replicator {

/// Where a partition without a usable position begins (`auto.offset.reset`).
enum class OffsetReset { earliest, latest, none };

/// What is so on both sides at the moment a partition is taken up.
struct ResumeFacts {
  std::string source_cluster_id;
  std::string target_cluster_id;
  TopicId source_topic_id;
  TopicId target_topic_id;
  std::string target_topic;
  std::string selection;
  /// Log start and end (high watermark or last stable offset) of the source partition.
  Offset source_start;
  Offset source_end;
  /// End of the target partition: our own marker where there is one, otherwise the high watermark.
  Offset target_end;
  OffsetReset reset = OffsetReset::earliest;
  /// MM2's record was written in a transaction of ours, so nobody has moved the position: the marker of our
  /// own record was lost.
  bool mm2_is_ours = false;
  /// The producer of the next epoch, or of none before it; none at all where batches carry no producer.
  ProducerState fresh_producer;
  /// Whose marker stands at or in front of `target_end`: earlier epochs of that producer write no more there.
  /// None where nobody could be fenced. In transactions `fresh_producer` is another one.
  std::optional<ProducerEpoch> guard;
};

struct ResumeDecision {
  enum class Kind {
    /// Replicate from `progress`.
    go,
    /// Whether the target still is as `progress` says, and what a predecessor appended behind it, must be
    /// found out first.
    look_at_tail,
    /// Do not replicate; `stop` says why.
    stop,
  };
  Kind kind = Kind::go;
  Progress progress;
  /// True when `progress` continues the stored record, false when the partition begins anew.
  bool continues = false;
  /// After the look: go on under the producer that wrote last instead of the fresh one. The predecessor was
  /// not fenced, and under the same producer the target itself keeps the two apart.
  bool keeps_producer = false;
  std::optional<Stop> stop;
  /// Source offsets that were deleted before they were replicated.
  std::int64_t lost = 0;
  /// What a person should know about the choice; empty when there is nothing unusual.
  std::string note;
};

/// Why a partition must not even be taken from whoever has it: the record is of another source cluster, or of
/// another selection that ended without draining. Looks at ids and selection only.
[[nodiscard]] std::optional<Stop> why_not_take_over(const std::optional<StoredPosition>& stored,
                                                    std::optional<std::int64_t> mm2_offset,
                                                    const ResumeFacts& facts);

/// What the range of the source says about going on at `decision.progress`.
[[nodiscard]] ResumeDecision within_source(ResumeDecision decision, const ResumeFacts& facts);

/// Decides where a partition goes on, from our stored record, MM2's record (its offset, the last one
/// replicated) and the facts. A record is only trusted for the topics (by id) and clusters it was written
/// for. When MM2's record holds another offset than ours wrote, somebody moved the position on purpose, and
/// that wins.
[[nodiscard]] ResumeDecision decide_resume(const std::optional<StoredPosition>& stored,
                                           std::optional<std::int64_t> mm2_offset, const ResumeFacts& facts);

}  // namespace longhaul::replicator
