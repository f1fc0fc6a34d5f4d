#include "app/config/client_reader.h"

#include <algorithm>

#include "app/config/option_reader.h"
#include "app/config/security_reader.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

std::optional<HostPort> parse_host_port(std::string_view item) {
  if (const auto scheme = item.find("://"); scheme != std::string_view::npos) item.remove_prefix(scheme + 3);
  const auto colon = item.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = item.substr(0, colon);
  const auto digits = item.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto is_host_char = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '%' || (bracketed && c == ':');
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (host.empty() || !std::ranges::all_of(host, is_host_char)) return std::nullopt;
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  const auto port = parse_integer(digits);
  if (!port || *port < 1 || *port > 65'535) return std::nullopt;
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string client_id_of(const ClientPlace& place, const Setting* user) {
  if (!user || trimmed(user->value).empty()) return place.client_id;
  if (place.user_client_id == ClientPlace::UserClientId::instead) return std::string(trimmed(user->value));
  return fmt::format("{}|{}", trimmed(user->value), place.client_id);
}

void read_connection(OptionReader& in, ClientSettings& out) {
  out.security = read_security(in, out.cluster);
  out.request_timeout = in.millis("request.timeout.ms", out.request_timeout, 1);
  out.connection_setup_timeout =
      in.millis("socket.connection.setup.timeout.ms", out.connection_setup_timeout, 1);
  out.retry_backoff = in.millis("retry.backoff.ms", out.retry_backoff);
  out.retry_backoff_max = in.millis("retry.backoff.max.ms", out.retry_backoff_max);
  out.reconnect_backoff = in.millis("reconnect.backoff.ms", out.reconnect_backoff);
  out.reconnect_backoff_max = in.millis("reconnect.backoff.max.ms", out.reconnect_backoff_max);
  out.metadata_max_age = in.millis("metadata.max.age.ms", out.metadata_max_age);
}

void read_consumer(OptionReader& in, ClientSettings& out) {
  out.isolation_level = in.choice("isolation.level", out.isolation_level,
                                  {{"read_uncommitted", IsolationLevel::read_uncommitted},
                                   {"read_committed", IsolationLevel::read_committed}});
  out.auto_offset_reset = in.choice("auto.offset.reset", out.auto_offset_reset,
                                    {{"earliest", AutoOffsetReset::earliest},
                                     {"latest", AutoOffsetReset::latest},
                                     {"none", AutoOffsetReset::none}});
  out.fetch_min_bytes = in.number<std::int32_t>("fetch.min.bytes", out.fetch_min_bytes, 0);
  out.fetch_max_bytes = in.number<std::int32_t>("fetch.max.bytes", out.fetch_max_bytes, 0);
  out.fetch_max_wait = in.millis("fetch.max.wait.ms", out.fetch_max_wait);
  out.max_partition_fetch_bytes =
      in.number<std::int32_t>("max.partition.fetch.bytes", out.max_partition_fetch_bytes, 0);
  out.client_rack = in.text("client.rack", "");
}

void read_producer(OptionReader& in, ClientSettings& out) {
  out.max_request_size = in.number<std::int32_t>("max.request.size", out.max_request_size, 0);
  out.delivery_timeout = in.millis("delivery.timeout.ms", out.delivery_timeout);
  out.transaction_timeout = in.millis("transaction.timeout.ms", out.transaction_timeout, 1);
}

}  // namespace

Result<std::vector<HostPort>> parse_bootstrap_servers(const Setting& setting) {
  std::vector<HostPort> servers;
  for (const auto& item : split_list(setting.value)) {
    const auto server = parse_host_port(item);
    if (!server) {
      return wrong_value(setting,
                         "host:port, or several of them between commas, such as kafka-1:9092 or [::1]:9092");
    }
    servers.push_back(*server);
  }
  if (servers.empty()) return wrong_value(setting, "at least one host:port");
  return servers;
}

Result<std::vector<HostPort>> read_bootstrap_servers(OptionReader& in, std::string_view file,
                                                     std::string_view cluster) {
  if (const auto* setting = in.note("bootstrap.servers", "")) return parse_bootstrap_servers(*setting);
  return fail(Error{
      {},
      fmt::format("{0}: cluster '{1}' has no bootstrap.servers: add '{1}.bootstrap.servers = host:port'",
                  file, cluster)});
}

Result<ClientSettings> read_client(const ClientPlace& place, SettingMap properties, std::string_view file,
                                   std::vector<Warning>& warnings) {
  ClientSettings out;
  out.cluster = place.cluster;
  out.side = place.side;
  out.role = place.role;
  out.raw = std::move(properties);

  OptionReader in(out.raw, out.effective, warnings);
  LH_TRY(out.bootstrap_servers, read_bootstrap_servers(in, file, place.cluster));
  const auto* user_client_id = in.setting("client.id");
  out.client_id = client_id_of(place, user_client_id);
  Setting client_id = user_client_id ? *user_client_id : Setting{{}, {{}, 0, "client.id"}};
  client_id.value = out.client_id;
  out.effective.push_back({"client.id", std::move(client_id)});
  read_connection(in, out);
  if (place.role == ClientRole::consumer) read_consumer(in, out);
  if (place.role == ClientRole::producer) read_producer(in, out);
  LH_TRY_VOID(in.result());
  return out;
}

}  // namespace longhaul::config
