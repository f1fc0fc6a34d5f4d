#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/generate_options.h"
#include "base/clock.h"
#include "base/secret.h"
#include "net/sasl.h"
#include "net/tls.h"

namespace longhaul::app {

/// One cluster of `longhaul sandbox`.
struct SandboxCluster {
  std::string name;
  int brokers = 1;
};

/// Topics that a cluster is filled with.
struct SandboxGeneration {
  std::string cluster;
  GenerateOptions options;
};

enum class SecurityProtocol { plaintext, ssl, sasl_plaintext, sasl_ssl };

struct SandboxUser {
  std::string name;
  Secret password;
};

struct SandboxOptions {
  std::vector<SandboxCluster> clusters;
  std::string address = "127.0.0.1";
  /// Of the first broker of the first cluster, the others behind it; 0: free ones.
  std::uint16_t port = 0;
  std::vector<SandboxGeneration> generations;
  std::size_t memory_max = std::size_t{1} << 30;  ///< of each cluster
  std::int32_t default_partitions = 1;
  bool auto_create_topics = true;
  std::uint64_t seed = 1;
  std::string control_file;  ///< empty: none

  SecurityProtocol protocol = SecurityProtocol::plaintext;
  std::vector<SandboxUser> users;
  std::vector<net::SaslMechanism> mechanisms;
  milliseconds session_lifetime{0};
  /// Where a certificate authority, a server's and a client's certificate are made; empty: `keystore` holds
  /// the server's.
  std::string tls_directory;
  std::string keystore;
  std::optional<Secret> keystore_password;
  std::string truststore;  ///< whose client certificates are accepted
  std::optional<Secret> truststore_password;
  net::ClientAuth client_auth = net::ClientAuth::none;
};

[[nodiscard]] constexpr bool uses_tls(SecurityProtocol protocol) {
  return protocol == SecurityProtocol::ssl || protocol == SecurityProtocol::sasl_ssl;
}
[[nodiscard]] constexpr bool uses_sasl(SecurityProtocol protocol) {
  return protocol == SecurityProtocol::sasl_plaintext || protocol == SecurityProtocol::sasl_ssl;
}
/// As `security.protocol` has it.
[[nodiscard]] std::string_view to_string(SecurityProtocol protocol);

/// "A" or "A:3".
[[nodiscard]] Result<SandboxCluster> parse_sandbox_cluster(std::string_view text);
/// "orders:4", "B/orders:4,records=1000,rate=50,codec=mixed": a topic and options of `longhaul generate`, on
/// the first of `clusters` or the one named. Without a rate 100000 records, with one without an end.
[[nodiscard]] Result<SandboxGeneration> parse_sandbox_generation(std::string_view text,
                                                                 const std::vector<SandboxCluster>& clusters);
/// "1000000", "64K", "512M", "2G"; powers of 1024.
[[nodiscard]] Result<std::size_t> parse_memory(std::string_view text);
[[nodiscard]] Result<SecurityProtocol> parse_security_protocol(std::string_view text);
/// "NAME:PASSWORD"; the password may hold colons. Errors do not repeat it.
[[nodiscard]] Result<SandboxUser> parse_sandbox_user(std::string_view text);
/// What does not go together, in the words of the command line.
[[nodiscard]] Result<void> check_sandbox_options(const SandboxOptions& options);

}  // namespace longhaul::app
