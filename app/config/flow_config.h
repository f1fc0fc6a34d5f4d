#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/client_settings.h"
#include "app/config/setting.h"
#include "base/result.h"
#include "replicator/replication_policy.h"
#include "replicator/topic_filter.h"

namespace longhaul::config {

/// Period of a repeated job; nullopt where it is switched off (`<x>.enabled=false` or a negative interval).
using Interval = std::optional<std::chrono::seconds>;

enum class OffsetSyncsLocation { source, target };
/// `longhaul.log.append.time`: which times the copies of records with append times have.
enum class AppendTimes { preserve, passthrough };
enum class UseDefaultsFrom { source, target };
enum class ExactlyOnce { disabled, preparing, enabled };
/// `longhaul.transactions`: which partitions are written in transactions of the target (docs/decisions/061).
enum class Transactions { never, backfill, always };

/// Why a flow exists (KIP-710, `MirrorMakerConfig.clusterPairs`).
enum class FlowReason {
  enabled,          ///< mirrors topics
  heartbeats_only,  ///< not enabled; MirrorMaker 2 emits heartbeats into its target all the same
};

/// Kafka's -1: the broker's default replication factor.
inline constexpr std::int16_t kBrokerDefaultReplicationFactor = -1;

struct OffsetSyncsConfig {
  bool emit = true;
  OffsetSyncsLocation location = OffsetSyncsLocation::source;
  std::int16_t replication_factor = 3;
  std::int64_t offset_lag_max = 100;
  std::string topic;  ///< name on the cluster of `location`
};

struct CheckpointsConfig {
  std::vector<std::string> groups;
  std::vector<std::string> groups_exclude;
  Interval refresh_groups;
  Interval emit;
  Interval sync_group_offsets;
  std::int16_t replication_factor = 3;
  std::string topic;  ///< name on the target
};

struct HeartbeatsConfig {
  Interval emit;
  bool replicate = true;
  std::int16_t replication_factor = 3;
  std::string topic;
};

/// Topics of MirrorMaker 2's Connect worker on the target, and what else its properties say.
struct WorkerConfig {
  std::string group_id;  ///< `<source>-mm2`
  std::string client_id;
  std::string offset_storage_topic;  ///< `mm2-offsets.<source>.internal`
  std::string config_storage_topic;
  std::string status_storage_topic;
  std::int32_t offset_storage_partitions = 25;
  std::int32_t status_storage_partitions = 5;
  std::int16_t offset_storage_replication_factor = 3;
  std::int16_t config_storage_replication_factor = 3;
  std::int16_t status_storage_replication_factor = 3;
  /// Further topic configuration at creation (`offset.storage.<name>`); never `cleanup.policy`, which is
  /// compact.
  std::vector<std::pair<std::string, std::string>> offset_storage_topic_configs;
  std::chrono::milliseconds offset_flush_interval{60'000};
  std::chrono::milliseconds offset_flush_timeout{5'000};
  ExactlyOnce exactly_once_source_support = ExactlyOnce::disabled;
  SettingMap raw;
  std::vector<EffectiveOption> effective;
};

/// Longhaul's own settings of a flow: `longhaul.<x>`, or `A->B.longhaul.<x>` for one flow.
struct FlowOwnSettings {
  std::string state_topic;  ///< `mm2-longhaul.<source>.internal`
  std::chrono::milliseconds position_flush_interval{1'000};
  AppendTimes append_times = AppendTimes::preserve;
  /// Off: at least once, for comparison.
  bool exactly_once = true;
  /// `always` also where the worker's `exactly.once.source.support` is enabled; `never` where exactly_once is
  /// off.
  Transactions transactions = Transactions::backfill;
  std::chrono::milliseconds transaction_interval{1'000};
  /// Longer than the interval; what brokers allow by default (`transaction.max.timeout.ms`).
  std::chrono::milliseconds transaction_timeout{900'000};
  /// How long a partition has to be without old records before it leaves transactions.
  std::chrono::milliseconds transaction_calm{600'000};
  /// Part of the transactional ids on the target; empty unless flows of the same name share a target.
  std::string deployment_id;
  /// Replaces every replication factor of the file, for small labs. Already applied to the fields of
  /// FlowConfig.
  std::optional<std::int16_t> replication_factor_override;
  /// Which release line's defaults and internal-topic rule apply.
  replicator::InternalTopicRule compatibility = replicator::InternalTopicRule::mm2_4;
};

/// Everything one flow `source->target` needs, validated. Plain data; copy freely.
struct FlowConfig {
  std::string source;
  std::string target;
  FlowReason reason = FlowReason::heartbeats_only;
  std::string reason_text;  ///< for people: which key made the flow exist

  [[nodiscard]] std::string name() const { return source + "->" + target; }
  /// Mirrors topics. A flow that is not enabled exists only to emit heartbeats, which this version does not
  /// serve.
  [[nodiscard]] bool enabled() const { return reason == FlowReason::enabled; }

  // Topics (section 2.3 and 2.4 of the option tables).
  std::vector<std::string> topics;
  std::vector<std::string> topics_exclude;
  std::vector<std::string> config_properties_exclude;
  UseDefaultsFrom use_defaults_from = UseDefaultsFrom::target;
  std::int16_t replication_factor = 2;  ///< of created remote topics
  Interval refresh_topics;
  Interval sync_topic_configs;
  Interval sync_topic_acls;
  std::chrono::milliseconds admin_timeout{60'000};
  std::chrono::milliseconds consumer_poll_timeout{1'000};
  std::int32_t tasks_max = 1;
  std::string connector_name = "MirrorSourceConnector";  ///< first element of the keys in the offsets topic
  /// `A->B.offsets.storage.topic`: read before the worker's offsets topic when set (KIP-618).
  std::optional<std::string> connector_offsets_topic;

  OffsetSyncsConfig offset_syncs;
  CheckpointsConfig checkpoints;
  HeartbeatsConfig heartbeats;
  WorkerConfig worker;
  FlowOwnSettings own;

  /// Compiled from the options above, never null.
  std::shared_ptr<const replicator::TopicSelection> selection;
  std::shared_ptr<const replicator::TopicFilter> group_filter;
  std::shared_ptr<const replicator::PatternList> config_exclude;
  [[nodiscard]] const replicator::ReplicationPolicy& policy() const { return selection->policy(); }

  // Clients. `data_producer` writes mirrored records and positions; `source_producer` and `target_producer`
  // are MirrorMaker 2's offset-syncs producers; `target_consumer` reads checkpoints and state topics.
  ClientSettings source_consumer;
  ClientSettings source_admin;
  ClientSettings source_producer;
  ClientSettings target_consumer;
  ClientSettings target_admin;
  ClientSettings target_producer;
  ClientSettings data_producer;

  /// Set when this version cannot run the flow although the file is right (a SASL mechanism, for one): one
  /// line.
  std::optional<std::string> not_runnable;
  /// Connector options in effect, in a stable order, for `longhaul config`.
  std::vector<EffectiveOption> effective;
};

}  // namespace longhaul::config
