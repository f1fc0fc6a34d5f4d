#include "app/config/configuration.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "app/config/client_reader.h"
#include "app/config/file.h"
#include "app/config/flow_pairs.h"
#include "app/config/flow_reader.h"
#include "app/config/key_check.h"
#include "app/config/nearest.h"
#include "app/config/option_reader.h"
#include "app/config/precedence.h"
#include "app/config/security_reader.h"
#include "app/config/settings_file.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

class Loader {
 public:
  Loader(std::string_view text, std::string_view name, const LoadOptions& options)
      : text_(text), name_(name), options_(options) {
    out_.file = name;
  }

  Result<Configuration> run() {
    LH_TRY(top_, read_settings(text_, name_, options_, out_.warnings));
    LH_TRY_VOID(read_aliases());
    LH_TRY_VOID(read_clusters());
    LH_TRY_VOID(read_process());
    LH_TRY(const auto pairs, existing_flows(top_, aliases_, out_.warnings));
    for (const auto& pair : pairs) {
      LH_TRY(auto flow, read_flow(top_, pair, name_, out_.warnings));
      out_.flows.push_back(std::move(flow));
    }
    auto about_keys = check_keys(top_, aliases_, name_);
    std::ranges::move(about_keys, std::back_inserter(out_.warnings));
    arrange_warnings();
    return std::move(out_);
  }

 private:
  Result<void> read_aliases() {
    std::vector<EffectiveOption> ignored;
    OptionReader in(top_, ignored, out_.warnings);
    aliases_ = in.list("clusters", "");
    LH_TRY_VOID(in.result());
    if (!aliases_.empty()) return {};
    if (const auto* setting = in.setting("clusters")) {
      return wrong_value(*setting, "the aliases of the clusters between commas, such as A, B");
    }
    return fail(Error{
        {}, fmt::format("{}: clusters is missing: it names the clusters, such as 'clusters = A, B'", name_)});
  }

  Result<void> read_clusters() {
    for (const auto& alias : aliases_) {
      const auto view = cluster_view(top_, alias);
      ClusterConfig cluster{alias, {}, {}, {}};
      OptionReader in(view, cluster.effective, out_.warnings);
      LH_TRY(cluster.bootstrap_servers, read_bootstrap_servers(in, name_, alias));
      cluster.security_protocol = read_security_protocol(in);
      LH_TRY_VOID(in.result());
      out_.clusters.push_back(std::move(cluster));
    }
    return {};
  }

  Result<void> read_process() {
    auto& process = out_.process;
    OptionReader in(top_, process.effective, out_.warnings);
    if (const auto* memory = in.note("longhaul.memory.max", "256 MiB")) {
      const auto bytes = parse_bytes(memory->value);
      constexpr std::uint64_t kMin = 16 << 20;
      if (!bytes || *bytes < kMin) {
        in.complain(wrong_value(*memory, "a size from 16 MiB, such as 268435456, 256 MiB or 1GB"));
      } else {
        process.memory_max_bytes = static_cast<std::size_t>(*bytes);
      }
    }
    const auto* threads = in.note("longhaul.threads", "auto");
    if (threads && lowered(trimmed(threads->value)) != "auto") {
      const auto number = parse_integer(threads->value);
      if (!number || *number < 1 || *number > 1024) {
        in.complain(wrong_value(*threads, "auto, or a whole number from 1 to 1024"));
      } else {
        process.threads = static_cast<int>(*number);
      }
    }
    return in.result();
  }

  /// Ordered by kind; one line once, although several flows may have met the same key.
  void arrange_warnings() {
    std::set<std::string> seen;
    std::map<WarningKind, std::vector<Warning>> by_kind;
    for (auto& warning : out_.warnings) {
      if (seen.insert(warning.text).second) by_kind[warning.kind].push_back(std::move(warning));
    }
    out_.warnings.clear();
    for (auto& [kind, warnings] : by_kind) std::ranges::move(warnings, std::back_inserter(out_.warnings));
  }

  std::string_view text_;
  std::string_view name_;
  const LoadOptions& options_;
  SettingMap top_;
  std::vector<std::string> aliases_;
  Configuration out_;
};

}  // namespace

std::string_view to_string(WarningKind kind) {
  switch (kind) {
    case WarningKind::not_served:
      return "not served";
    case WarningKind::unknown_key:
      return "unknown key";
    case WarningKind::no_effect:
      return "no effect";
    case WarningKind::misplaced:
      return "misplaced";
    case WarningKind::differs_from_mm2:
      return "differs from MirrorMaker 2";
    case WarningKind::legacy_spelling:
      return "legacy spelling";
    case WarningKind::unknown_cluster:
      return "unknown cluster";
    case WarningKind::value:
      return "value";
  }
  return "unknown";
}

Result<Configuration> load(const std::filesystem::path& file, const LoadOptions& options) {
  LH_TRY(const auto text, read_file(file));
  return load_text(text, file.string(), options);
}

Result<Configuration> load_text(std::string_view text, std::string_view name, const LoadOptions& options) {
  return Loader(text, name, options).run();
}

Result<const FlowConfig*> Configuration::flow(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& candidate : flows) {
    if (candidate.name() == name) return &candidate;
    names.push_back(candidate.name());
  }
  std::ranges::sort(names, {},
                    [&](const std::string& other) { return std::pair(edit_distance(name, other), other); });
  std::string listed;
  for (const auto& other : names) listed += fmt::format("{}'{}'", listed.empty() ? "" : ", ", other);
  return fail(Error{
      {}, fmt::format("{}: there is no flow '{}'; flows: {}", file, name, listed.empty() ? "none" : listed)});
}

Result<std::vector<const FlowConfig*>> select_flows(const Configuration& configuration,
                                                    const std::vector<std::string>& clusters) {
  std::vector<std::string> aliases;
  for (const auto& cluster : configuration.clusters) aliases.push_back(cluster.alias);
  for (const auto& wanted : clusters) {
    if (std::ranges::find(aliases, wanted) != aliases.end()) continue;
    const auto guess = nearest(wanted, aliases);
    return fail(
        Error{{},
              fmt::format("--clusters {}: there is no such cluster in {}{}", wanted, configuration.file,
                          guess ? fmt::format("; did you mean {}?", *guess) : std::string())});
  }
  std::vector<const FlowConfig*> flows;
  for (const auto& flow : configuration.flows) {
    const bool wanted = clusters.empty() || std::ranges::find(clusters, flow.target) != clusters.end();
    if (wanted && flow.enabled()) flows.push_back(&flow);
  }
  if (!flows.empty()) return flows;
  return fail(Error{
      {},
      fmt::format("{}: no source->target replication flows{}: enable one, such as 'A->B.enabled = true'",
                  configuration.file, clusters.empty() ? "" : " into the given --clusters")});
}

Result<void> require_runnable(const FlowConfig& flow) {
  if (flow.not_runnable) return fail(Error{{}, *flow.not_runnable});
  return {};
}

}  // namespace longhaul::config
