#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/messages/common.h"
#include "sandbox/batch_validator.h"

namespace longhaul::sandbox {

/// Types of configuration values as DescribeConfigs numbers them.
enum class ConfigType : std::int8_t {
  boolean = 1,
  string = 2,
  integer = 3,
  long_integer = 5,
  floating = 6,
  list = 7,
};

/// One topic configuration of Kafka 4.3: its default and what it may be.
struct ConfigDefinition {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  /// The broker configuration that holds the default; empty where there is none.
  std::string_view broker_name = {};
  double minimum = -9.3e18;
  double maximum = 9.3e18;
  /// Values allowed, separated by commas; empty: any.
  std::string_view allowed = {};
};

/// All of them by name.
[[nodiscard]] std::span<const ConfigDefinition> topic_config_definitions();
/// Null for a name that topics do not have.
[[nodiscard]] const ConfigDefinition* find_topic_config(std::string_view name);
/// Kafka's INVALID_CONFIG with a sentence when the topic configuration `name` cannot have `value`.
[[nodiscard]] Result<void> check_topic_config(std::string_view name, const std::string& value);

/// The configuration of one topic: what was set on it, and the defaults behind that.
class TopicConfig {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  /// All values must have passed check_topic_config().
  explicit TopicConfig(Values values = {});

  [[nodiscard]] const Values& set_values() const { return values_; }
  /// The value in force.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] std::int64_t number(std::string_view name) const;

  /// What decides about batches, read once.
  [[nodiscard]] const BatchRules& batch_rules() const { return rules_; }
  [[nodiscard]] bool is_compacted() const { return rules_.is_compacted; }
  /// Whether old records may be deleted.
  [[nodiscard]] bool is_deleted() const { return is_deleted_; }
  [[nodiscard]] int min_insync_replicas() const { return min_insync_replicas_; }

 private:
  Values values_;
  BatchRules rules_;
  bool is_deleted_ = true;
  int min_insync_replicas_ = 1;
};

/// `values` after one operation of IncrementalAlterConfigs (KIP-339). Errors: INVALID_CONFIG with a sentence.
[[nodiscard]] Result<void> alter_config(TopicConfig::Values& values, const std::string& name,
                                        protocol::ConfigOperation operation,
                                        const std::optional<std::string>& value);

}  // namespace longhaul::sandbox
