#include "app/client_security.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/log.h"
#include "net/error.h"

namespace longhaul::app {
namespace {

using config::Origin;
using config::TlsSettings;

template <class T>
const Origin* origin_of(const std::optional<config::Sourced<T>>& value) {
  return value ? &value->origin : nullptr;
}

template <class T>
std::optional<T> value_of(const std::optional<config::Sourced<T>>& value) {
  return value ? std::optional<T>(value->value) : std::nullopt;
}

std::optional<net::TrustSource> trust_of(const TlsSettings& settings) {
  if (!settings.truststore_location && !settings.truststore_certificates) return std::nullopt;
  return net::TrustSource{.pem = value_of(settings.truststore_certificates).value_or(""),
                          .path = value_of(settings.truststore_location).value_or(""),
                          .password = value_of(settings.truststore_password)};
}

std::optional<net::IdentitySource> identity_of(const TlsSettings& settings) {
  if (!settings.keystore_location && !settings.keystore_key) return std::nullopt;
  return net::IdentitySource{.pem_key = value_of(settings.keystore_key).value_or(Secret()),
                             .pem_chain = value_of(settings.keystore_certificate_chain).value_or(""),
                             .path = value_of(settings.keystore_location).value_or(""),
                             .store_password = value_of(settings.keystore_password),
                             .key_password = value_of(settings.key_password)};
}

net::TlsOptions options_of(const TlsSettings& settings) {
  return {.trust = trust_of(settings),
          .identity = identity_of(settings),
          .enabled_protocols = settings.enabled_protocols.value,
          .cipher_suites = settings.cipher_suites.value,
          .verify_host = settings.verify_host};
}

bool works(const net::TlsOptions& options) {
  return net::TlsContext::client(options).has_value();
}

/// The first that was written.
const Origin* first_of(std::initializer_list<const Origin*> candidates) {
  for (const auto* origin : candidates) {
    if (origin != nullptr && !origin->is_default()) return origin;
  }
  return nullptr;
}

/// The setting that is to blame for `error`, found by leaving out one part after the other; null where only
/// defaults can be.
const Origin* blamed(const TlsSettings& settings, net::TlsOptions options, const Error& error) {
  const bool password = error.code == net::KeyStoreErrc::wrong_password;
  const bool key_password = error.code == net::KeyStoreErrc::wrong_key_password;
  if (options.identity) {
    options.identity.reset();
    if (works(options)) {
      return first_of({key_password ? origin_of(settings.key_password) : nullptr,
                       password || key_password ? origin_of(settings.keystore_password) : nullptr,
                       origin_of(settings.keystore_location), origin_of(settings.keystore_key)});
    }
  }
  if (options.trust) {
    options.trust.reset();
    if (works(options)) {
      return first_of({password ? origin_of(settings.truststore_password) : nullptr,
                       origin_of(settings.truststore_location), origin_of(settings.truststore_certificates)});
    }
  }
  return first_of({&settings.cipher_suites.origin, &settings.enabled_protocols.origin});
}

Result<std::shared_ptr<const net::TlsContext>> tls_context(const TlsSettings& settings,
                                                           const Origin& protocol) {
  const auto options = options_of(settings);
  auto context = net::TlsContext::client(options);
  if (context) return context;
  const auto* found = blamed(settings, options, context.error());
  const auto& origin = found != nullptr ? *found : protocol;
  return fail(Error{
      {}, fmt::format("{}:{}: {}: {}", origin.file, origin.line, origin.key, context.error().message())});
}

}  // namespace

Result<ClientSecurity> client_security(const config::SecuritySettings& settings) {
  ClientSecurity security;
  if (settings.not_served) return fail(Error{{}, *settings.not_served});
  if (settings.tls) {
    LH_TRY(security.tls, tls_context(*settings.tls, settings.origin));
  }
  if (settings.sasl) {
    const auto mechanism = net::parse_sasl_mechanism(settings.sasl->mechanism.value);
    if (!mechanism) {
      const auto& origin = settings.sasl->mechanism.origin;
      return fail(Error{{},
                        fmt::format("{}:{}: {}: {} is not served", origin.file, origin.line, origin.key,
                                    settings.sasl->mechanism.value)});
    }
    security.sasl = net::SaslCredentials{*mechanism, settings.sasl->username, settings.sasl->password};
  }
  return security;
}

}  // namespace longhaul::app
