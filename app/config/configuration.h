#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/flow_config.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

enum class WarningKind {
  not_served,        ///< known to MirrorMaker 2, not served by this version: one warning for all such keys
  unknown_key,       ///< one warning for all unknown keys, with the nearest known key of each
  no_effect,         ///< known, but has no meaning in Longhaul: one warning, with the reasons
  misplaced,         ///< MirrorMaker 2 ignores the key at this place, and so do we
  differs_from_mm2,  ///< honoured here, ignored or refused by MirrorMaker 2
  legacy_spelling,
  unknown_cluster,
  value,  ///< accepted, but surely not what was meant (trailing blank, interval 0, unresolved reference)
};

[[nodiscard]] std::string_view to_string(WarningKind kind);

struct Warning {
  WarningKind kind = WarningKind::value;
  std::string text;               ///< one line, complete
  std::vector<std::string> keys;  ///< the raw keys it is about
};

/// Settings of the whole process: top-level `longhaul.<x>`.
struct ProcessSettings {
  std::size_t memory_max_bytes = std::size_t{256} << 20;
  std::optional<int> threads;  ///< nullopt: one per core of the machine
  std::vector<EffectiveOption> effective;
};

struct ClusterConfig {
  std::string alias;
  std::vector<HostPort> bootstrap_servers;
  SecurityProtocol security_protocol = SecurityProtocol::plaintext;
  std::vector<EffectiveOption> effective;
};

/// A whole mm2.properties file, validated.
struct Configuration {
  std::string file;  ///< as given
  std::vector<ClusterConfig> clusters;
  std::vector<FlowConfig> flows;  ///< also those that exist for heartbeats only; in the order of `clusters`
  ProcessSettings process;
  std::vector<Warning> warnings;

  /// `name` is `A->B`. The error names the existing flows, the nearest first.
  [[nodiscard]] Result<const FlowConfig*> flow(std::string_view name) const;
};

/// What to do when a config provider cannot deliver (file missing, not readable).
enum class ProviderFailure {
  stop,  ///< fail to load, as MirrorMaker 2 does: for everything that connects
  keep,  ///< keep the reference as text and warn: for looking at a file away from its machine
};

struct LoadOptions {
  ProviderFailure provider_failure = ProviderFailure::stop;
  /// Environment of `${env:...}`; the process's own when empty.
  std::function<std::optional<std::string>(const std::string&)> environment;
};

/// Reads and validates `file`. Errors are one line for people: file, line, key, what was found, what is
/// accepted.
[[nodiscard]] Result<Configuration> load(const std::filesystem::path& file, const LoadOptions& options = {});
/// The same for text in memory; `name` stands for the file in origins and errors.
[[nodiscard]] Result<Configuration> load_text(std::string_view text, std::string_view name,
                                              const LoadOptions& options = {});

/// Flows that this node runs: enabled, and with a target in `clusters` (`--clusters`; all when empty). Fails
/// when an alias is unknown or when no flow is left.
[[nodiscard]] Result<std::vector<const FlowConfig*>> select_flows(const Configuration& configuration,
                                                                  const std::vector<std::string>& clusters);
/// Fails with one line when this version cannot run `flow` (`FlowConfig::not_runnable`).
[[nodiscard]] Result<void> require_runnable(const FlowConfig& flow);

}  // namespace longhaul::config
