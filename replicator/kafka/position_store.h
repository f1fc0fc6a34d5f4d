#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/flow_shard.h"
#include "replicator/kafka/internal_topics.h"
#include "replicator/kafka/owners.h"
#include "replicator/kafka/takeover.h"
#include "replicator/stored_position.h"
#include "replicator/stored_segments.h"

namespace longhaul::replicator {

/// The stored positions of one flow: reads both topics at start, then writes them (docs/decisions/040). Our
/// record of a partition is acknowledged before MM2's is written. What belongs to a partition is written
/// under the producer that guards it, so that a predecessor cannot overwrite it later. Lives on the control
/// core.
class PositionStore {
 public:
  PositionStore(client::Cluster& target, const FlowOptions& options, Owners& owners);

  /// Creates the topics where they are missing and reads them. To be called once, before anything else.
  [[nodiscard]] net::Async<void> open(SteadyTime deadline);

  /// Which clusters the positions are of; to be set before `write`.
  void set_clusters(std::string source_id, std::string target_id);

  /// As it was read or written last.
  [[nodiscard]] std::optional<StoredPosition> position(const TopicPartition& source) const;
  /// The offset in MM2's record: the last one replicated; nullopt for none.
  [[nodiscard]] std::optional<std::int64_t> mm2_offset(const TopicPartition& source) const;
  /// Whose batch it was read from; none for one that this process has written.
  [[nodiscard]] ProducerId mm2_writer(const TopicPartition& source) const;
  /// The stored segment `number` of a partition's map; nullopt when it is not there.
  [[nodiscard]] std::optional<MapSegment> segment(const TopicPartition& source, const TopicId& topic_id,
                                                  std::int64_t number) const;

  /// The time of day on the target.
  [[nodiscard]] std::int64_t target_ms() const { return clock_.wall_ms(); }
  [[nodiscard]] bool is_internal(const std::string& topic) const { return topics_.contains(topic); }
  /// Partitions of internal topics that hold what is stored about a source partition.
  [[nodiscard]] std::set<TopicPartition> partitions_of(const TopicPartition& source) const;
  /// Reads such a partition on until the marker of `producer` and takes in what stands in front of it: what a
  /// predecessor wrote before it was fenced. Returns where the marker is; errors as CompactedTopic's.
  [[nodiscard]] net::Async<Offset> read_to_marker(TopicPartition partition, ProducerEpoch producer,
                                                  SteadyTime deadline);
  /// Who wrote the newest record of a source partition that is not ours any more, reading on to the topic's
  /// end; empty when it does not say.
  [[nodiscard]] net::Async<std::string> writer_of(TopicPartition source, SteadyTime deadline);

  /// Writes what the reports say as part of the transaction that is open for `producer`. It counts when that
  /// is committed: `take_committed`.
  [[nodiscard]] net::Async<void> write_in_transaction(const std::vector<PartitionReport>& reports,
                                                      std::shared_ptr<SharedProducer> producer,
                                                      SteadyTime deadline);
  void take_committed(const std::vector<PartitionReport>& reports);

  /// What could not be stored, by source partition, and why. Nothing is lost: it can be written again.
  using Failures = std::map<TopicPartition, Error>;
  /// Stores what the reports say. Fails as a whole only when it is aborted. One call at a time.
  [[nodiscard]] net::Async<Failures> write(const std::vector<PartitionReport>& reports, SteadyTime deadline);

 private:
  /// What is written under one producer.
  struct Writer {
    Writer(client::Cluster& target, const TargetClock& clock, std::shared_ptr<SharedProducer> shared)
        : topics(target, clock, std::move(shared)) {}
    InternalTopicWriter topics;
    /// Written to MM2's topics, or about to be, and not known to have arrived.
    std::map<TopicPartition, std::int64_t> mm2_unfinished;
  };
  struct Job {
    Writer* writer = nullptr;
    std::vector<const PartitionReport*> reports;
    Result<void> outcome;
  };
  [[nodiscard]] Writer& writer_under(std::shared_ptr<SharedProducer> shared);
  void add_state(InternalTopicWriter::Writes& writes, const PartitionReport& report,
                 const StoredPosition& stored) const;
  void add_mm2(InternalTopicWriter::Writes& writes, const TopicPartition& source, std::int64_t offset) const;
  void take_segments(const PartitionReport& report);
  void take_segment(const StateKey& key, std::optional<std::string> value);
  /// Stored segments that say nothing any more: below both log starts, or of a former topic of that name.
  [[nodiscard]] std::vector<std::pair<TopicId, std::int64_t>> expired_segments(
      const PartitionReport& report) const;
  [[nodiscard]] StoredPosition to_store(const PartitionReport& report) const;
  [[nodiscard]] net::Async<void> run_job(Job& job, SteadyTime deadline);
  [[nodiscard]] net::Async<void> write_job(Job& job, SteadyTime deadline);
  [[nodiscard]] net::Async<void> finish_mm2(Writer& writer, SteadyTime deadline);
  [[nodiscard]] Result<void> take_state(CompactedChanges changes);
  void take_mm2(const std::string& topic, CompactedChanges changes);

  client::Cluster& target_;
  const FlowOptions& options_;
  Owners& owners_;
  TargetClock clock_;
  std::string source_cluster_id_;
  std::string target_cluster_id_;
  /// Topics of MM2's records and their partitions; the connector's own topic, where there is one, beside the
  /// worker's.
  std::map<std::string, std::int32_t> offsets_topics_;
  std::int32_t state_partitions_ = 0;
  std::map<std::string, std::unique_ptr<CompactedTopic>> topics_;
  /// Segments of the offset map, by source partition and source topic id.
  std::map<std::pair<TopicPartition, TopicId>, StoredSegments> segments_;
  std::map<TopicPartition, StoredPosition> positions_;
  /// By topic; where both have a record the connector's own counts.
  struct Mm2Offset {
    std::int64_t offset = 0;
    ProducerId writer;
  };
  [[nodiscard]] const Mm2Offset* find_mm2(const TopicPartition& source) const;
  std::map<std::string, std::map<TopicPartition, Mm2Offset>> mm2_offsets_;
  std::map<SharedProducer*, std::unique_ptr<Writer>> writers_;
};

/// What a take-over needs to wait for its markers in the topics of the store.
[[nodiscard]] AwaitInternal markers_in(PositionStore& store);

/// Fingerprint of what decides which records a flow forwards.
[[nodiscard]] std::string selection_fingerprint(const FlowOptions& options);

}  // namespace longhaul::replicator
