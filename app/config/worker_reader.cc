#include "app/config/worker_reader.h"

#include <algorithm>
#include <array>

#include "app/config/option_reader.h"
#include "app/config/precedence.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

/// `offset.storage.<name>` beyond the options of the store itself configures the topic at its creation
/// (KIP-605).
void read_topic_configs(WorkerConfig& worker, const SettingMap& connector_top,
                        std::vector<Warning>& warnings) {
  constexpr std::array<std::string_view, 3> kOptions{"topic", "partitions", "replication.factor"};
  for (const auto& [name, setting] : with_prefix_stripped(connector_top, "offset.storage.")) {
    if (std::ranges::find(kOptions, name) != kOptions.end()) continue;
    if (name == "cleanup.policy") {
      warnings.push_back(
          {WarningKind::no_effect,
           fmt::format("{}:{}: {}: ignored, as by MirrorMaker 2: the topic is always compacted",
                       setting.origin.file, setting.origin.line, setting.origin.key),
           {setting.origin.key}});
      continue;
    }
    worker.offset_storage_topic_configs.emplace_back(name, setting.value);
    worker.effective.push_back({fmt::format("offset.storage.{}", name), setting});
  }
}

}  // namespace

Result<WorkerConfig> read_worker(const SettingMap& top, const SettingMap& connector, const FlowConfig& flow,
                                 std::vector<Warning>& warnings) {
  WorkerConfig worker;
  worker.raw = worker_properties(top, flow.target);
  OptionReader in(worker.raw, worker.effective, warnings);
  const auto topic = [&](std::string_view kind) {
    return fmt::format("mm2-{}.{}.internal", kind, flow.source);
  };

  worker.group_id = in.text("group.id", fmt::format("{}-mm2", flow.source));
  worker.client_id = in.text("client.id", flow.name());
  worker.offset_storage_topic = in.text("offset.storage.topic", topic("offsets"));
  worker.offset_storage_partitions = in.number<std::int32_t>("offset.storage.partitions", 25, 1);
  worker.offset_storage_replication_factor = in.replication_factor("offset.storage.replication.factor", 3);
  read_topic_configs(worker, worker.raw, warnings);
  worker.config_storage_topic = in.text("config.storage.topic", topic("configs"));
  worker.config_storage_replication_factor = in.replication_factor("config.storage.replication.factor", 3);
  worker.status_storage_topic = in.text("status.storage.topic", topic("status"));
  worker.status_storage_partitions = in.number<std::int32_t>("status.storage.partitions", 5, 1);
  worker.status_storage_replication_factor = in.replication_factor("status.storage.replication.factor", 3);
  worker.offset_flush_interval = in.millis("offset.flush.interval.ms", worker.offset_flush_interval);
  worker.offset_flush_timeout = in.millis("offset.flush.timeout.ms", worker.offset_flush_timeout);

  const bool written = in.setting("exactly.once.source.support") != nullptr;
  worker.exactly_once_source_support = in.choice("exactly.once.source.support", ExactlyOnce::disabled,
                                                 {{"disabled", ExactlyOnce::disabled},
                                                  {"preparing", ExactlyOnce::preparing},
                                                  {"enabled", ExactlyOnce::enabled}});
  LH_TRY_VOID(in.result());

  const auto taught = connector.find("exactly.once.support");
  if (!written && taught != connector.end() && lowered(trimmed(taught->second.value)) == "enabled") {
    worker.exactly_once_source_support = ExactlyOnce::enabled;
    const auto option =
        std::ranges::find(worker.effective, "exactly.once.source.support", &EffectiveOption::key);
    option->setting = taught->second;
  }
  return worker;
}

bool is_legal_topic_name(std::string_view name) {
  const auto is_legal = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::ranges::all_of(name, is_legal);
}

}  // namespace longhaul::config
