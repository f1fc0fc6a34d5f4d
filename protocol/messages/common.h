#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/message.h"

/// Structures and enumerations that several APIs share.
namespace longhaul::protocol {

enum class IsolationLevel : std::int8_t { read_uncommitted = 0, read_committed = 1 };

/// What the key of a FindCoordinator request names.
enum class CoordinatorType : std::int8_t { group = 0, transaction = 1 };

enum class ConfigResourceType : std::int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};

/// Where the value of a configuration entry comes from. Only `topic` is set on the topic itself.
enum class ConfigSource : std::int8_t {
  unknown = 0,
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  dynamic_broker_logger = 6,
  client_metrics = 7,
  group = 8,
};

enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

/// Leader that a broker names beside NOT_LEADER_OR_FOLLOWER (KIP-320, KIP-951); -1 when it names none.
struct LeaderIdAndEpoch {
  std::int32_t leader_id = -1;
  std::int32_t leader_epoch = -1;

  bool operator==(const LeaderIdAndEpoch&) const = default;
  static void describe(auto& m, auto&& field) {
    field("leader_id", m.leader_id);
    field("leader_epoch", m.leader_epoch);
  }
};

/// Address of a leader that a response names (KIP-951).
struct NodeEndpoint {
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  static void describe(auto& m, auto&& field) {
    field("node_id", m.node_id);
    field("host", m.host);
    field("port", m.port);
    field("rack", m.rack);
  }
};

}  // namespace longhaul::protocol
