#include "app/config/flow_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/config/client_reader.h"
#include "app/config/known_keys.h"
#include "app/config/option_reader.h"
#include "app/config/precedence.h"
#include "app/config/transactions_reader.h"
#include "app/config/values.h"
#include "app/config/worker_reader.h"

namespace longhaul::config {
namespace {

using replicator::InternalTopicRule;
using replicator::PatternList;
using replicator::ReplicationPolicy;
using replicator::TopicFilter;

constexpr std::string_view kTopicsExclude4 = "mm2.*\\.internal, .*\\.replica, __.*";
constexpr std::string_view kTopicsExclude3 = ".*[\\-\\.]internal, .*\\.replica, __.*";
constexpr std::string_view kGroupsExclude = "console-consumer-.*, connect-.*, __.*";
// As shipped since 4.3: the dots are not escaped.
constexpr std::string_view kConfigExclude =
    "follower.replication.throttled.replicas, leader.replication.throttled.replicas, "
    "message.timestamp.difference.max.ms, log.message.timestamp.before.max.ms, "
    "log.message.timestamp.after.max.ms, message.timestamp.type, unclean.leader.election.enable, "
    "min.insync.replicas";

/// It becomes part of transactional ids, whose parts ':' divides.
bool is_deployment_id(std::string_view text) {
  constexpr std::size_t kSizeMax = 64;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return text.size() <= kSizeMax && std::ranges::all_of(text, allowed);
}

/// Names that releases up to 3.9 still read where the new one is absent (KIP-629).
void apply_legacy_spellings(SettingMap& connector, std::vector<Warning>& warnings) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kLegacy{
      {{"topics.blacklist", "topics.exclude"},
       {"groups.blacklist", "groups.exclude"},
       {"config.properties.blacklist", "config.properties.exclude"}}};
  for (const auto& [old_name, new_name] : kLegacy) {
    const auto it = connector.find(old_name);
    if (it == connector.end()) continue;
    const auto& origin = it->second.origin;
    const bool shadowed = connector.contains(new_name);
    warnings.push_back(
        {WarningKind::legacy_spelling,
         fmt::format("{}:{}: {}: legacy spelling of {}, which MirrorMaker 2 ignores since 4.0; {}",
                     origin.file, origin.line, origin.key, new_name,
                     shadowed ? "the new name is set too and wins" : "it is honoured here"),
         {origin.key}});
    if (!shadowed) connector.emplace(new_name, it->second);
  }
}

class FlowReader {
 public:
  FlowReader(const SettingMap& top, const FlowPair& pair, std::string_view file,
             std::vector<Warning>& warnings)
      : top_(top),
        file_(file),
        warnings_(warnings),
        connector_(connector_properties(top, pair.source, pair.target)) {
    flow_.source = pair.source;
    flow_.target = pair.target;
    apply_legacy_spellings(connector_, warnings_);
  }

  Result<FlowConfig> run() {
    OptionReader in(connector_, flow_.effective, warnings_);
    read_existence(in);
    read_own(in);
    read_topics(in);
    read_intervals(in);
    read_internal_topics(in);
    LH_TRY_VOID(in.result());
    LH_TRY_VOID(compile(in));
    name_topics();
    LH_TRY(flow_.worker, read_worker(top_, connector_, flow_, warnings_));
    LH_TRY_VOID(read_clients());
    LH_TRY_VOID(read_transactions(flow_, connector_, warnings_));
    apply_replication_factor_override();
    if (flow_.enabled()) LH_TRY_VOID(check_topic_names(in));
    explain_why_not_runnable();
    return std::move(flow_);
  }

 private:
  void read_existence(OptionReader& in) {
    if (in.boolean("enabled", false)) {
      flow_.reason = FlowReason::enabled;
      flow_.reason_text = fmt::format("enabled by {}", in.setting("enabled")->origin.to_string());
      return;
    }
    const auto* heartbeats = in.setting("emit.heartbeats.enabled");
    flow_.reason = FlowReason::heartbeats_only;
    flow_.reason_text = fmt::format(
        "not enabled; MirrorMaker 2 runs it to emit heartbeats into {} (emit.heartbeats.enabled = true, {})",
        flow_.target, heartbeats ? heartbeats->origin.to_string() : "the default");
  }

  void read_own(OptionReader& in) {
    auto& own = flow_.own;
    own.compatibility = in.choice("longhaul.compatibility", InternalTopicRule::mm2_4,
                                  {{"mm2-4", InternalTopicRule::mm2_4}, {"mm2-3", InternalTopicRule::mm2_3}});
    own.state_topic = in.text("longhaul.state.topic", fmt::format("mm2-longhaul.{}.internal", flow_.source));
    const auto* interval = in.note("longhaul.position.flush.interval.ms", "1000");
    if (interval) {
      const auto value = parse_duration(interval->value);
      if (value && value->count() >= 1) {
        own.position_flush_interval = *value;
      } else {
        in.complain(wrong_value(*interval, "a duration from 1 ms, such as 1000, 500 ms or 2s"));
      }
    }
    own.append_times =
        in.choice("longhaul.log.append.time", AppendTimes::preserve,
                  {{"preserve", AppendTimes::preserve}, {"passthrough", AppendTimes::passthrough}});
    own.exactly_once = in.choice("longhaul.exactly.once", true, {{"on", true}, {"off", false}});
    own.deployment_id = in.text("longhaul.deployment.id", "");
    if (const auto* id = in.setting("longhaul.deployment.id"); id && !is_deployment_id(own.deployment_id)) {
      in.complain(wrong_value(*id, "letters, digits, '.', '_' and '-', at most 64"));
    }
    if (in.setting("longhaul.replication.factor.override")) {
      own.replication_factor_override = in.replication_factor("longhaul.replication.factor.override", 1);
    }
  }

  void read_topics(OptionReader& in) {
    flow_.topics = in.list("topics", ".*");
    const bool rule3 = flow_.own.compatibility == InternalTopicRule::mm2_3;
    flow_.topics_exclude = in.list("topics.exclude", rule3 ? kTopicsExclude3 : kTopicsExclude4);
    flow_.config_properties_exclude = in.list("config.properties.exclude", kConfigExclude);
    flow_.use_defaults_from =
        in.choice("use.defaults.from", UseDefaultsFrom::target,
                  {{"source", UseDefaultsFrom::source}, {"target", UseDefaultsFrom::target}});
    flow_.replication_factor = in.replication_factor("replication.factor", 2);
    flow_.admin_timeout = in.millis("admin.timeout.ms", flow_.admin_timeout, 1);
    flow_.consumer_poll_timeout = in.millis("consumer.poll.timeout.ms", flow_.consumer_poll_timeout);
    flow_.tasks_max = in.number<std::int32_t>("tasks.max", 1, 1);
    flow_.connector_name = in.text("name", flow_.connector_name);
    if (in.setting("offsets.storage.topic"))
      flow_.connector_offsets_topic = in.text("offsets.storage.topic", "");
  }

  void read_intervals(OptionReader& in) {
    flow_.refresh_topics = in.interval("refresh.topics", true, 600, ZeroInterval::refused);
    flow_.sync_topic_configs = in.interval("sync.topic.configs", true, 600, ZeroInterval::refused);
    flow_.sync_topic_acls = in.interval("sync.topic.acls", true, 600, ZeroInterval::refused);
    auto& checkpoints = flow_.checkpoints;
    checkpoints.refresh_groups = in.interval("refresh.groups", true, 600, ZeroInterval::refused);
    checkpoints.emit = in.interval("emit.checkpoints", true, 60, ZeroInterval::accepted);
    checkpoints.sync_group_offsets = in.interval("sync.group.offsets", false, 60, ZeroInterval::disabled);
    flow_.heartbeats.emit = in.interval("emit.heartbeats", true, 1, ZeroInterval::accepted);
  }

  void read_internal_topics(OptionReader& in) {
    auto& syncs = flow_.offset_syncs;
    syncs.location =
        in.choice("offset-syncs.topic.location", OffsetSyncsLocation::source,
                  {{"source", OffsetSyncsLocation::source}, {"target", OffsetSyncsLocation::target}});
    syncs.emit = in.boolean("emit.offset-syncs.enabled", true);
    syncs.replication_factor = in.replication_factor("offset-syncs.topic.replication.factor", 3);
    syncs.offset_lag_max = in.integer("offset.lag.max", 100, 0, std::numeric_limits<std::int64_t>::max());
    if (!syncs.emit) refuse_syncs_options(in);

    auto& checkpoints = flow_.checkpoints;
    checkpoints.groups = in.list("groups", ".*");
    checkpoints.groups_exclude = in.list("groups.exclude", kGroupsExclude);
    checkpoints.replication_factor = in.replication_factor("checkpoints.topic.replication.factor", 3);
    flow_.heartbeats.replicate = in.boolean("heartbeats.replication.enabled", true);
    flow_.heartbeats.replication_factor = in.replication_factor("heartbeats.topic.replication.factor", 3);
    read_exactly_once_support(in);
  }

  /// MirrorMaker 2 refuses options of a topic that is switched off (KIP-1031).
  void refuse_syncs_options(OptionReader& in) {
    for (const auto& [key, setting] : connector_) {
      if (!key.starts_with("offset-syncs.topic.") && !key.starts_with("offset-syncs-")) continue;
      in.complain(refused(setting, "must not be set together with emit.offset-syncs.enabled = false"));
    }
  }

  void read_exactly_once_support(OptionReader& in) {
    enum class Support { none, requested, required, enabled };
    const auto* setting = in.setting("exactly.once.support");
    if (!setting) return;
    const auto support = in.choice(
        "exactly.once.support", Support::requested,
        {{"requested", Support::requested}, {"required", Support::required}, {"enabled", Support::enabled}});
    if (support != Support::enabled) return;
    in.warn(
        WarningKind::differs_from_mm2, *setting,
        fmt::format("MirrorMaker 2 refuses 'enabled' here; read as {}.exactly.once.source.support = enabled",
                    flow_.target));
  }

  /// Patterns and names are compiled when the file is read, so that a wrong one stops here and not at a
  /// refresh.
  Result<void> compile(OptionReader& in) {
    LH_TRY(auto policy, make_policy(in));
    LH_TRY(auto topics, pattern_list(in, "topics", flow_.topics));
    LH_TRY(auto topics_exclude, pattern_list(in, "topics.exclude", flow_.topics_exclude));
    LH_TRY(auto groups, pattern_list(in, "groups", flow_.checkpoints.groups));
    LH_TRY(auto groups_exclude, pattern_list(in, "groups.exclude", flow_.checkpoints.groups_exclude));
    LH_TRY(auto config_exclude,
           pattern_list(in, "config.properties.exclude", flow_.config_properties_exclude));
    flow_.selection = std::make_shared<const replicator::TopicSelection>(
        TopicFilter(std::move(topics), std::move(topics_exclude)), std::move(policy), flow_.target,
        flow_.heartbeats.replicate ? replicator::HeartbeatsReplication::on
                                   : replicator::HeartbeatsReplication::off);
    flow_.group_filter = std::make_shared<const TopicFilter>(std::move(groups), std::move(groups_exclude));
    flow_.config_exclude = std::make_shared<const PatternList>(std::move(config_exclude));
    return {};
  }

  Result<ReplicationPolicy> make_policy(OptionReader& in) {
    replicator::ReplicationPolicyOptions options;
    options.class_name = in.text("replication.policy.class", options.class_name);
    const auto* separator = in.note("replication.policy.separator", ".");
    // Not trimmed to nothing by accident: a separator of blanks is refused like an empty one.
    if (separator) options.separator = trimmed(separator->value);
    options.separator_in_internal_topics =
        in.boolean("replication.policy.internal.topic.separator.enabled", true);
    options.source_alias = flow_.source;
    options.internal_topics = flow_.own.compatibility;
    LH_TRY_VOID(in.result());
    auto policy = ReplicationPolicy::create(std::move(options));
    if (policy) return policy;
    const bool about_separator = separator && trimmed(separator->value).empty();
    return refused_value(about_separator ? *separator : *in.setting("replication.policy.class"),
                         policy.error().message());
  }

  Result<PatternList> pattern_list(OptionReader& in, std::string_view key,
                                   const std::vector<std::string>& items) {
    auto list = PatternList::compile(items);
    if (list) return list;
    return refused_value(*in.setting(key), list.error().message());
  }

  void name_topics() {
    const auto& policy = flow_.policy();
    const bool on_source = flow_.offset_syncs.location == OffsetSyncsLocation::source;
    flow_.offset_syncs.topic = policy.offset_syncs_topic(on_source ? flow_.target : flow_.source);
    flow_.checkpoints.topic = policy.checkpoints_topic(flow_.source);
    flow_.heartbeats.topic = ReplicationPolicy::heartbeats_topic();
  }

  Result<ClientSettings> client(Side side, ClientRole role, std::string_view id) {
    const auto& alias = side == Side::source ? flow_.source : flow_.target;
    const ClientPlace place{alias, side, role, fmt::format("{}|{}", flow_.name(), id)};
    return read_client(place, client_properties(connector_, side, role), file_, warnings_);
  }

  Result<void> read_clients() {
    using enum Side;
    using enum ClientRole;
    const bool on_source = flow_.offset_syncs.location == OffsetSyncsLocation::source;
    const auto syncs_id =
        fmt::format("MirrorSourceConnector-0|offset-syncs-{}-producer", on_source ? "source" : "target");
    LH_TRY(flow_.source_consumer, client(source, consumer, "MirrorSourceConnector-0|replication-consumer"));
    LH_TRY(flow_.source_admin, client(source, admin, "MirrorSourceConnector|replication-source-admin"));
    LH_TRY(flow_.source_producer, client(source, producer, syncs_id));
    LH_TRY(flow_.target_consumer,
           client(target, consumer, "MirrorCheckpointConnector-0|checkpoints-target-consumer"));
    LH_TRY(flow_.target_admin, client(target, admin, "MirrorSourceConnector|replication-target-admin"));
    LH_TRY(flow_.target_producer, client(target, producer, syncs_id));

    auto data = data_producer_properties(top_, flow_.source, flow_.target);
    warn_beyond_mm2(data.beyond_mm2);
    const ClientPlace place{flow_.target, target, producer, "connector-producer-MirrorSourceConnector-0",
                            ClientPlace::UserClientId::instead};
    LH_TRY(flow_.data_producer, read_client(place, std::move(data.settings), file_, warnings_));
    return {};
  }

  void warn_beyond_mm2(const std::vector<std::string>& keys) {
    std::string listed;
    Warning warning{WarningKind::differs_from_mm2, {}, {}};
    for (const auto& key : keys) {
      const auto name = key.substr(key.rfind("producer.") + std::string_view("producer.").size());
      const auto* known = find_client_key(name, kProducer);
      const bool used = is_common_client_key(name) || (known && known->state != KeyState::no_effect);
      if (!used) continue;
      listed +=
          fmt::format("{}{} (line {})", listed.empty() ? "" : ", ", key, top_.find(key)->second.origin.line);
      warning.keys.push_back(key);
    }
    if (warning.keys.empty()) return;
    warning.text = fmt::format(
        "{}: applied to the producer of mirrored records, which MirrorMaker 2 would not do (there "
        "it needs {}.producer.* or {}.producer.override.*): {}",
        file_, flow_.target, flow_.name(), listed);
    warnings_.push_back(std::move(warning));
  }

  void apply_replication_factor_override() {
    const auto factor = flow_.own.replication_factor_override;
    if (!factor) return;
    for (auto* field :
         {&flow_.replication_factor, &flow_.offset_syncs.replication_factor,
          &flow_.checkpoints.replication_factor, &flow_.heartbeats.replication_factor,
          &flow_.worker.offset_storage_replication_factor, &flow_.worker.config_storage_replication_factor,
          &flow_.worker.status_storage_replication_factor}) {
      *field = *factor;
    }
    const auto& override_setting = connector_.find("longhaul.replication.factor.override")->second;
    for (auto* list : {&flow_.effective, &flow_.worker.effective}) {
      for (auto& option : *list) {
        if (option.key.ends_with("replication.factor")) option.setting = override_setting;
      }
    }
  }

  Result<void> check_topic_names(OptionReader& in) {
    for (const auto& [key, name] : {std::pair{"longhaul.state.topic", &flow_.own.state_topic},
                                    std::pair{"offset.storage.topic", &flow_.worker.offset_storage_topic}}) {
      if (is_legal_topic_name(*name)) continue;
      const auto reason =
          fmt::format("'{}' is not a legal topic name (letters, digits, '.', '_', '-', at most 249)", *name);
      if (const auto* setting = in.setting(key)) return refused_value(*setting, reason);
      if (const auto it = flow_.worker.raw.find(key); it != flow_.worker.raw.end())
        return refused_value(it->second, reason);
      return fail(
          Error{{},
                fmt::format("{}: flow {}: {}, which the default of {} becomes with this cluster alias", file_,
                            flow_.name(), reason, key)});
    }
    return {};
  }

  void explain_why_not_runnable() {
    if (!flow_.enabled()) {
      flow_.not_runnable = fmt::format("flow {} is {}; heartbeats are not served yet by this version",
                                       flow_.name(), flow_.reason_text);
      return;
    }
    for (const auto* client : {&flow_.source_consumer, &flow_.source_admin, &flow_.target_admin,
                               &flow_.target_consumer, &flow_.data_producer}) {
      if (!client->security.not_served) continue;
      flow_.not_runnable =
          fmt::format("flow {}: the {} of cluster {}: {}", flow_.name(), to_string(client->role),
                      client->cluster, *client->security.not_served);
      return;
    }
  }

  const SettingMap& top_;
  std::string_view file_;
  std::vector<Warning>& warnings_;
  SettingMap connector_;
  FlowConfig flow_;
};

}  // namespace

Result<FlowConfig> read_flow(const SettingMap& top, const FlowPair& pair, std::string_view file,
                             std::vector<Warning>& warnings) {
  return FlowReader(top, pair, file, warnings).run();
}

}  // namespace longhaul::config
