#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct DeletableTopicResult {
  std::optional<std::string> name = "";
  TopicId topic_id;
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;

  static void describe(auto& m, auto&& field) {
    field("name", m.name, nullable_since(6));
    field("topic_id", m.topic_id, since(6), ignorable);
    field("error_code", m.error_code);
    field("error_message", m.error_message, since(5), ignorable);
  }
};

struct DeleteTopicsResponse {
  static constexpr ApiKey kApi = ApiKey::delete_topics;

  std::int32_t throttle_time_ms = 0;
  std::vector<DeletableTopicResult> responses;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms, since(1));
    field("responses", m.responses);
  }
};

/// By name, or by id with a null name (KIP-516).
struct DeleteTopicState {
  std::optional<std::string> name;
  TopicId topic_id;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("topic_id", m.topic_id);
  }
};

/// Until version 5 `topic_names`, from 6 on `topics`.
struct DeleteTopicsRequest {
  static constexpr ApiKey kApi = ApiKey::delete_topics;
  using Response = DeleteTopicsResponse;

  std::vector<DeleteTopicState> topics;
  std::vector<std::string> topic_names;
  std::int32_t timeout_ms = 0;

  static void describe(auto& m, auto&& field) {
    field("topics", m.topics, since(6));
    field("topic_names", m.topic_names, until(5), ignorable);
    field("timeout_ms", m.timeout_ms);
  }
};

}  // namespace longhaul::protocol
