#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "replicator/offset_map.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::replicator {

/// The stored record of one source partition, as it stands in `mm2-longhaul.<source>.internal`.
/// The format is fixed by docs/decisions/040-state-on-the-target.md; `kStateVersion` is its version.
struct StoredPosition {
  std::string source_cluster_id;
  TopicId source_topic_id;
  std::string target_cluster_id;
  std::string target_topic;
  TopicId target_topic_id;
  /// Offsets, leader epoch, anchor, and the producer that writes now.
  Progress progress;
  /// Every producer used since `progress.target_offset`, the one that writes now last. Sequence: of its next
  /// record.
  std::vector<ProducerState> producers;
  /// Fingerprint of what decides which records are forwarded: isolation, filters, skips.
  std::string selection;
  /// The offset in MM2's own record before this one was written and after it; nullopt for none.
  std::optional<std::int64_t> mm2_before;
  std::optional<std::int64_t> mm2_after;
  /// Highest segment of the offset map; -1 for none.
  std::int64_t map_segment = -1;
  /// True when nothing was under way when this was written: the target holds nothing of ours behind it.
  bool drained = false;
  /// True when everything of ours behind it is in transactions that store a position too.
  bool transactional = false;
  /// Which process wrote this, for people: host and process id. May be empty.
  std::string writer;
  std::int64_t written_ms = 0;
};

/// Records of version 2 are of partitions that are written in transactions; all others are of version 1.
inline constexpr int kStateVersion = 2;

/// What a record of the state topic is about.
struct StateKey {
  enum class Kind { position, map_segment };
  Kind kind = Kind::position;
  TopicPartition source;
  /// Only for map segments: the source topic's id and the number of the segment.
  std::string topic_id;
  std::int64_t segment = 0;
};

[[nodiscard]] std::string position_key(std::string_view source_alias, const TopicPartition& source);
[[nodiscard]] std::string position_value(const StoredPosition& position);
[[nodiscard]] std::string segment_key(std::string_view source_alias, const TopicPartition& source,
                                      const TopicId& topic_id, std::int64_t segment);
[[nodiscard]] std::string segment_value(const MapSegment& segment);

/// The key of a record, or nullopt for a record of another source alias or of a kind this version does not
/// know.
[[nodiscard]] Result<std::optional<StateKey>> parse_state_key(std::string_view source_alias,
                                                              std::string_view key);
/// Errors: not JSON, a missing field, a version above `kStateVersion`.
[[nodiscard]] Result<StoredPosition> parse_position(std::string_view value);
[[nodiscard]] Result<MapSegment> parse_segment(std::int64_t number, std::string_view value);

/// MM2's own record of a source partition (KIP-382, Connect's offset topic), byte for byte. `connector` is
/// the name of the source connector, by default `MirrorSourceConnector`. The value holds the last replicated
/// source offset.
[[nodiscard]] std::string mm2_offset_key(std::string_view connector, std::string_view source_alias,
                                         const TopicPartition& source);
[[nodiscard]] std::string mm2_offset_value(std::int64_t last_offset);
/// The partition an MM2 key is about; nullopt for other connectors, other sources and for what is no such
/// key.
[[nodiscard]] std::optional<TopicPartition> parse_mm2_offset_key(std::string_view connector,
                                                                 std::string_view source_alias,
                                                                 std::string_view key);
[[nodiscard]] std::optional<std::int64_t> parse_mm2_offset_value(std::string_view value);

/// Partition that Kafka's default partitioner gives a key: murmur2, as MM2's own producer chooses it.
[[nodiscard]] PartitionIndex partition_for_key(ConstBytes key, std::int32_t partitions);

}  // namespace longhaul::replicator
