#pragma once

#include <optional>
#include <string>

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
  /// End of the target partition (high watermark).
  Offset target_end;
  OffsetReset reset = OffsetReset::earliest;
  /// The producer that a partition without a stored one gets.
  ProducerState fresh_producer;
};

struct ResumeDecision {
  enum class Kind {
    /// Replicate from `progress`.
    go,
    /// A predecessor ended without draining: what it appended behind `progress.target_offset` must be found
    /// first.
    look_at_tail,
    /// Do not replicate; `stop` says why.
    stop,
  };
  Kind kind = Kind::go;
  Progress progress;
  /// True when `progress` continues the stored record, false when the partition begins anew.
  bool continues = false;
  std::optional<Stop> stop;
  /// What a person should know about the choice; empty when there is nothing unusual.
  std::string note;
};

/// Decides where a partition goes on, from our stored record, MM2's record (its offset, the last one
/// replicated) and the facts. A record is only trusted for the topics (by id) and clusters it was written
/// for. When MM2's record holds another offset than ours wrote, somebody moved the position on purpose, and
/// that wins.
[[nodiscard]] ResumeDecision decide_resume(const std::optional<StoredPosition>& stored,
                                           std::optional<std::int64_t> mm2_offset, const ResumeFacts& facts);

}  // namespace longhaul::replicator
