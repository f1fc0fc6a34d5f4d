#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/flow_shard.h"
#include "replicator/kafka/internal_topics.h"
#include "replicator/stored_position.h"

namespace longhaul::replicator {

/// The stored positions of one flow: reads both topics at start, then writes them (docs/decisions/040). Our
/// record of a partition is acknowledged before MM2's is written. Lives on the control core.
class PositionStore {
 public:
  PositionStore(client::Cluster& target, const FlowOptions& options)
      : target_(target), options_(options), writer_(target) {}

  /// Creates the topics where they are missing and reads them. To be called once, before anything else.
  [[nodiscard]] net::Async<void> open(SteadyTime deadline);

  /// Which clusters the positions are of; to be set before `write`.
  void set_clusters(std::string source_id, std::string target_id);

  [[nodiscard]] std::optional<StoredPosition> position(const TopicPartition& source) const;
  /// The offset in MM2's record: the last one replicated; nullopt for none.
  [[nodiscard]] std::optional<std::int64_t> mm2_offset(const TopicPartition& source) const;
  /// The stored segment `number` of a partition's map; nullopt when it is not there.
  [[nodiscard]] std::optional<MapSegment> segment(const TopicPartition& source, const TopicId& topic_id,
                                                  std::int64_t number) const;

  /// Stores what the reports say. Fails without having lost anything: the same reports can be written again.
  /// One call at a time.
  [[nodiscard]] net::Async<void> write(const std::vector<PartitionReport>& reports, SteadyTime deadline);

 private:
  [[nodiscard]] StoredPosition to_store(const PartitionReport& report) const;
  [[nodiscard]] net::Async<void> write_mm2(const std::map<TopicPartition, std::int64_t>& offsets,
                                           SteadyTime deadline);
  [[nodiscard]] net::Async<void> finish_mm2(SteadyTime deadline);

  client::Cluster& target_;
  const FlowOptions& options_;
  InternalTopicWriter writer_;
  std::string source_cluster_id_;
  std::string target_cluster_id_;
  /// Topics of MM2's records and their partitions; the connector's own topic, where there is one, beside the
  /// worker's.
  std::map<std::string, std::int32_t> offsets_topics_;
  std::int32_t state_partitions_ = 0;
  std::map<std::string, std::string> state_;
  std::map<TopicPartition, StoredPosition> positions_;
  std::map<TopicPartition, std::int64_t> mm2_offsets_;
  /// Written to MM2's topics, or about to be, and not known to have arrived.
  std::map<TopicPartition, std::int64_t> mm2_unfinished_;
};

/// Fingerprint of what decides which records a flow forwards.
[[nodiscard]] std::string selection_fingerprint(const FlowOptions& options);

}  // namespace longhaul::replicator
