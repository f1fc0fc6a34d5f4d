#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/sandbox_options.h"
#include "net/sasl.h"
#include "net/tls.h"
#include "sandbox/authenticator.h"

namespace longhaul::app {

/// What the listeners of a sandbox ask for, and how its own generator gets in. Everything is null or empty
/// for plain listeners.
struct SandboxSecurity {
  std::shared_ptr<const net::TlsContext> server_tls;
  std::shared_ptr<const sandbox::Authentication> authentication;
  std::shared_ptr<const net::TlsContext> client_tls;
  std::optional<net::SaslCredentials> client_sasl;
  /// For a user to copy: what a client configures, by key; no secrets among them.
  std::vector<std::pair<std::string, std::string>> client_settings;
};

/// Reads or makes the certificates; errors name the file.
[[nodiscard]] Result<SandboxSecurity> make_sandbox_security(const SandboxOptions& options);

}  // namespace longhaul::app
