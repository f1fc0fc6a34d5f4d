#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

/// What came of one key; `key` repeats it.
struct Coordinator {
  std::string key;
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;

  static void describe(auto& m, auto&& field) {
    field("key", m.key);
    field("node_id", m.node_id);
    field("host", m.host);
    field("port", m.port);
    field("error_code", m.error_code);
    field("error_message", m.error_message);
  }
};

/// Until version 3 one coordinator, in the fields of its own; from 4 on one entry per key (KIP-699).
struct FindCoordinatorResponse {
  static constexpr ApiKey kApi = ApiKey::find_coordinator;

  std::int32_t throttle_time_ms = 0;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::vector<Coordinator> coordinators;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("error_code", m.error_code, until(3));
    field("error_message", m.error_message, since(1), until(3), ignorable);
    field("node_id", m.node_id, until(3));
    field("host", m.host, until(3));
    field("port", m.port, until(3));
    field("coordinators", m.coordinators, since(4));
  }
};

/// Until version 3 one `key`; from 4 on any number of `coordinator_keys` of one type (KIP-699).
struct FindCoordinatorRequest {
  static constexpr ApiKey kApi = ApiKey::find_coordinator;
  using Response = FindCoordinatorResponse;

  std::string key;
  CoordinatorType key_type = CoordinatorType::group;
  std::vector<std::string> coordinator_keys;

  static void describe(auto& m, auto&& field) {
    field("key", m.key, until(3));
    field("key_type", m.key_type, since(1));
    field("coordinator_keys", m.coordinator_keys, since(4));
  }
};

}  // namespace longhaul::protocol
