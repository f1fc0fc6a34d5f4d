#include "app/config/flow_pairs.h"

#include <fmt/format.h>

#include "app/config/values.h"

namespace longhaul::config {
namespace {

constexpr std::string_view kHeartbeats = "emit.heartbeats.enabled";

const Setting* find(const SettingMap& settings, std::string_view key) {
  const auto it = settings.find(key);
  return it == settings.end() ? nullptr : &it->second;
}

/// Java's `Boolean.parseBoolean`: blanks count.
bool is_exactly_true(const Setting& setting) {
  return lowered(setting.value) == "true";
}

/// The two readings of one key: MirrorMaker 2's pair test, and the option that the connectors see.
struct Switch {
  bool for_pair = false;
  bool for_connector = false;
};

Result<Switch> read_switch(const Setting* setting, bool fallback) {
  if (!setting) return Switch{fallback, fallback};
  const auto value = parse_boolean(setting->value);
  if (!value) return wrong_value(*setting, "true or false");
  return Switch{is_exactly_true(*setting), *value};
}

}  // namespace

Result<std::vector<FlowPair>> existing_flows(const SettingMap& top, const std::vector<std::string>& aliases,
                                             std::vector<Warning>& warnings) {
  LH_TRY(const auto all_heartbeats, read_switch(find(top, kHeartbeats), true));
  std::vector<FlowPair> flows;
  for (const auto& source : aliases) {
    for (const auto& target : aliases) {
      if (source == target) continue;
      const auto prefix = fmt::format("{}->{}.", source, target);
      const auto* enabled_setting = find(top, prefix + "enabled");
      LH_TRY(const auto enabled, read_switch(enabled_setting, false));
      LH_TRY(const auto heartbeats,
             read_switch(find(top, fmt::format("{}{}", prefix, kHeartbeats)), all_heartbeats.for_pair));
      if (enabled.for_pair || heartbeats.for_pair) {
        flows.push_back({source, target});
      } else if (enabled.for_connector) {
        const auto& origin = enabled_setting->origin;
        warnings.push_back(
            {WarningKind::value,
             fmt::format("{}:{}: {}: blanks around '{}' hide it when heartbeats are off: the flow does "
                         "not exist, as in MirrorMaker 2; remove them",
                         origin.file, origin.line, origin.key, enabled_setting->value),
             {origin.key}});
      }
    }
  }
  return flows;
}

}  // namespace longhaul::config
