#include "app/config/key_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "app/config/known_keys.h"
#include "app/config/nearest.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

using Kind = KeyVerdict::Kind;
using Aliases = std::vector<std::string>;

struct RolePrefix {
  std::string_view text;
  std::uint8_t roles;
};
constexpr RolePrefix kRolePrefixes[] = {
    {"consumer.", kConsumer}, {"producer.", kProducer}, {"admin.", kAdmin}};

KeyVerdict verdict_of(KeyState state, std::string_view note = {}) {
  switch (state) {
    case KeyState::served:
      return {Kind::served, {}};
    case KeyState::not_served:
      return {Kind::not_served, {}};
    case KeyState::no_effect:
      return {Kind::no_effect, std::string(note)};
  }
  return {};
}

KeyVerdict misplaced(std::string hint) {
  return {Kind::misplaced, std::move(hint)};
}

KeyVerdict judge_common_key(std::string_view name) {
  const auto known = common_client_key(name);
  return verdict_of(known.state, known.note);
}

std::optional<KeyVerdict> judge_client_key(std::string_view name, std::uint8_t roles) {
  if (is_common_client_key(name)) return judge_common_key(name);
  if (const auto* known = find_client_key(name, roles)) return verdict_of(known->state, known->note);
  return std::nullopt;
}

/// `consumer.<k>` and the like after `prefix`; nullopt when `name` has no such form or the key is unknown.
std::optional<KeyVerdict> judge_role_key(std::string_view name, std::string_view prefix = {}) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  for (const auto& role : kRolePrefixes) {
    if (name.starts_with(role.text)) return judge_client_key(name.substr(role.text.size()), role.roles);
  }
  return std::nullopt;
}

std::string_view first_role_of(std::string_view name) {
  for (const auto& role : kRolePrefixes) {
    if (find_client_key(name, role.roles)) return role.text;
  }
  return {};
}

template <class Table>
void add_names(std::vector<std::string>& out, const Table& table, std::string_view prefix) {
  for (const auto& entry : table) {
    std::string_view name;
    if constexpr (requires { entry.name; }) {
      name = entry.name;
    } else {
      name = entry;
    }
    if (!name.ends_with('*')) out.push_back(fmt::format("{}{}", prefix, name));
  }
}

void add_role_names(std::vector<std::string>& out, std::string_view prefix) {
  for (const auto& role : kRolePrefixes) {
    for (const auto& key : client_keys()) {
      if (key.roles & role.roles) out.push_back(fmt::format("{}{}{}", prefix, role.text, key.name));
    }
    add_names(out, common_client_keys(), fmt::format("{}{}", prefix, role.text));
  }
}

KeyVerdict unknown(std::string_view key, const std::vector<std::string>& candidates) {
  const auto guess = nearest(key, candidates);
  return {Kind::unknown, guess ? fmt::format("did you mean {}?", *guess) : std::string()};
}

/// The part of `key` after `A->B.`, for the longest pair of known aliases that fits.
struct FlowKey {
  std::string source;
  std::string target;
  std::string_view rest;
};
std::optional<FlowKey> as_flow_key(std::string_view key, const Aliases& aliases) {
  std::optional<FlowKey> best;
  for (const auto& source : aliases) {
    for (const auto& target : aliases) {
      const auto prefix = fmt::format("{}->{}.", source, target);
      if (source == target || !key.starts_with(prefix)) continue;
      if (!best || key.size() - prefix.size() < best->rest.size())
        best = {source, target, key.substr(prefix.size())};
    }
  }
  return best;
}

KeyVerdict judge_flow_key(const FlowKey& key) {
  const auto rest = key.rest;
  const auto flow = fmt::format("{}->{}.", key.source, key.target);
  constexpr std::string_view kOverride = "producer.override.";
  if (rest.starts_with(kOverride)) {
    if (const auto verdict = judge_client_key(rest.substr(kOverride.size()), kProducer)) return *verdict;
  } else if (const auto* known =
                 find_key(rest.starts_with("longhaul.") ? own_keys() : connector_keys(), rest)) {
    if (known->place == KeyPlace::top_only) return misplaced(fmt::format("write {} without the flow", rest));
    return verdict_of(known->state, known->note);
  }
  if (rest.starts_with("source.producer.")) {
    // Only the offset-syncs producer writes to the source.
    const auto verdict = judge_role_key(rest, "source.");
    if (verdict) return verdict->kind == Kind::served ? KeyVerdict{Kind::not_served, {}} : *verdict;
  }
  for (const std::string_view side : {"source.", "target.", ""}) {
    if (const auto verdict = judge_role_key(rest, side)) return *verdict;
  }
  for (const auto& [side, alias] : {std::pair{std::string_view("source.cluster."), key.source},
                                    std::pair{std::string_view("target.cluster."), key.target}}) {
    if (!rest.starts_with(side)) continue;
    const auto name = rest.substr(side.size());
    if (is_common_client_key(name)) {
      return {Kind::no_effect,
              fmt::format("as in MirrorMaker 2, the settings of the cluster win; write {}.{}", alias, name)};
    }
  }
  if (is_common_client_key(rest)) return misplaced(fmt::format("write {}.{}", key.source, rest));
  if (find_key(worker_keys(), rest)) return misplaced(fmt::format("write {}.{}", key.target, rest));
  if (const auto role = first_role_of(rest); !role.empty()) {
    return misplaced(
        fmt::format("write {}{}.{}{}", flow, role == "producer." ? "target" : "source", role, rest));
  }
  std::vector<std::string> candidates;
  add_names(candidates, connector_keys(), flow);
  add_names(candidates, own_keys(), flow);
  for (const std::string_view side : {"source.", "target.", ""})
    add_role_names(candidates, fmt::format("{}{}", flow, side));
  return unknown(fmt::format("{}{}", flow, rest), candidates);
}

std::optional<KeyVerdict> judge_top_key(std::string_view key) {
  const bool own = key.starts_with("longhaul.");
  if (const auto* known = find_key(own ? own_keys() : connector_keys(), key)) {
    if (known->place == KeyPlace::flow_only)
      return misplaced(fmt::format("write it for a flow: A->B.{}", key));
    return verdict_of(known->state, known->note);
  }
  if (is_common_client_key(key)) return judge_common_key(key);
  const auto prefixes = top_level_worker_prefixes();
  if (std::ranges::any_of(prefixes, [&](auto prefix) { return key.starts_with(prefix); })) {
    if (const auto* known = find_key(worker_keys(), key)) return verdict_of(known->state, known->note);
  }
  return std::nullopt;
}

void add_alias_names(std::vector<std::string>& out, std::string_view alias) {
  const auto prefix = fmt::format("{}.", alias);
  add_names(out, common_client_keys(), prefix);
  add_names(out, worker_keys(), prefix);
  add_role_names(out, prefix);
}

KeyVerdict judge_alias_key(std::string_view alias, std::string_view rest) {
  if (is_common_client_key(rest)) return judge_common_key(rest);
  if (const auto verdict = judge_role_key(rest)) return *verdict;
  if (const auto* known = find_key(worker_keys(), rest)) return verdict_of(known->state, known->note);
  const auto* option = find_key(rest.starts_with("longhaul.") ? own_keys() : connector_keys(), rest);
  if (option) {
    return misplaced(option->place == KeyPlace::top_only
                         ? fmt::format("write {} without the cluster", rest)
                         : fmt::format("write {1}{0}, for one flow", rest,
                                       option->place == KeyPlace::flow_only
                                           ? "A->B."
                                           : "it without the cluster, or A->B."));
  }
  if (const auto role = first_role_of(rest); !role.empty()) {
    return misplaced(fmt::format("write {}.{}{}", alias, role, rest));
  }
  std::vector<std::string> candidates;
  add_alias_names(candidates, alias);
  return unknown(fmt::format("{}.{}", alias, rest), candidates);
}

/// What is known, but not at top level.
std::optional<KeyVerdict> judge_dropped_top_key(std::string_view key) {
  if (find_key(worker_keys(), key)) return misplaced(fmt::format("write <target>.{}", key));
  for (const std::string_view side : {"source.", "target.", ""}) {
    if (!judge_role_key(key, side)) continue;
    const auto name = key.substr(side.size());
    return misplaced(fmt::format("write <cluster>.{}", name));
  }
  if (const auto role = first_role_of(key); !role.empty()) {
    return misplaced(fmt::format("write <cluster>.{}{}", role, key));
  }
  return std::nullopt;
}

KeyVerdict judge_unknown_flow(std::string_view key, const Aliases& aliases) {
  const auto arrow = key.find("->");
  const auto source = key.substr(0, arrow);
  const auto target = key.substr(arrow + 2, std::min(key.find('.', arrow), key.size()) - arrow - 2);
  if (source == target) {
    return {Kind::unknown_cluster,
            fmt::format("flow '{}->{}': a cluster is not replicated to itself", source, target)};
  }
  std::string note = fmt::format("flow '{}->{}':", source, target);
  std::string_view separator = " ";
  for (const auto alias : {source, target}) {
    if (std::ranges::find(aliases, alias) != aliases.end()) continue;
    const auto guess = nearest(alias, aliases);
    note += fmt::format("{}'{}' is not in clusters{}", separator, alias,
                        guess ? fmt::format(" (did you mean {}?)", *guess) : std::string());
    separator = ", ";
  }
  return {Kind::unknown_cluster, note};
}

KeyVerdict judge_unknown(std::string_view key, const Aliases& aliases) {
  std::vector<std::string> candidates;
  add_names(candidates, connector_keys(), "");
  add_names(candidates, own_keys(), "");
  add_names(candidates, common_client_keys(), "");
  for (const auto& alias : aliases) add_alias_names(candidates, alias);
  return unknown(key, candidates);
}

/// True where a key of something that is not served says that it is not wanted anyway.
bool is_switched_off(std::string_view key, const Setting& setting) {
  if (parse_boolean(setting.value) == false) return true;
  if (key.ends_with(".interval.seconds")) return parse_integer(setting.value).value_or(0) < 0;
  return false;
}

std::string listed(std::vector<std::pair<int, std::string>> keys) {
  std::ranges::sort(keys);
  std::string out;
  for (const auto& [line, key] : keys)
    out += fmt::format("{}{} (line {})", out.empty() ? "" : ", ", printable_key(key), line);
  return out;
}

class Report {
 public:
  Report(WarningKind kind, std::string intro) : kind_(kind), intro_(std::move(intro)) {}

  void add(const Setting& setting, const std::string& key, const std::string& note) {
    by_note_[note].emplace_back(setting.origin.line, key);
  }

  void finish(std::vector<Warning>& out, std::string_view file) const {
    if (by_note_.empty()) return;
    std::vector<std::pair<int, std::string>> parts;
    Warning warning{kind_, {}, {}};
    std::vector<std::pair<int, std::string>> keys;
    for (const auto& [note, members] : by_note_) {
      const auto line = std::ranges::min(members).first;
      parts.emplace_back(line, note.empty() ? listed(members) : fmt::format("{}: {}", listed(members), note));
      keys.insert(keys.end(), members.begin(), members.end());
    }
    std::ranges::sort(parts);
    std::ranges::sort(keys);
    for (auto& [line, key] : keys) warning.keys.push_back(std::move(key));
    for (const auto& [line, part] : parts)
      warning.text += fmt::format("{}{}", warning.text.empty() ? "" : "; ", part);
    warning.text = fmt::format("{}: {}: {}", file, intro_, warning.text);
    out.push_back(std::move(warning));
  }

 private:
  WarningKind kind_;
  std::string intro_;
  std::map<std::string, std::vector<std::pair<int, std::string>>> by_note_;
};

}  // namespace

KeyVerdict judge_key(std::string_view key, const std::vector<std::string>& aliases) {
  if (const auto flow = as_flow_key(key, aliases)) return judge_flow_key(*flow);
  if (const auto verdict = judge_top_key(key)) return *verdict;
  const std::string* alias = nullptr;
  for (const auto& candidate : aliases) {
    const bool fits =
        key.size() > candidate.size() && key.starts_with(candidate) && key[candidate.size()] == '.';
    if (fits && (!alias || candidate.size() > alias->size())) alias = &candidate;
  }
  if (alias) return judge_alias_key(*alias, key.substr(alias->size() + 1));
  if (key.find("->") != std::string_view::npos) return judge_unknown_flow(key, aliases);
  if (const auto verdict = judge_dropped_top_key(key)) return *verdict;
  return judge_unknown(key, aliases);
}

std::vector<Warning> check_keys(const SettingMap& top, const std::vector<std::string>& aliases,
                                std::string_view file) {
  Report not_served(WarningKind::not_served, "not served yet by this version");
  Report no_effect(WarningKind::no_effect, "without effect in Longhaul");
  Report out_of_place(WarningKind::misplaced, "ignored at this place, as by MirrorMaker 2");
  Report unknown_keys(WarningKind::unknown_key, "unknown keys, ignored as by MirrorMaker 2");
  std::map<std::string, Report> unknown_clusters;
  for (const auto& [key, setting] : top) {
    const auto verdict = judge_key(key, aliases);
    switch (verdict.kind) {
      case Kind::served:
        break;
      case Kind::not_served:
        if (!is_switched_off(key, setting)) not_served.add(setting, key, verdict.note);
        break;
      case Kind::no_effect:
        no_effect.add(setting, key, verdict.note);
        break;
      case Kind::misplaced:
        out_of_place.add(setting, key, verdict.note);
        break;
      case Kind::unknown:
        unknown_keys.add(setting, key, verdict.note);
        break;
      case Kind::unknown_cluster:
        unknown_clusters.try_emplace(verdict.note, WarningKind::unknown_cluster, verdict.note)
            .first->second.add(setting, key, {});
        break;
    }
  }
  std::vector<Warning> warnings;
  for (const auto* report : {&not_served, &no_effect, &out_of_place, &unknown_keys})
    report->finish(warnings, file);
  for (const auto& [note, report] : unknown_clusters) report.finish(warnings, file);
  return warnings;
}

}  // namespace longhaul::config
