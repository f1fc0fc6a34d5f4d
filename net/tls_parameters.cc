#include "net/tls_parameters.h"

#include <fmt/ranges.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "net/error.h"

namespace longhaul::net {
namespace {

constexpr std::array<std::string_view, 5> kOutdated{"SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"};
/// Signalling values that Java lists among its suites; OpenSSL sends what they signal by itself.
constexpr std::array<std::string_view, 2> kSignals{"TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "TLS_FALLBACK_SCSV"};
/// OpenSSL has no pattern for these, and does not offer all of them unless they are named.
constexpr auto kEverySuiteOfTls13 =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:"
    "TLS_AES_128_CCM_8_SHA256";

struct Versions {
  bool tls12 = false;
  bool tls13 = false;
};

Result<Versions> parse_versions(const std::vector<std::string>& protocols,
                                std::vector<std::string>& warnings) {
  if (protocols.empty()) return Versions{true, true};
  Versions versions;
  for (const auto& name : protocols) {
    if (name == "TLSv1.2") {
      versions.tls12 = true;
    } else if (name == "TLSv1.3") {
      versions.tls13 = true;
    } else if (std::ranges::find(kOutdated, name) != kOutdated.end()) {
      warnings.push_back(fmt::format("protocol {} is outdated and left out", name));
    } else {
      return fail(NetErrc::tls_failed, "protocol '{}' does not exist: use TLSv1.2, TLSv1.3", name);
    }
  }
  if (versions.tls12 || versions.tls13) return versions;
  return fail(NetErrc::tls_failed, "none of the protocols {} is safe: use TLSv1.2, TLSv1.3",
              fmt::join(protocols, ", "));
}

struct Suites {
  std::vector<std::string> tls12;
  std::vector<std::string> tls13;
};

/// OpenSSL's name for a suite given by either name; empty for one that this OpenSSL does not have. Java
/// writes the oldest ones with SSL_ in front.
std::string openssl_name(const std::string& name, const STACK_OF(SSL_CIPHER) * known) {
  const auto standard = name.starts_with("SSL_") ? "TLS_" + name.substr(4) : name;
  for (int i = 0; i < sk_SSL_CIPHER_num(known); ++i) {
    const auto* cipher = sk_SSL_CIPHER_value(known, i);
    const char* iana = SSL_CIPHER_standard_name(cipher);
    if (name == SSL_CIPHER_get_name(cipher) || (iana != nullptr && standard == iana)) {
      return SSL_CIPHER_get_name(cipher);
    }
  }
  return {};
}

Result<Suites> parse_suites(const std::vector<std::string>& names) {
  // All suites that the library has, also those that its default list leaves out.
  const SslContextPtr all(SSL_CTX_new(TLS_method()));
  if (all == nullptr) return fail(NetErrc::tls_failed, "{}", openssl_reason());
  SSL_CTX_set_security_level(all.get(), 0);
  SSL_CTX_set_ciphersuites(all.get(), kEverySuiteOfTls13);
  SSL_CTX_set_cipher_list(all.get(), "ALL:COMPLEMENTOFALL");
  Suites suites;
  for (const auto& name : names) {
    if (std::ranges::find(kSignals, name) != kSignals.end()) continue;
    auto found = openssl_name(name, SSL_CTX_get_ciphers(all.get()));
    if (found.empty()) return fail(NetErrc::tls_failed, "cipher suite '{}' is not known to OpenSSL", name);
    // TLS 1.3 names are the same in both worlds, and OpenSSL's other names hold no TLS_.
    (found.starts_with("TLS_") ? suites.tls13 : suites.tls12).push_back(std::move(found));
  }
  return suites;
}

Result<void> set_suites(SSL_CTX& context, const Suites& suites) {
  ERR_clear_error();
  const auto tls13 = fmt::format("{}", fmt::join(suites.tls13, ":"));
  const auto tls12 = fmt::format("{}", fmt::join(suites.tls12, ":"));
  if (SSL_CTX_set_ciphersuites(&context, tls13.c_str()) == 1 &&
      (tls12.empty() || SSL_CTX_set_cipher_list(&context, tls12.c_str()) == 1)) {
    return {};
  }
  return fail(NetErrc::tls_failed, "cipher suites: {}", openssl_reason());
}

}  // namespace

Result<void> set_parameters(SSL_CTX& context, const std::vector<std::string>& protocols,
                            const std::vector<std::string>& cipher_suites,
                            std::vector<std::string>& warnings) {
  LH_TRY(auto versions, parse_versions(protocols, warnings));
  if (!cipher_suites.empty()) {
    LH_TRY(const auto suites, parse_suites(cipher_suites));
    versions.tls12 = versions.tls12 && !suites.tls12.empty();
    versions.tls13 = versions.tls13 && !suites.tls13.empty();
    if (!versions.tls12 && !versions.tls13) {
      return fail(NetErrc::tls_failed, "no cipher suite is for a protocol that is enabled: {}",
                  fmt::join(cipher_suites, ", "));
    }
    LH_TRY_VOID(set_suites(context, suites));
  }
  SSL_CTX_set_min_proto_version(&context, versions.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(&context, versions.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  return {};
}

}  // namespace longhaul::net
