#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

struct AlterConfigsResourceResponse {
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  ConfigResourceType resource_type = ConfigResourceType::unknown;
  std::string resource_name;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("error_message", m.error_message);
    field("resource_type", m.resource_type);
    field("resource_name", m.resource_name);
  }
};

struct IncrementalAlterConfigsResponse {
  static constexpr ApiKey kApi = ApiKey::incremental_alter_configs;

  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResourceResponse> responses;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("responses", m.responses);
  }
};

/// The value is null for `remove`; `append` and `subtract` are for lists.
struct AlterableConfig {
  std::string name;
  ConfigOperation config_operation = ConfigOperation::set;
  std::optional<std::string> value;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("config_operation", m.config_operation);
    field("value", m.value);
  }
};

struct AlterConfigsResource {
  ConfigResourceType resource_type = ConfigResourceType::unknown;
  std::string resource_name;
  std::vector<AlterableConfig> configs;

  static void describe(auto& m, auto&& field) {
    field("resource_type", m.resource_type);
    field("resource_name", m.resource_name);
    field("configs", m.configs);
  }
};

/// Changes the named entries and leaves the others (KIP-339), which AlterConfigs does not. Brokers before 2.3
/// lack it.
struct IncrementalAlterConfigsRequest {
  static constexpr ApiKey kApi = ApiKey::incremental_alter_configs;
  using Response = IncrementalAlterConfigsResponse;

  std::vector<AlterConfigsResource> resources;
  bool validate_only = false;

  static void describe(auto& m, auto&& field) {
    field("resources", m.resources);
    field("validate_only", m.validate_only);
  }
};

}  // namespace longhaul::protocol
