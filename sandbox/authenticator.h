#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::sandbox {

/// The server's side of one SASL exchange, token in, token out. The cluster owns the interface and whoever
/// embeds it fills it, so that this folder needs no SASL library.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Answer to the client's next token; may be empty. An error ends the exchange: its message is what the
  /// client reads beside SASL_AUTHENTICATION_FAILED, so it holds no secret.
  [[nodiscard]] virtual Result<Bytes> step(ConstBytes token) = 0;
  /// Whether the client has proven who it is.
  [[nodiscard]] virtual bool done() const = 0;
  /// Who it is, once done.
  [[nodiscard]] virtual std::string user() const = 0;
};

/// Mechanisms that a cluster offers, and how an exchange of each begins. An empty list: no authentication.
struct Authentication {
  std::vector<std::string> mechanisms;
  std::function<std::unique_ptr<Authenticator>(const std::string& mechanism)> begin;
  /// How long an authenticated connection may go on before it has to authenticate again (KIP-368); 0: for
  /// ever.
  std::int64_t session_lifetime_ms = 0;
};

}  // namespace longhaul::sandbox
