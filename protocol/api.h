#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace longhaul::protocol {

/// Kafka's number of each API that we speak.
// NOLINTNEXTLINE(performance-enum-size): 16 bits on the wire.
enum class ApiKey : std::int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_commit = 8,
  offset_fetch = 9,
  find_coordinator = 10,
  join_group = 11,
  heartbeat = 12,
  leave_group = 13,
  sync_group = 14,
  describe_groups = 15,
  list_groups = 16,
  sasl_handshake = 17,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
  delete_records = 21,
  init_producer_id = 22,
  offset_for_leader_epoch = 23,
  add_partitions_to_txn = 24,
  add_offsets_to_txn = 25,
  end_txn = 26,
  txn_offset_commit = 28,
  describe_configs = 32,
  sasl_authenticate = 36,
  create_partitions = 37,
  incremental_alter_configs = 44,
  describe_cluster = 60,
  describe_producers = 61,
  describe_transactions = 65,
};

/// First flexible version of an API that has none.
constexpr std::int16_t kNeverFlexible = std::numeric_limits<std::int16_t>::max();

struct ApiInfo {
  ApiKey key;
  std::string_view name;  ///< Kafka's spelling, without Request or Response.
  std::int16_t version_min;
  std::int16_t version_max;  ///< What a client offers when it negotiates.
  std::int16_t flexible_since;
  /// Newest version that encodes and decodes. Above `version_max` where the newer version changes what the
  /// caller has to do, so that only a caller who does it asks for that version.
  std::int16_t version_max_described = version_max;
  /// Oldest version that encodes and decodes. Below `version_min` where other clients ask with older versions
  /// than ours would, which concerns whoever serves them.
  std::int16_t version_min_described = version_min;

  [[nodiscard]] constexpr bool describes(int version) const {
    return version >= version_min_described && version <= version_max_described;
  }
  [[nodiscard]] constexpr bool is_flexible(int version) const { return version >= flexible_since; }
};

/// Every API that we speak, by ascending key. docs/protocol-support.md says why these ranges.
inline constexpr std::array kApis = {
    // Produce 13 names topics by id only: for callers that have one.
    ApiInfo{ApiKey::produce, "Produce", 7, 12, 9, 13, 3},
    ApiInfo{ApiKey::fetch, "Fetch", 10, 17, 12},
    ApiInfo{ApiKey::list_offsets, "ListOffsets", 4, 9, 6, 9, 1},
    ApiInfo{ApiKey::metadata, "Metadata", 7, 13, 9, 13, 1},
    ApiInfo{ApiKey::offset_commit, "OffsetCommit", 6, 9, 8},
    ApiInfo{ApiKey::offset_fetch, "OffsetFetch", 5, 9, 6},
    ApiInfo{ApiKey::find_coordinator, "FindCoordinator", 2, 4, 3},
    ApiInfo{ApiKey::join_group, "JoinGroup", 3, 9, 6},
    ApiInfo{ApiKey::heartbeat, "Heartbeat", 2, 4, 4},
    ApiInfo{ApiKey::leave_group, "LeaveGroup", 2, 5, 4, 5, 0},
    ApiInfo{ApiKey::sync_group, "SyncGroup", 2, 5, 4},
    ApiInfo{ApiKey::describe_groups, "DescribeGroups", 2, 6, 5},
    ApiInfo{ApiKey::list_groups, "ListGroups", 2, 5, 3},
    ApiInfo{ApiKey::sasl_handshake, "SaslHandshake", 1, 1, kNeverFlexible},
    ApiInfo{ApiKey::api_versions, "ApiVersions", 0, 3, 3},
    ApiInfo{ApiKey::create_topics, "CreateTopics", 3, 7, 5},
    ApiInfo{ApiKey::delete_topics, "DeleteTopics", 3, 6, 4},
    ApiInfo{ApiKey::delete_records, "DeleteRecords", 1, 2, 2},
    ApiInfo{ApiKey::init_producer_id, "InitProducerId", 1, 5, 2},
    ApiInfo{ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 2, 4, 4},
    // From version 4 on AddPartitionsToTxn is for brokers only: it needs CLUSTER_ACTION.
    ApiInfo{ApiKey::add_partitions_to_txn, "AddPartitionsToTxn", 1, 3, 3},
    ApiInfo{ApiKey::add_offsets_to_txn, "AddOffsetsToTxn", 1, 4, 3},
    // EndTxn 5 bumps the producer epoch at each end (KIP-890); the caller must go on with the id and epoch
    // returned.
    ApiInfo{ApiKey::end_txn, "EndTxn", 1, 4, 3, 5},
    ApiInfo{ApiKey::txn_offset_commit, "TxnOffsetCommit", 2, 5, 3},
    ApiInfo{ApiKey::describe_configs, "DescribeConfigs", 2, 4, 4},
    ApiInfo{ApiKey::sasl_authenticate, "SaslAuthenticate", 0, 2, 2},
    ApiInfo{ApiKey::create_partitions, "CreatePartitions", 1, 3, 2},
    ApiInfo{ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 0, 1, 1},
    ApiInfo{ApiKey::describe_cluster, "DescribeCluster", 0, 2, 0},
    ApiInfo{ApiKey::describe_producers, "DescribeProducers", 0, 0, 0},
    ApiInfo{ApiKey::describe_transactions, "DescribeTransactions", 0, 0, 0},
};

/// The table's row of `key`, or null when we do not speak that API (the number came from a peer).
[[nodiscard]] constexpr const ApiInfo* find_api(ApiKey key) {
  for (const auto& api : kApis) {
    if (api.key == key) return &api;
  }
  return nullptr;
}

/// The table's row of an enumerator.
[[nodiscard]] const ApiInfo& api_info(ApiKey key);

/// Versions of the headers in front of a body: request 1 or 2, response 0 or 1 (KIP-482).
[[nodiscard]] int request_header_version(ApiKey key, int version);
/// An ApiVersions response always has header 0, even where its body is flexible: a client that asked with too
/// new a version could not read it otherwise (KIP-511).
[[nodiscard]] int response_header_version(ApiKey key, int version);

}  // namespace longhaul::protocol
