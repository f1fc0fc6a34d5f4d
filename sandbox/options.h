#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/wire.h"
#include "sandbox/authenticator.h"

namespace longhaul::sandbox {

/// A connection's number, chosen by whoever owns the sockets and never used twice in a cluster.
using ConnectionId = std::uint64_t;

/// Both times at which something happens; the cluster has no clock of its own.
struct Now {
  SteadyTime steady;
  std::int64_t wall_ms = 0;
};

/// Where clients reach a broker.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

/// One cluster. Broker ids are 1 to `brokers`; `endpoints[id - 1]` is what clients are told about them.
struct ClusterOptions {
  /// What Metadata and DescribeCluster report; made from the seed when empty.
  std::string cluster_id;
  int brokers = 1;
  std::vector<Endpoint> endpoints;
  std::int32_t default_partitions = 1;
  std::int16_t default_replication_factor = 1;
  bool auto_create_topics = true;
  /// Bytes of all logs together; above it the oldest records of the largest partition go, as if their
  /// retention were over.
  std::size_t memory_max = std::size_t{1} << 30;
  /// Everything that is random (ids, faults) follows from it.
  std::uint64_t seed = 1;
  /// Kafka's log.retention.check.interval.ms.
  milliseconds retention_check_interval{300'000};
  /// Kafka's group.initial.rebalance.delay.ms.
  milliseconds group_initial_rebalance_delay{3'000};
  /// Kafka's producer.id.expiration.ms and the interval of its scans. What counts is the timestamps of the
  /// producer's batches, so a copy of old records loses its state soon after it was written.
  milliseconds producer_id_expiration{86'400'000};
  milliseconds producer_id_check_interval{600'000};
  /// Whether transactional ids may be used at all; refused like those of a client without the right to.
  bool authorize_transactions = true;
  /// Kafka's transaction.partition.verification.enable (3.6 and later, KIP-890): whether a batch is refused
  /// that belongs to no transaction of its producer.
  bool verify_transactions = true;
  /// Kafka's transaction.max.timeout.ms, and how often it looks for transactions that are open for longer
  /// than their producers allowed.
  milliseconds transaction_max_timeout{900'000};
  milliseconds transaction_check_interval{10'000};
  /// Kafka's transactional.id.expiration.ms and the interval of its scans.
  milliseconds transactional_id_expiration{604'800'000};
  milliseconds transactional_id_check_interval{3'600'000};
  /// How long the markers of a transaction take that has ended; until then its id is busy.
  milliseconds transaction_marker_delay{0};
  /// Kafka's fetch.max.bytes.
  std::int32_t fetch_max_bytes = 57'671'680;
  /// Null: clients need not authenticate.
  std::shared_ptr<const Authentication> authentication;
};

/// What the owner of the sockets has to do.
struct Output {
  enum class Kind : std::uint8_t { send, close };
  ConnectionId connection = 0;
  Kind kind = Kind::send;
  /// A whole frame with its size in front, or damaged on purpose by a fault. Empty for `close`.
  protocol::GatherBuffer frame;
  /// Keeps what `frame` references alive; to be dropped when the frame is written.
  std::shared_ptr<const void> keep;
};

}  // namespace longhaul::sandbox
