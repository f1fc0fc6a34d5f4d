#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/setting.h"
#include "base/secret.h"

namespace longhaul::config {

enum class SecurityProtocol { plaintext, ssl, sasl_plaintext, sasl_ssl };
[[nodiscard]] std::string_view to_string(SecurityProtocol protocol);

/// A value and where it was written.
template <class T>
struct Sourced {
  T value;
  Origin origin;
};

/// `ssl.*` of one client. Stores are told apart by their content, so their types are not kept.
struct TlsSettings {
  // What to trust: a file, or certificates in the value itself, or neither: what the system trusts.
  std::optional<Sourced<std::string>> truststore_location;
  std::optional<Sourced<std::string>> truststore_certificates;  ///< PEM, one item per line
  std::optional<Sourced<Secret>> truststore_password;

  // Who we are, for mutual TLS: a file, or key and chain in the values themselves, or neither.
  std::optional<Sourced<std::string>> keystore_location;
  std::optional<Sourced<std::string>> keystore_certificate_chain;  ///< PEM
  std::optional<Sourced<Secret>> keystore_key;                     ///< PEM
  std::optional<Sourced<Secret>> keystore_password;
  std::optional<Sourced<Secret>> key_password;

  Sourced<std::vector<std::string>> enabled_protocols;  ///< of TLSv1.2 and TLSv1.3, at least one
  Sourced<std::vector<std::string>> cipher_suites;      ///< empty: all that are safe
  bool verify_host = true;
};

/// `sasl.*` of one client, for the mechanisms that prove a password.
struct SaslSettings {
  Sourced<std::string> mechanism;  ///< PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
  std::string username;
  Secret password;
  Origin jaas;  ///< of user name and password
};

/// How one client is protected.
struct SecuritySettings {
  SecurityProtocol protocol = SecurityProtocol::plaintext;
  Origin origin;                     ///< of security.protocol
  std::optional<TlsSettings> tls;    ///< with SSL and SASL_SSL
  std::optional<SaslSettings> sasl;  ///< with SASL_PLAINTEXT and SASL_SSL, unless `not_served`
  /// Set when this version cannot connect as the file asks: one line that names file, line and key.
  std::optional<std::string> not_served;
};

}  // namespace longhaul::config
