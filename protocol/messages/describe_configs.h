#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "protocol/messages/common.h"

namespace longhaul::protocol {

struct DescribeConfigsSynonym {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::unknown;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("value", m.value);
    field("source", m.source);
  }
};

/// A sensitive entry has a null value. Only entries of source `topic` were set on the topic itself.
struct DescribeConfigsResourceResult {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  ConfigSource config_source = ConfigSource::unknown;
  bool is_sensitive = false;
  std::vector<DescribeConfigsSynonym> synonyms;
  std::int8_t config_type = 0;
  std::optional<std::string> documentation;

  static void describe(auto& m, auto&& field) {
    field("name", m.name);
    field("value", m.value);
    field("read_only", m.read_only);
    field("config_source", m.config_source, since(1));
    field("is_sensitive", m.is_sensitive);
    field("synonyms", m.synonyms, since(1));
    field("config_type", m.config_type, since(3), ignorable);
    field("documentation", m.documentation, since(3), ignorable);
  }
};

struct DescribeConfigsResult {
  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  ConfigResourceType resource_type = ConfigResourceType::unknown;
  std::string resource_name;
  std::vector<DescribeConfigsResourceResult> configs;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("error_message", m.error_message);
    field("resource_type", m.resource_type);
    field("resource_name", m.resource_name);
    field("configs", m.configs);
  }
};

struct DescribeConfigsResponse {
  static constexpr ApiKey kApi = ApiKey::describe_configs;

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeConfigsResult> results;

  static void describe(auto& m, auto&& field) {
    field("throttle_time_ms", m.throttle_time_ms);
    field("results", m.results);
  }
};

/// Null keys: every entry.
struct DescribeConfigsResource {
  ConfigResourceType resource_type = ConfigResourceType::unknown;
  std::string resource_name;
  std::optional<std::vector<std::string>> configuration_keys;

  static void describe(auto& m, auto&& field) {
    field("resource_type", m.resource_type);
    field("resource_name", m.resource_name);
    field("configuration_keys", m.configuration_keys);
  }
};

struct DescribeConfigsRequest {
  static constexpr ApiKey kApi = ApiKey::describe_configs;
  using Response = DescribeConfigsResponse;

  std::vector<DescribeConfigsResource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  static void describe(auto& m, auto&& field) {
    field("resources", m.resources);
    field("include_synonyms", m.include_synonyms, since(1));
    field("include_documentation", m.include_documentation, since(3));
  }
};

}  // namespace longhaul::protocol
