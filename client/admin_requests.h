#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "client/cluster.h"
#include "protocol/messages/common.h"
#include "protocol/messages/list_offsets.h"

/// Typed administration calls. All of them repeat retriable failures until `deadline`, return an error only
/// when the call as a whole failed, and give what belongs to one topic, partition, resource or group beside
/// its own result, in the order asked. `cluster` outlives the call.
namespace longhaul::client {

/// Outcome for one named thing: success, or the cluster's error with its message as `detail`.
struct NamedOutcome {
  std::string name;
  Result<void> outcome;
};

struct TopicListing {
  std::string name;
  TopicId id;
  bool is_internal = false;
  std::int32_t partitions_count = 0;
};

/// All topics that the caller may describe, by name.
[[nodiscard]] net::Async<std::vector<TopicListing>> list_topics(Cluster& cluster, SteadyTime deadline);

struct TopicDescription {
  std::string name;
  Result<TopicInfo>
      info;  ///< UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, ... where there is none
};
/// The named topics. They are followed by the cluster's metadata from then on.
[[nodiscard]] net::Async<std::vector<TopicDescription>> describe_topics(Cluster& cluster,
                                                                        std::vector<std::string> names,
                                                                        SteadyTime deadline);

struct NewTopic {
  std::string name;
  std::int32_t partitions_count = 1;
  std::int16_t replication_factor = -1;  ///< -1: the cluster's default (brokers from 2.4 on)
  std::map<std::string, std::string> configs;
};
enum class DryRun { no, yes };  ///< yes: the cluster validates and changes nothing
/// TOPIC_ALREADY_EXISTS may mean that an earlier attempt of this very call succeeded and its answer was lost.
[[nodiscard]] net::Async<std::vector<NamedOutcome>> create_topics(Cluster& cluster,
                                                                  std::vector<NewTopic> topics,
                                                                  DryRun dry_run, SteadyTime deadline);

struct PartitionGrowth {
  std::string topic;
  std::int32_t partitions_count = 0;  ///< the new total
};
[[nodiscard]] net::Async<std::vector<NamedOutcome>> create_partitions(Cluster& cluster,
                                                                      std::vector<PartitionGrowth> topics,
                                                                      DryRun dry_run, SteadyTime deadline);

[[nodiscard]] net::Async<std::vector<NamedOutcome>> delete_topics(Cluster& cluster,
                                                                  std::vector<std::string> names,
                                                                  SteadyTime deadline);

using protocol::ConfigOperation;
using protocol::ConfigResourceType;
using protocol::ConfigSource;
using protocol::IsolationLevel;

struct ConfigResource {
  ConfigResourceType type = ConfigResourceType::topic;
  std::string name;  ///< topic, broker id, or group
  auto operator<=>(const ConfigResource&) const = default;
};
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;  ///< null where it is sensitive
  ConfigSource source = ConfigSource::unknown;
  bool is_read_only = false;
  bool is_sensitive = false;
};
struct ResourceConfigs {
  ConfigResource resource;
  Result<std::vector<ConfigEntry>> entries;
};
/// All settings of each resource. Resources of type broker are asked at that broker.
[[nodiscard]] net::Async<std::vector<ResourceConfigs>> describe_configs(Cluster& cluster,
                                                                        std::vector<ConfigResource> resources,
                                                                        SteadyTime deadline);

struct ConfigChange {
  std::string name;
  ConfigOperation operation = ConfigOperation::set;
  std::optional<std::string> value;  ///< null with `remove`
};
struct ResourceChanges {
  ConfigResource resource;
  std::vector<ConfigChange> changes;
};
/// Kafka 2.3 and later (KIP-339); ClientErrc::unsupported_version before. `name` of an outcome is the
/// resource's.
[[nodiscard]] net::Async<std::vector<NamedOutcome>> incremental_alter_configs(
    Cluster& cluster, std::vector<ResourceChanges> resources, DryRun dry_run, SteadyTime deadline);

struct OffsetQuery {
  TopicPartition partition;
  /// Milliseconds, or protocol::kLatestTimestamp (the last stable offset under read_committed),
  /// kEarliestTimestamp.
  std::int64_t timestamp = protocol::kLatestTimestamp;
};
struct ListedOffset {
  Offset offset;  ///< none (-1) when no record is as late as the timestamp
  std::int64_t timestamp = -1;
  LeaderEpoch leader_epoch;
};
struct PartitionOffset {
  TopicPartition partition;
  Result<ListedOffset> listed;
};
/// Asks each partition's leader. The topics are followed from then on. Retriable errors of single partitions
/// are repeated until `deadline` and reported for the partition then.
[[nodiscard]] net::Async<std::vector<PartitionOffset>> list_offsets(Cluster& cluster,
                                                                    std::vector<OffsetQuery> queries,
                                                                    IsolationLevel isolation,
                                                                    SteadyTime deadline);
/// End of each partition: high watermark, or last stable offset under read_committed.
[[nodiscard]] net::Async<std::vector<PartitionOffset>> end_offsets(Cluster& cluster,
                                                                   std::vector<TopicPartition> partitions,
                                                                   IsolationLevel isolation,
                                                                   SteadyTime deadline);

struct RecordsToDelete {
  TopicPartition partition;
  Offset before;  ///< the new log start offset; none (-1): the high watermark
};
struct DeletedRecords {
  TopicPartition partition;
  Result<Offset> low_watermark;
};
[[nodiscard]] net::Async<std::vector<DeletedRecords>> delete_records(Cluster& cluster,
                                                                     std::vector<RecordsToDelete> partitions,
                                                                     SteadyTime deadline);

struct ProducerIdentity {
  ProducerId id;
  std::int16_t epoch = -1;
};
/// A fresh producer id without a transactional id: for idempotent producing.
[[nodiscard]] net::Async<ProducerIdentity> init_producer_id(Cluster& cluster, SteadyTime deadline);
/// The highest version of Produce in which a producer makes partitions part of its transaction by itself;
/// from the next one on brokers do it, and EndTxn has to raise the epoch (KIP-890).
inline constexpr std::int16_t kTransactionalProduceMax = 11;

/// The producer id of a transactional id, with the next epoch. Aborts what a former user of the id left open
/// and fences that user's transactional calls. With `current` (Kafka 2.5 and later) only whoever holds the id
/// gets the next epoch; others get PRODUCER_FENCED (KIP-360). An attempt whose answer was lost is repeated,
/// so the epoch may rise by more than one.
[[nodiscard]] net::Async<ProducerIdentity> init_transactional_id(Cluster& cluster,
                                                                 std::string transactional_id,
                                                                 milliseconds transaction_timeout,
                                                                 std::optional<ProducerIdentity> current,
                                                                 SteadyTime deadline);

struct AddedPartition {
  TopicPartition partition;
  Result<void> outcome;  ///< UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, OPERATION_NOT_ATTEMPTED
};
/// Makes the partitions part of the id's transaction, all or none: where one is refused, the others are not
/// attempted. Errors of the transaction as a whole (CONCURRENT_TRANSACTIONS after the deadline,
/// PRODUCER_FENCED, INVALID_PRODUCER_ID_MAPPING, ...) are the call's.
[[nodiscard]] net::Async<std::vector<AddedPartition>> add_partitions_to_txn(
    Cluster& cluster, std::string transactional_id, ProducerIdentity producer,
    std::vector<TopicPartition> partitions, SteadyTime deadline);

enum class TransactionEnd { abort, commit };
/// Ends the transaction. The decision is durable when this returns; the markers are written after that. Never
/// newer than version 4 of EndTxn: a marker carries the epoch of `producer`.
[[nodiscard]] net::Async<void> end_txn(Cluster& cluster, std::string transactional_id,
                                       ProducerIdentity producer, TransactionEnd end, SteadyTime deadline);

/// The producer that has a transaction of the id open; nullopt when none is: there never was one, or its end
/// is decided. Kafka 3.0 and later (KIP-664); ClientErrc::unsupported_version before.
[[nodiscard]] net::Async<std::optional<ProducerIdentity>> open_transaction(Cluster& cluster,
                                                                           std::string transactional_id,
                                                                           SteadyTime deadline);

struct PartitionTransaction {
  TopicPartition partition;
  Result<bool> is_open;
};
/// Whether `producer` has a transaction open in each partition, by what the leaders hold: also one that its
/// coordinator takes for ended. Kafka 2.8 and later (KIP-664); ClientErrc::unsupported_version before, as the
/// result of each partition.
[[nodiscard]] net::Async<std::vector<PartitionTransaction>> open_in_partitions(
    Cluster& cluster, ProducerId producer, std::vector<TopicPartition> partitions, SteadyTime deadline);

struct GroupListing {
  std::string group_id;
  std::string protocol_type;
  std::string state;  ///< empty where the broker is too old to say
};
/// Groups of all brokers. Brokers that could not be asked make the whole call fail: a partial list would
/// mislead.
[[nodiscard]] net::Async<std::vector<GroupListing>> list_groups(Cluster& cluster, SteadyTime deadline);

struct CommittedOffset {
  TopicPartition partition;
  Offset offset;  ///< none (-1) when nothing was committed
  LeaderEpoch leader_epoch;
  std::string metadata;
};
/// Everything that a group has committed, from its coordinator. Partitions that answer with an error make the
/// call fail.
[[nodiscard]] net::Async<std::vector<CommittedOffset>> committed_offsets(Cluster& cluster, std::string group,
                                                                         SteadyTime deadline);

}  // namespace longhaul::client
