#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/admin_requests.h"
#include "client/cluster.h"

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

/// Last record of each key of a compacted topic, read to the end it has at the call; keys whose last record
/// is a tombstone are absent. Aborted transactions are left out. The topic exists: a broker that does not
/// know it has not heard of it yet and is asked again until `deadline`, because to take it for empty would
/// mean to begin anew.
[[nodiscard]] net::Async<std::map<std::string, std::string>> read_compacted_topic(client::Cluster& cluster,
                                                                                  std::string topic,
                                                                                  SteadyTime deadline);

/// Writes records to internal topics of one cluster, one write after the other. Idempotent: a write that was
/// repeated after a lost answer is in the topic once, and never behind a later one. Lives on one core.
class InternalTopicWriter {
 public:
  explicit InternalTopicWriter(client::Cluster& cluster) : cluster_(cluster) {}

  /// Records that are in the topic together or not at all: a batch never ends inside a group.
  using Group = std::vector<TextRecord>;
  /// Appends the groups to one partition in order, in as few batches as fit. Returns when they are
  /// acknowledged by all in-sync replicas; repeats until `deadline`.
  [[nodiscard]] net::Async<void> write(TopicPartition partition, std::vector<Group> groups,
                                       SteadyTime deadline);

 private:
  [[nodiscard]] net::Async<void> write_batch(TopicPartition partition, Slice batch, SteadyTime deadline);

  [[nodiscard]] net::Async<void> attempt_write(const TopicPartition& partition, const Slice& batch,
                                               SteadyTime deadline);

  client::Cluster& cluster_;
  std::optional<client::ProducerIdentity> producer_;
  std::map<TopicPartition, std::int32_t> sequences_;
};

}  // namespace longhaul::replicator
