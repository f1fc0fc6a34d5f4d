#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/sasl.h"

namespace longhaul::net {
class TlsContext;
}

namespace longhaul::client {

/// Where a broker listens.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
  /// "host:port"; an IPv6 address in brackets.
  [[nodiscard]] std::string to_string() const;
};

/// Reads the value of `bootstrap.servers`: "host:port" separated by commas, blanks ignored, IPv6 in brackets,
/// an optional "PROTOCOL://" in front as Kafka's listeners have it. Never empty on success. Errors name the
/// offending entry.
[[nodiscard]] Result<std::vector<Endpoint>> parse_bootstrap_servers(std::string_view list);

class OutageBoard;

/// How one cluster is reached. Defaults are those of Kafka's clients; the names of their settings stand
/// beside them.
struct ClusterOptions {
  std::string alias;                   ///< the cluster's name in messages and log lines
  std::vector<Endpoint> bootstrap;     ///< bootstrap.servers; not empty
  std::string client_id = "longhaul";  ///< client.id; quotas are counted by it
  /// How the brokers' certificates are judged (security.protocol SSL, SASL_SSL); null for plain connections.
  std::shared_ptr<const net::TlsContext> tls;
  /// Who we are (security.protocol SASL_PLAINTEXT, SASL_SSL); nullopt on listeners that do not ask.
  std::optional<net::SaslCredentials> sasl;

  milliseconds request_timeout{30'000};         ///< request.timeout.ms: one attempt of a call
  milliseconds connect_timeout{10'000};         ///< socket.connection.setup.timeout.ms, ApiVersions included
  milliseconds retry_backoff{100};              ///< retry.backoff.ms
  milliseconds retry_backoff_max{1'000};        ///< retry.backoff.max.ms
  milliseconds reconnect_backoff{50};           ///< reconnect.backoff.ms
  milliseconds reconnect_backoff_max{1'000};    ///< reconnect.backoff.max.ms
  milliseconds metadata_max_age{300'000};       ///< metadata.max.age.ms
  std::size_t response_bytes_max = 512u << 20;  ///< a larger answer closes the connection
  std::size_t requests_max = 1'000;  ///< queued and in flight per connection; `submit` fails beyond
  /// Shared by all clients of the cluster in this process, so that an outage is reported once; null: a client
  /// reports for itself.
  std::shared_ptr<OutageBoard> outages;
};

}  // namespace longhaul::client
