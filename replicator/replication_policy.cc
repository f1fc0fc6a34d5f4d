#include "replicator/replication_policy.h"

#include <array>

namespace longhaul::replicator {
namespace {

constexpr std::string_view kPackage = "org.apache.kafka.connect.mirror.";
constexpr std::string_view kHeartbeats = "heartbeats";

struct NamedPolicy {
  std::string_view simple_name;
  ReplicationPolicy::Kind kind;
};
constexpr std::array kPolicies{
    NamedPolicy{"DefaultReplicationPolicy", ReplicationPolicy::Kind::default_policy},
    NamedPolicy{"IdentityReplicationPolicy", ReplicationPolicy::Kind::identity},
};

/// What Java's `split` yields as the first of at least two parts: trailing empty parts do not count, so a
/// name that is followed by nothing but separators has no source.
std::optional<std::string_view> first_part(std::string_view name, std::string_view separator) {
  const auto at = name.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = name.substr(at + separator.size());
  while (rest.starts_with(separator)) rest.remove_prefix(separator.size());
  if (rest.empty()) return std::nullopt;
  return name.substr(0, at);
}

}  // namespace

Result<ReplicationPolicy> ReplicationPolicy::create(ReplicationPolicyOptions options) {
  if (options.separator.empty())
    return fail(Error{{}, "an empty separator makes remote topic names that cannot be told apart"});
  for (const auto& [simple_name, kind] : kPolicies) {
    std::string_view name = options.class_name;
    if (name.starts_with(kPackage)) name.remove_prefix(kPackage.size());
    if (name == simple_name) return ReplicationPolicy(kind, std::move(options));
  }
  return fail(
      Error{{},
            fmt::format("unknown replication policy class '{}'; accepted: {}{} and {}{}", options.class_name,
                        kPackage, kPolicies[0].simple_name, kPackage, kPolicies[1].simple_name)});
}

bool ReplicationPolicy::keeps_name(std::string_view topic) const {
  // The identity policy renames whatever ends like a heartbeats topic, because hops are read from those
  // names.
  return kind_ == Kind::identity && !topic.ends_with(kHeartbeats);
}

std::string_view ReplicationPolicy::internal_separator() const {
  return options_.separator_in_internal_topics ? std::string_view(options_.separator) : ".";
}

std::string ReplicationPolicy::remote_topic(std::string_view source_alias, std::string_view topic) const {
  if (keeps_name(topic)) return std::string(topic);
  return fmt::format("{}{}{}", source_alias, options_.separator, topic);
}

std::optional<std::string> ReplicationPolicy::topic_source(std::string_view topic) const {
  if (keeps_name(topic)) return options_.source_alias;
  const auto part = first_part(topic, options_.separator);
  if (!part) return std::nullopt;
  return std::string(*part);
}

std::optional<std::string> ReplicationPolicy::upstream_topic(std::string_view topic) const {
  if (keeps_name(topic)) return std::string(topic);
  const auto part = first_part(topic, options_.separator);
  if (!part) return std::nullopt;
  return std::string(topic.substr(part->size() + options_.separator.size()));
}

std::string ReplicationPolicy::original_topic(std::string_view topic) const {
  std::string name(topic);
  for (auto upstream = upstream_topic(name); upstream && *upstream != name; upstream = upstream_topic(name)) {
    name = *std::move(upstream);
  }
  return name;
}

std::string ReplicationPolicy::offset_syncs_topic(std::string_view other_alias) const {
  return fmt::format("mm2-offset-syncs{0}{1}{0}internal", internal_separator(), other_alias);
}

std::string ReplicationPolicy::checkpoints_topic(std::string_view source_alias) const {
  return fmt::format("{1}{0}checkpoints{0}internal", internal_separator(), source_alias);
}

bool ReplicationPolicy::is_heartbeats_topic(std::string_view topic) const {
  return original_topic(topic) == kHeartbeats;
}

bool ReplicationPolicy::is_checkpoints_topic(std::string_view topic) const {
  return topic.ends_with(fmt::format("{0}checkpoints{0}internal", internal_separator()));
}

bool ReplicationPolicy::is_internal_topic(std::string_view topic) const {
  if (topic.starts_with("__") || topic.starts_with(".")) return true;
  if (options_.internal_topics == InternalTopicRule::mm2_3) {
    return topic.ends_with(".internal") || topic.ends_with("-internal");
  }
  if (topic.starts_with("mm2") && topic.ends_with(fmt::format("{}internal", internal_separator())))
    return true;
  return is_checkpoints_topic(topic);
}

bool ReplicationPolicy::is_cycle(std::string_view topic, std::string_view target_alias) const {
  std::string name(topic);
  while (true) {
    const auto source = topic_source(name);
    if (!source) return false;
    if (*source == target_alias) return true;
    auto upstream = upstream_topic(name);
    if (!upstream || *upstream == name) return false;
    name = *std::move(upstream);
  }
}

}  // namespace longhaul::replicator
