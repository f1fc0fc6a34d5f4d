#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::replicator {

/// Which of a release line's rules decide what counts as an internal topic (docs/configuration.md).
enum class InternalTopicRule {
  mm2_4,  ///< starts with `mm2` and ends with `<separator>internal`, or is a checkpoints topic
  mm2_3,  ///< ends with `.internal` or `-internal`: releases up to 3.9
};

struct ReplicationPolicyOptions {
  std::string class_name = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy";
  std::string separator = ".";
  /// False: internal topic names keep the dot although `separator` is another one (KIP-787).
  bool separator_in_internal_topics = true;
  /// Answer of `topic_source` under the identity policy.
  std::optional<std::string> source_alias;
  InternalTopicRule internal_topics = InternalTopicRule::mm2_4;
};

/// Names on the target and what a name says about its origin: MirrorMaker 2's DefaultReplicationPolicy and
/// IdentityReplicationPolicy (KIP-382, KAFKA-9726). Immutable, so it is shared by threads.
class ReplicationPolicy {
 public:
  enum class Kind { default_policy, identity };

  /// Fails for an unknown class (the error names the accepted ones, by full or simple name) and for an empty
  /// separator, which would make names that cannot be told apart.
  [[nodiscard]] static Result<ReplicationPolicy> create(ReplicationPolicyOptions options);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const ReplicationPolicyOptions& options() const { return options_; }

  /// Name on the target of `topic` of the cluster `source_alias`.
  [[nodiscard]] std::string remote_topic(std::string_view source_alias, std::string_view topic) const;
  /// Alias of the cluster that `topic` was copied from, nullopt for a topic of this cluster. May be the empty
  /// string (a leading separator), as in Java.
  [[nodiscard]] std::optional<std::string> topic_source(std::string_view topic) const;
  /// Name of `topic` on the cluster it was copied from.
  [[nodiscard]] std::optional<std::string> upstream_topic(std::string_view topic) const;
  /// Name of `topic` on the cluster where it was first written.
  [[nodiscard]] std::string original_topic(std::string_view topic) const;

  [[nodiscard]] static std::string heartbeats_topic() { return "heartbeats"; }
  /// `other_alias` is the cluster at the other end of the flow from where the topic lies.
  [[nodiscard]] std::string offset_syncs_topic(std::string_view other_alias) const;
  [[nodiscard]] std::string checkpoints_topic(std::string_view source_alias) const;

  [[nodiscard]] bool is_heartbeats_topic(std::string_view topic) const;
  [[nodiscard]] bool is_checkpoints_topic(std::string_view topic) const;
  /// Topics that belong to MirrorMaker 2 or to Kafka; never mirrored.
  [[nodiscard]] bool is_internal_topic(std::string_view topic) const;
  /// True when `topic` already passed through `target_alias`: copying it there would loop.
  [[nodiscard]] bool is_cycle(std::string_view topic, std::string_view target_alias) const;

 private:
  ReplicationPolicy(Kind kind, ReplicationPolicyOptions options)
      : kind_(kind), options_(std::move(options)) {}
  [[nodiscard]] bool keeps_name(std::string_view topic) const;
  [[nodiscard]] std::string_view internal_separator() const;

  Kind kind_;
  ReplicationPolicyOptions options_;
};

}  // namespace longhaul::replicator
