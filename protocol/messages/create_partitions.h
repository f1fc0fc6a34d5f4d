#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct CreatePartitionsTopicResult {
  std::string name;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("error_code", m.error_code);
    field("error_message", m.error_message);
  }
};

struct CreatePartitionsResponse {
  static constexpr ApiKey kApi = ApiKey::create_partitions;

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatePartitionsTopicResult> results;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("results", m.results);
  }
};

struct CreatePartitionsAssignment {
  std::vector<std::int32_t> broker_ids;

  static void describe(auto& m, auto&& field) { field("broker_ids", m.broker_ids); }
};

/// `count` is the new total. Null assignments let the broker place the partitions; an empty list is an error
/// there.
struct CreatePartitionsTopic {
  std::string name;
  std::int32_t count = 0;
  std::optional<std::vector<CreatePartitionsAssignment>> assignments;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("count", m.count);
    field("assignments", m.assignments);
  }
};

struct CreatePartitionsRequest {
  static constexpr ApiKey kApi = ApiKey::create_partitions;
  using Response = CreatePartitionsResponse;

  std::vector<CreatePartitionsTopic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  static void describe(auto& m, auto&& field) {
    field("topics", m.topics);
    field("timeout_ms", m.timeout_ms);
    field("validate_only", m.validate_only);
  }
};

}  // namespace longhaul::protocol
