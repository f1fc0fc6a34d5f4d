#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

/// End of the largest epoch that source and follower share; where a fetcher has to continue after a
/// truncation (KIP-595).
struct DivergingEpoch {
  std::int32_t epoch = -1;
  std::int64_t end_offset = -1;

  bool operator==(const DivergingEpoch&) const = default;
  static void describe(auto& m, auto&& field) {
    field("epoch", m.epoch);
    field("end_offset", m.end_offset);
  }
};

/// Of KRaft metadata logs only.
struct SnapshotId {
  std::int64_t end_offset = -1;
  std::int32_t epoch = -1;

  bool operator==(const SnapshotId&) const = default;
  static void describe(auto& m, auto&& field) {
    field("end_offset", m.end_offset);
    field("epoch", m.epoch);
  }
};

/// The producer's transactional records from `first_offset` up to its next abort marker were aborted.
struct AbortedTransaction {
  std::int64_t producer_id = 0;
  std::int64_t first_offset = 0;

  static void describe(auto& m, auto&& field) {
    field("producer_id", m.producer_id);
    field("first_offset", m.first_offset);
  }
};

/// What came of one partition. `records` may begin below the offset that was asked for, ends in the middle of
/// a batch where a limit cut it, and holds control batches at either isolation level.
struct PartitionData {
  std::int32_t partition_index = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int64_t high_watermark = 0;
  std::int64_t last_stable_offset = -1;
  std::int64_t log_start_offset = -1;
  DivergingEpoch diverging_epoch;
  LeaderIdAndEpoch current_leader;
  SnapshotId snapshot_id;
  std::optional<std::vector<AbortedTransaction>> aborted_transactions;  ///< Null under read_uncommitted.
  std::int32_t preferred_read_replica = -1;
  ConstBytes records;  ///< Points into the frame. Null and empty both mean none.

  static void describe(auto& m, auto&& field) {
    field("partition_index", m.partition_index);
    field("error_code", m.error_code);
    field("high_watermark", m.high_watermark);
    field("last_stable_offset", m.last_stable_offset, since(4));
    field("log_start_offset", m.log_start_offset, since(5));
    field("diverging_epoch", m.diverging_epoch, tagged(0, 12));
    field("current_leader", m.current_leader, tagged(1, 12));
    field("snapshot_id", m.snapshot_id, tagged(2, 12));
    field("aborted_transactions", m.aborted_transactions, since(4));
    field("preferred_read_replica", m.preferred_read_replica, since(11));
    field("records", m.records);
  }
};

struct FetchableTopicResponse {
  std::string topic;
  TopicId topic_id;
  std::vector<PartitionData> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic, until(12), ignorable);
    field("topic_id", m.topic_id, since(13), ignorable);
    field("partitions", m.partitions);
  }
};

struct FetchResponse {
  static constexpr ApiKey kApi = ApiKey::fetch;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::int32_t session_id = 0;
  std::vector<FetchableTopicResponse> responses;
  std::vector<NodeEndpoint> node_endpoints;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("error_code", m.error_code, since(7));
    field("session_id", m.session_id, since(7));
    field("responses", m.responses);
    field("node_endpoints", m.node_endpoints, tagged(0, 16));
  }
};

struct ReplicaState {
  std::int32_t replica_id = -1;
  std::int64_t replica_epoch = -1;

  bool operator==(const ReplicaState&) const = default;
  static void describe(auto& m, auto&& field) {
    field("replica_id", m.replica_id);
    field("replica_epoch", m.replica_epoch);
  }
};

struct FetchPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t fetch_offset = 0;
  std::int32_t last_fetched_epoch = -1;
  std::int64_t log_start_offset = -1;
  std::int32_t partition_max_bytes = 0;
  TopicId replica_directory_id;

  static void describe(auto& m, auto&& field) {
    field("partition", m.partition);
    field("current_leader_epoch", m.current_leader_epoch, since(9));
    field("fetch_offset", m.fetch_offset);
    field("last_fetched_epoch", m.last_fetched_epoch, since(12));
    field("log_start_offset", m.log_start_offset, since(5));
    field("partition_max_bytes", m.partition_max_bytes);
    field("replica_directory_id", m.replica_directory_id, tagged(0, 17), ignorable);
  }
};

/// By name until version 12, by id from 13 on (KIP-516).
struct FetchTopic {
  std::string topic;
  TopicId topic_id;
  std::vector<FetchPartition> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic, until(12), ignorable);
    field("topic_id", m.topic_id, since(13), ignorable);
    field("partitions", m.partitions);
  }
};

struct ForgottenTopic {
  std::string topic;
  TopicId topic_id;
  std::vector<std::int32_t> partitions;

  static void describe(auto& m, auto&& field) {
    field("topic", m.topic, until(12), ignorable);
    field("topic_id", m.topic_id, since(13), ignorable);
    field("partitions", m.partitions);
  }
};

struct FetchRequest {
  static constexpr ApiKey kApi = ApiKey::fetch;
  using Response = FetchResponse;

  std::optional<std::string> cluster_id;
  std::int32_t replica_id = -1;
  ReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  IsolationLevel isolation_level = IsolationLevel::read_uncommitted;
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;  ///< -1: no session; 0: a new one (KIP-227).
  std::vector<FetchTopic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;
  std::string rack_id;

  static void describe(auto& m, auto&& field) {
    field("cluster_id", m.cluster_id, tagged(0, 12), ignorable);
    field("replica_id", m.replica_id, until(14));
    field("replica_state", m.replica_state, tagged(1, 15));
    field("max_wait_ms", m.max_wait_ms);
    field("min_bytes", m.min_bytes);
    field("max_bytes", m.max_bytes, since(3));
    field("isolation_level", m.isolation_level, since(4));
    field("session_id", m.session_id, since(7));
    field("session_epoch", m.session_epoch, since(7));
    field("topics", m.topics);
    field("forgotten_topics_data", m.forgotten_topics_data, since(7));
    field("rack_id", m.rack_id, since(11), ignorable);
  }
};

}  // namespace longhaul::protocol
