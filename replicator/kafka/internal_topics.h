#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/admin_requests.h"
#include "client/cluster.h"
#include "protocol/messages/fetch.h"
#include "replicator/compacted_reader.h"
#include "replicator/fence.h"
#include "replicator/kafka/async_lock.h"
#include "replicator/kafka/target_clock.h"

namespace longhaul::replicator {

/// A record of an internal topic: text key, text value or a tombstone.
struct TextRecord {
  std::string key;
  std::optional<std::string> value;
};

struct InternalTopicOptions {
  std::string name;
  std::int32_t partitions = 1;
  std::int16_t replication_factor = -1;
  std::vector<std::pair<std::string, std::string>> configs;
};

/// Creates the topic, compacted, where it is missing, and returns its number of partitions. Errors: it cannot
/// be created, or an existing one is not compacted, which would lose positions.
[[nodiscard]] net::Async<std::int32_t> ensure_compacted_topic(client::Cluster& cluster,
                                                              InternalTopicOptions options,
                                                              SteadyTime deadline);

/// A compacted topic that is read from its start and then read on. Aborted transactions are left out. The
/// topic exists: a broker that does not know it has not heard of it yet and is asked again until the
/// deadline, because to take it for empty would mean to begin anew. Lives on one core.
class CompactedTopic {
 public:
  CompactedTopic(client::Cluster& cluster, std::string name) : cluster_(cluster), name_(std::move(name)) {}

  /// Reads every partition to the end it has at the call.
  [[nodiscard]] net::Async<CompactedChanges> read_all(SteadyTime deadline);

  struct UpToMarker {
    Offset marker;
    /// When it was written, by the broker's clock.
    std::int64_t marker_ms = 0;
    /// What stands in front of the marker and was not returned before.
    CompactedChanges changes;
  };
  /// Reads a partition on until the marker of `producer` was read. Fails with PRODUCER_FENCED where a marker
  /// of a later epoch comes first; nothing that was read is lost when it fails. To be called after read_all.
  [[nodiscard]] net::Async<UpToMarker> read_to_marker(PartitionIndex partition, ProducerEpoch producer,
                                                      SteadyTime deadline);
  /// Reads a partition on to the end it has at the call.
  [[nodiscard]] net::Async<CompactedChanges> read_on(PartitionIndex partition, SteadyTime deadline);

 private:
  struct Partition {
    explicit Partition(net::TimeSource& time) : turn(time) {}
    Offset position;
    /// Holds what was read and not returned yet.
    CompactedReader reader;
    /// The newest marker of each producer id that was read.
    struct Marker {
      std::int16_t epoch = -1;
      Offset offset;
      std::int64_t written_ms = 0;
    };
    std::map<ProducerId, Marker> markers;
    AsyncLock turn;
  };
  [[nodiscard]] net::Async<CompactedChanges> read_up_to(PartitionIndex index, Partition& partition,
                                                        Offset end, SteadyTime deadline);
  /// Returns how far the leader knows the log to go.
  [[nodiscard]] net::Async<Offset> read_piece(PartitionIndex index, Partition& partition,
                                              SteadyTime deadline);
  [[nodiscard]] Result<void> take(Partition& partition, const protocol::PartitionData& data);

  client::Cluster& cluster_;
  std::string name_;
  std::map<PartitionIndex, std::unique_ptr<Partition>> partitions_;
};

/// A producer whose identity several writers and their owner share: the owner of a transactional id changes
/// it.
struct SharedProducer {
  /// Empty for a producer without one.
  std::string transactional_id;
  std::optional<ProducerEpoch> producer;
  /// What is written under it belongs to transactions, which others begin and end.
  bool transactional = false;
  /// Another process has taken it over.
  bool lost = false;
};

/// Writes records to internal topics of one cluster. Idempotent: a batch whose fate is unknown is sent again,
/// with the same sequence, before anything else is written to its partition, so a write that was repeated
/// after a lost answer is in the topic once, and never behind a later one. Writes under the producer it
/// shares with its owner; a partition begins at sequence 0 whenever that has another epoch. Lives on one
/// core.
class InternalTopicWriter {
 public:
  /// `clock`: by which records get their timestamps.
  InternalTopicWriter(client::Cluster& cluster, const TargetClock& clock,
                      std::shared_ptr<SharedProducer> producer)
      : cluster_(cluster), clock_(clock), producer_(std::move(producer)) {}

  /// Records that are in the topic together or not at all: a batch never ends inside a group.
  using Group = std::vector<TextRecord>;
  using Writes = std::map<TopicPartition, std::vector<Group>>;
  /// Appends the groups to their partitions, in order in each, in as few batches as fit. Returns when they
  /// are acknowledged by all in-sync replicas; repeats until `deadline`. One call at a time.
  [[nodiscard]] net::Async<void> write(Writes writes, SteadyTime deadline);

 private:
  struct Lane {
    std::int32_t next_sequence = 0;
    /// Not acknowledged yet; the first may be stored already.
    std::deque<Slice> unsent;
  };
  [[nodiscard]] net::Async<void> write_once(const Writes& writes, SteadyTime deadline);
  [[nodiscard]] net::Async<void> prepare(SteadyTime deadline);
  [[nodiscard]] Result<void> encode(const TopicPartition& partition, const std::vector<Group>& groups);
  [[nodiscard]] net::Async<void> send_all(SteadyTime deadline);
  /// One attempt at the first batch of every partition; the first error among them.
  [[nodiscard]] net::Async<void> send_round();
  void forget();

  client::Cluster& cluster_;
  const TargetClock& clock_;
  std::shared_ptr<SharedProducer> producer_;
  /// Under which the lanes count.
  std::optional<ProducerEpoch> used_;
  std::map<TopicPartition, Lane> lanes_;
  /// Records get no timestamp: the target has refused that of this host, and no marker of ours tells its
  /// time.
  bool untimed_ = false;
};

}  // namespace longhaul::replicator
