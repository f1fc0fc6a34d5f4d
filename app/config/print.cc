#include "app/config/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "app/config/known_keys.h"

namespace longhaul::config {
namespace {

constexpr std::size_t kValueColumn = 44;
constexpr std::size_t kOriginColumn = 84;

/// `    key          = value          # origin`, with line ends inside a value made visible.
void put_option(std::string& out, std::string_view key, const Setting& setting) {
  std::string value;
  for (const char c : setting.printable()) {
    if (c == '\n') {
      value += "\\n";
    } else if (c == '\r') {
      value += "\\r";
    } else {
      value += c;
    }
  }
  auto line = fmt::format("    {:<{}} = {}", key, kValueColumn - 7, value);
  fmt::format_to(std::back_inserter(out), "{:<{}} # {}\n", line, kOriginColumn, setting.origin.to_string());
}

void put_options(std::string& out, const std::vector<EffectiveOption>& options) {
  for (const auto& [key, setting] : options) put_option(out, key, setting);
}

/// A key that nobody knows may be a password's with a letter too many: its value is not shown.
void put_untyped(std::string& out, std::string_view key, const Setting& setting) {
  constexpr std::uint8_t kAnyRole = kConsumer | kProducer | kAdmin;
  auto shown = setting;
  if (!is_common_client_key(key) && !find_client_key(key, kAnyRole)) shown.secret = true;
  put_option(out, printable_key(key), shown);
}

void put_client(std::string& out, std::string_view title, const ClientSettings& client) {
  fmt::format_to(std::back_inserter(out), "  {} (cluster {})\n", title, client.cluster);
  put_options(out, client.effective);
  for (const auto& [key, setting] : client.raw) {
    const bool typed =
        std::ranges::find(client.effective, key, &EffectiveOption::key) != client.effective.end();
    if (!typed) put_untyped(out, key, setting);
  }
}

void put_flow(std::string& out, const FlowConfig& flow) {
  fmt::format_to(std::back_inserter(out), "\nflow {}: {}\n", flow.name(), flow.reason_text);
  if (!flow.enabled()) return;
  if (flow.not_runnable) fmt::format_to(std::back_inserter(out), "  cannot run: {}\n", *flow.not_runnable);
  out += "  options\n";
  put_options(out, flow.effective);
  out += "  state on the target (worker properties)\n";
  put_options(out, flow.worker.effective);
  put_client(out, "source consumer", flow.source_consumer);
  put_client(out, "source admin", flow.source_admin);
  put_client(out, "data producer", flow.data_producer);
  put_client(out, "target admin", flow.target_admin);
  put_client(out, "target consumer", flow.target_consumer);
  put_client(out,
             flow.offset_syncs.location == OffsetSyncsLocation::source ? "offset-syncs producer"
                                                                       : "producer on the source (unused)",
             flow.source_producer);
  put_client(out,
             flow.offset_syncs.location == OffsetSyncsLocation::target ? "offset-syncs producer"
                                                                       : "producer on the target (unused)",
             flow.target_producer);
}

}  // namespace

std::string print(const Configuration& configuration) {
  std::string out = fmt::format("effective configuration of {}\n\nprocess\n", configuration.file);
  put_options(out, configuration.process.effective);
  for (const auto& cluster : configuration.clusters) {
    fmt::format_to(std::back_inserter(out), "\ncluster {}\n", cluster.alias);
    put_options(out, cluster.effective);
  }
  for (const auto& flow : configuration.flows) put_flow(out, flow);
  if (!configuration.warnings.empty()) out += "\nwarnings\n";
  for (const auto& warning : configuration.warnings)
    fmt::format_to(std::back_inserter(out), "  {}\n", warning.text);
  return out;
}

}  // namespace longhaul::config
