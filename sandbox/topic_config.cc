#include "sandbox/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "base/check.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using enum ConfigType;

constexpr double kNoMinimum = -9.3e18;
constexpr double kIntMax = std::numeric_limits<std::int32_t>::max();

/// Kafka's own table (LogConfig), with the defaults of a broker that nobody configured.
constexpr std::array kDefinitions = {
    ConfigDefinition{"cleanup.policy", list, "delete", "log.cleanup.policy", kNoMinimum, 9.3e18,
                     "compact,delete"},
    ConfigDefinition{"compression.gzip.level", integer, "-1", "compression.gzip.level", -1, 9},
    ConfigDefinition{"compression.lz4.level", integer, "9", "compression.lz4.level", 1, 17},
    ConfigDefinition{"compression.type", string, "producer", "compression.type", kNoMinimum, 9.3e18,
                     "uncompressed,zstd,lz4,snappy,gzip,producer"},
    ConfigDefinition{"compression.zstd.level", integer, "3", "compression.zstd.level", -131072, 22},
    ConfigDefinition{"delete.retention.ms", long_integer, "86400000", "log.cleaner.delete.retention.ms", 0},
    ConfigDefinition{"file.delete.delay.ms", long_integer, "60000", "log.segment.delete.delay.ms", 0},
    ConfigDefinition{"flush.messages", long_integer, "9223372036854775807", "log.flush.interval.messages", 1},
    ConfigDefinition{"flush.ms", long_integer, "9223372036854775807", "log.flush.interval.ms", 0},
    ConfigDefinition{"follower.replication.throttled.replicas", list, ""},
    ConfigDefinition{"index.interval.bytes", integer, "4096", "log.index.interval.bytes", 0, kIntMax},
    ConfigDefinition{"leader.replication.throttled.replicas", list, ""},
    ConfigDefinition{"local.retention.bytes", long_integer, "-2", "log.local.retention.bytes", -2},
    ConfigDefinition{"local.retention.ms", long_integer, "-2", "log.local.retention.ms", -2},
    ConfigDefinition{"max.compaction.lag.ms", long_integer, "9223372036854775807",
                     "log.cleaner.max.compaction.lag.ms", 1},
    ConfigDefinition{"max.message.bytes", integer, "1048588", "message.max.bytes", 0, kIntMax},
    ConfigDefinition{"message.timestamp.after.max.ms", long_integer, "3600000",
                     "log.message.timestamp.after.max.ms", 0},
    ConfigDefinition{"message.timestamp.before.max.ms", long_integer, "9223372036854775807",
                     "log.message.timestamp.before.max.ms", 0},
    ConfigDefinition{"message.timestamp.type", string, "CreateTime", "log.message.timestamp.type", kNoMinimum,
                     9.3e18, "CreateTime,LogAppendTime"},
    ConfigDefinition{"min.cleanable.dirty.ratio", floating, "0.5", "log.cleaner.min.cleanable.ratio", 0, 1},
    ConfigDefinition{"min.compaction.lag.ms", long_integer, "0", "log.cleaner.min.compaction.lag.ms", 0},
    ConfigDefinition{"min.insync.replicas", integer, "1", "min.insync.replicas", 1, kIntMax},
    ConfigDefinition{"preallocate", boolean, "false", "log.preallocate"},
    ConfigDefinition{"remote.log.copy.disable", boolean, "false"},
    ConfigDefinition{"remote.log.delete.on.disable", boolean, "false"},
    ConfigDefinition{"remote.storage.enable", boolean, "false"},
    ConfigDefinition{"retention.bytes", long_integer, "-1", "log.retention.bytes"},
    ConfigDefinition{"retention.ms", long_integer, "604800000", "log.retention.ms", -1},
    ConfigDefinition{"segment.bytes", integer, "1073741824", "log.segment.bytes", 1024.0 * 1024, kIntMax},
    ConfigDefinition{"segment.index.bytes", integer, "10485760", "log.index.size.max.bytes", 4, kIntMax},
    ConfigDefinition{"segment.jitter.ms", long_integer, "0", "log.roll.jitter.ms", 0},
    ConfigDefinition{"segment.ms", long_integer, "604800000", "log.roll.ms", 1},
    ConfigDefinition{"unclean.leader.election.enable", boolean, "false", "unclean.leader.election.enable"},
};

/// Parts between commas, without blanks around them; none for an empty text.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

bool contains(const std::vector<std::string>& parts, std::string_view part) {
  return std::ranges::find(parts, part) != parts.end();
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ","));
}

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_allowed(const ConfigDefinition& definition, std::string_view value) {
  if (definition.allowed.empty()) return true;
  return contains(split(definition.allowed), value);
}

bool is_of_type(const ConfigDefinition& definition, const std::string& value) {
  switch (definition.type) {
    case boolean:
      return value == "true" || value == "false";
    case integer:
      return parsed<std::int32_t>(value).has_value();
    case long_integer:
      return parsed<std::int64_t>(value).has_value();
    case floating:
      return parsed<double>(value).has_value();
    case string:
    case list:
      return true;
  }
  return false;
}

std::optional<codecs::Compression> compression_of(std::string_view type) {
  if (type == "producer") return std::nullopt;
  for (const auto codec : {codecs::Compression::gzip, codecs::Compression::snappy, codecs::Compression::lz4,
                           codecs::Compression::zstd}) {
    if (codecs::name(codec) == type) return codec;
  }
  return codecs::Compression::none;
}

}  // namespace

std::span<const ConfigDefinition> topic_config_definitions() {
  return kDefinitions;
}

const ConfigDefinition* find_topic_config(std::string_view name) {
  const auto found = std::ranges::find(kDefinitions, name, &ConfigDefinition::name);
  return found == kDefinitions.end() ? nullptr : &*found;
}

Result<void> check_topic_config(std::string_view name, const std::string& value) {
  const auto invalid = [&](std::string_view why) {
    return fail(kafka_error(KafkaErrc::invalid_config), "Invalid value {} for configuration {}: {}", value,
                name, why);
  };
  const auto* definition = find_topic_config(name);
  if (definition == nullptr) {
    return fail(kafka_error(KafkaErrc::invalid_config), "Unknown topic config name: {}", name);
  }
  if (!is_of_type(*definition, value)) return invalid("Not a value of this configuration's type.");
  if (definition->type == list) {
    for (const auto& part : split(value)) {
      if (!is_allowed(*definition, part))
        return invalid(fmt::format("List may only contain {}", definition->allowed));
    }
  } else if (!is_allowed(*definition, value)) {
    return invalid(fmt::format("String must be one of: {}", definition->allowed));
  }
  if (definition->type == integer || definition->type == long_integer || definition->type == floating) {
    const auto number = parsed<double>(value).value_or(0);
    if (number < definition->minimum)
      return invalid(fmt::format("Value must be at least {}", definition->minimum));
    if (number > definition->maximum) {
      return invalid(fmt::format("Value must be no more than {}", definition->maximum));
    }
  }
  return {};
}

TopicConfig::TopicConfig(Values values) : values_(std::move(values)) {
  const auto policy = split(value("cleanup.policy"));
  rules_.is_compacted = contains(policy, "compact");
  is_deleted_ = contains(policy, "delete");
  rules_.max_message_bytes = static_cast<std::int32_t>(number("max.message.bytes"));
  rules_.segment_bytes = static_cast<std::int32_t>(number("segment.bytes"));
  rules_.is_log_append_time = value("message.timestamp.type") == "LogAppendTime";
  rules_.timestamp_before_max_ms = number("message.timestamp.before.max.ms");
  rules_.timestamp_after_max_ms = number("message.timestamp.after.max.ms");
  rules_.compression = compression_of(value("compression.type"));
  if (rules_.compression) {
    const auto level = fmt::format("compression.{}.level", codecs::name(*rules_.compression));
    if (find_topic_config(level) != nullptr) rules_.compression_level = static_cast<int>(number(level));
    // Kafka's -1 for gzip is the library's default.
    if (rules_.compression_level == -1) rules_.compression_level.reset();
  }
  min_insync_replicas_ = static_cast<int>(number("min.insync.replicas"));
}

std::string_view TopicConfig::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  const auto* definition = find_topic_config(name);
  LH_CHECK(definition != nullptr);
  return definition->default_value;
}

std::int64_t TopicConfig::number(std::string_view name) const {
  return parsed<std::int64_t>(value(name)).value_or(0);
}

Result<void> alter_config(TopicConfig::Values& values, const std::string& name,
                          protocol::ConfigOperation operation, const std::optional<std::string>& value) {
  using enum protocol::ConfigOperation;
  const auto* definition = find_topic_config(name);
  if (definition == nullptr) {
    return fail(kafka_error(KafkaErrc::invalid_config), "Unknown topic config name: {}", name);
  }
  if (operation == remove) {
    values.erase(name);
    return {};
  }
  if (!value) {
    return fail(kafka_error(KafkaErrc::invalid_config), "Null value not supported for : {}", name);
  }
  auto changed = *value;
  if (operation == append || operation == subtract) {
    if (definition->type != list) {
      return fail(kafka_error(KafkaErrc::invalid_config), "Can't {} to key {} because its type is not LIST.",
                  operation == append ? "APPEND" : "SUBTRACT", name);
    }
    const auto found = values.find(name);
    auto parts = split(found == values.end() ? definition->default_value : std::string_view(found->second));
    for (const auto& part : split(*value)) {
      if (operation == subtract) {
        std::erase(parts, part);
      } else if (!contains(parts, part)) {
        parts.push_back(part);
      }
    }
    changed = joined(parts);
  }
  LH_TRY_VOID(check_topic_config(name, changed));
  values[name] = std::move(changed);
  return {};
}

}  // namespace longhaul::sandbox
