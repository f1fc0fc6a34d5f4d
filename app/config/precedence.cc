#include "app/config/precedence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/config/known_keys.h"

namespace longhaul::config {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"producer", "consumer", "admin"};

void put_all(SettingMap& into, const SettingMap& from, std::string_view prefix = {}) {
  for (const auto& [key, setting] : from) into.insert_or_assign(fmt::format("{}{}", prefix, key), setting);
}

void fill_roles(SettingMap& view, std::string_view key, const Setting& setting) {
  for (const auto role : kRoles) view.try_emplace(fmt::format("{}.{}", role, key), setting);
}

/// Top-level keys that are options of a connector; the others never reach one.
bool is_top_level_option(std::string_view key) {
  if (key.starts_with("config.providers") || key.starts_with("replication.policy")) return true;
  const auto* known = find_key(key.starts_with("longhaul.") ? own_keys() : connector_keys(), key);
  return known && known->place == KeyPlace::anywhere && !known->name.ends_with('*');
}

void put_cluster(SettingMap& properties, const SettingMap& view, std::string_view side) {
  for (const auto& [key, setting] : view) {
    const bool of_role = std::ranges::any_of(kRoles, [&](auto role) { return key.starts_with(role); });
    properties.insert_or_assign(fmt::format("{}.{}{}", side, of_role ? "" : "cluster.", key), setting);
  }
}

}  // namespace

SettingMap with_prefix_stripped(const SettingMap& settings, std::string_view prefix) {
  SettingMap out;
  for (auto it = settings.lower_bound(prefix); it != settings.end() && it->first.starts_with(prefix); ++it) {
    if (it->first.size() > prefix.size()) out.emplace(it->first.substr(prefix.size()), it->second);
  }
  return out;
}

SettingMap cluster_view(const SettingMap& top, std::string_view alias) {
  auto view = with_prefix_stripped(top, fmt::format("{}.", alias));
  for (const auto key : common_client_keys()) {
    if (const auto it = view.find(key); it != view.end()) fill_roles(view, key, Setting(it->second));
  }
  for (const auto key : common_client_keys()) {
    const auto it = top.find(key);
    if (it == top.end()) continue;
    fill_roles(view, key, it->second);
    view.try_emplace(std::string(key), it->second);
  }
  return view;
}

SettingMap connector_properties(const SettingMap& top, std::string_view source, std::string_view target) {
  SettingMap properties;
  for (const auto& [key, setting] : top) {
    if (is_top_level_option(key)) properties.emplace(key, setting);
  }
  put_cluster(properties, cluster_view(top, source), "source");
  put_cluster(properties, cluster_view(top, target), "target");
  put_all(properties, with_prefix_stripped(top, fmt::format("{}->{}.", source, target)));
  return properties;
}

SettingMap client_properties(const SettingMap& connector, Side side, ClientRole role) {
  const auto side_name = to_string(side);
  const auto role_name = to_string(role);
  SettingMap settings;
  for (const auto& [key, setting] : with_prefix_stripped(connector, fmt::format("{}.cluster.", side_name))) {
    if (is_common_client_key(key)) settings.emplace(key, setting);
  }
  for (const auto& [key, setting] : with_prefix_stripped(connector, fmt::format("{}.", role_name))) {
    // Options of the connector that only look like properties of a client.
    if (key == "poll.timeout.ms" || (role == ClientRole::admin && key == "timeout.ms")) continue;
    if (key.starts_with("override.")) continue;
    settings.insert_or_assign(key, setting);
  }
  put_all(settings, with_prefix_stripped(connector, fmt::format("{}.{}.", side_name, role_name)));
  return settings;
}

DataProducerProperties data_producer_properties(const SettingMap& top, std::string_view source,
                                                std::string_view target) {
  const auto flow = fmt::format("{}->{}.", source, target);
  DataProducerProperties out;
  for (const auto& [key, setting] : with_prefix_stripped(top, flow + "producer.")) {
    if (!key.starts_with("override.")) out.settings.insert_or_assign(key, setting);
  }
  put_all(out.settings, with_prefix_stripped(worker_properties(top, target), "producer."));
  put_all(out.settings, with_prefix_stripped(top, flow + "target.producer."));
  put_all(out.settings, with_prefix_stripped(top, flow + "producer.override."));
  for (const auto& [key, setting] : out.settings) {
    const auto& raw = setting.origin.key;
    if (raw.starts_with(flow) && !raw.starts_with(flow + "producer.override.")) out.beyond_mm2.push_back(raw);
  }
  return out;
}

SettingMap worker_properties(const SettingMap& top, std::string_view target) {
  auto properties = cluster_view(top, target);
  for (const auto& [key, setting] : top) {
    const auto& prefixes = top_level_worker_prefixes();
    if (std::ranges::any_of(prefixes, [&](auto prefix) { return key.starts_with(prefix); })) {
      properties.insert_or_assign(key, setting);
    }
  }
  return properties;
}

}  // namespace longhaul::config
