#pragma once

#include <memory>
#include <optional>

#include "app/config/security_settings.h"
#include "base/result.h"
#include "net/sasl.h"
#include "net/tls.h"

namespace longhaul::app {

/// How a client of the file protects its connections; both empty for plain ones.
struct ClientSecurity {
  std::shared_ptr<const net::TlsContext> tls;
  std::optional<net::SaslCredentials> sasl;
};

/// Reads the key stores, which blocks. Errors are one line for people that names file, line and key, and
/// holds no secret.
[[nodiscard]] Result<ClientSecurity> client_security(const config::SecuritySettings& settings);

}  // namespace longhaul::app
