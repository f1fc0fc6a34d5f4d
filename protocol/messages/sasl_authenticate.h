#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/message.h"

namespace longhaul::protocol {

/// With a session lifetime above 0 the client authenticates again on this connection before it is over
/// (KIP-368).
struct SaslAuthenticateResponse {
  static constexpr ApiKey kApi = ApiKey::sasl_authenticate;

  KafkaErrc error_code = KafkaErrc::none;
  std::optional<std::string> error_message;
  Bytes auth_bytes;
  std::int64_t session_lifetime_ms = 0;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("error_message", m.error_message);
    field("auth_bytes", m.auth_bytes);
    field("session_lifetime_ms", m.session_lifetime_ms, since(1), ignorable);
  }
};

/// One token of the mechanism. Every request gets a response, whose token may be empty.
struct SaslAuthenticateRequest {
  static constexpr ApiKey kApi = ApiKey::sasl_authenticate;
  using Response = SaslAuthenticateResponse;

  Bytes auth_bytes;

  static void describe(auto& m, auto&& field) { field("auth_bytes", m.auth_bytes); }
};

}  // namespace longhaul::protocol
