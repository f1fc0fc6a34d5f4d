#include "app/sandbox_security.h"

#include "app/self_signed.h"
#include "base/log.h"
#include "sandbox/socket/sasl_authentication.h"

namespace longhaul::app {
namespace {

struct TlsFiles {
  net::TlsOptions server;
  net::TlsOptions client;
  std::vector<std::pair<std::string, std::string>> client_settings;
};

Result<TlsFiles> tls_files(const SandboxOptions& options) {
  TlsFiles files;
  if (!options.tls_directory.empty()) {
    LH_TRY(const auto made, make_self_signed(options.tls_directory));
    files.server.identity = net::IdentitySource{.path = made.server};
    files.server.trust = net::TrustSource{.path = made.authority};
    files.client.identity = net::IdentitySource{.path = made.client};
    files.client.trust = net::TrustSource{.path = made.authority};
    files.client_settings = {{"ssl.truststore.type", "PEM"}, {"ssl.truststore.location", made.authority}};
    if (options.client_auth == net::ClientAuth::required) {
      files.client_settings.emplace_back("ssl.keystore.type", "PEM");
      files.client_settings.emplace_back("ssl.keystore.location", made.client);
    }
    return files;
  }
  files.server.identity =
      net::IdentitySource{.path = options.keystore, .store_password = options.keystore_password};
  if (!options.truststore.empty()) {
    files.server.trust =
        net::TrustSource{.path = options.truststore, .password = options.truststore_password};
    files.client.trust = files.server.trust;
  }
  // The generator is this process: it may come in with the server's own key.
  files.client.identity = files.server.identity;
  // The certificate may be for any host name; the generator goes by address.
  files.client.verify_host = false;
  return files;
}

}  // namespace

Result<SandboxSecurity> make_sandbox_security(const SandboxOptions& options) {
  SandboxSecurity security;
  if (options.protocol == SecurityProtocol::plaintext) return security;
  security.client_settings.emplace_back("security.protocol", to_string(options.protocol));
  if (uses_tls(options.protocol)) {
    LH_TRY(auto files, tls_files(options));
    LH_TRY(security.server_tls, net::TlsContext::server(files.server, options.client_auth));
    for (const auto& warning : security.server_tls->warnings()) log::warn(warning);
    if (!options.generations.empty()) {
      LH_TRY(security.client_tls, net::TlsContext::client(files.client));
    }
    for (auto& setting : files.client_settings) security.client_settings.push_back(std::move(setting));
  }
  if (uses_sasl(options.protocol)) {
    auto users = std::make_shared<net::SaslUsers>();
    for (const auto& user : options.users) users->insert_or_assign(user.name, user.password);
    security.authentication =
        sandbox::sasl_authentication(options.mechanisms, std::move(users), options.session_lifetime);
    security.client_sasl = net::SaslCredentials{.mechanism = options.mechanisms.front(),
                                                .username = options.users.front().name,
                                                .password = options.users.front().password};
    security.client_settings.emplace_back("sasl.mechanism", net::to_string(options.mechanisms.front()));
  }
  return security;
}

}  // namespace longhaul::app
