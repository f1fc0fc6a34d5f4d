#pragma once

#include <string>
#include <vector>

#include "protocol/message.h"

namespace longhaul::protocol {

struct SaslHandshakeResponse {
  static constexpr ApiKey kApi = ApiKey::sasl_handshake;

  KafkaErrc error_code = KafkaErrc::none;
  std::vector<std::string> mechanisms;

  static void describe(auto& m, auto&& field) {
    field("error_code", m.error_code);
    field("mechanisms", m.mechanisms);
  }
};

/// Version 1: the tokens follow in SaslAuthenticate requests (version 0 sent them bare).
struct SaslHandshakeRequest {
  static constexpr ApiKey kApi = ApiKey::sasl_handshake;
  using Response = SaslHandshakeResponse;

  std::string mechanism;

  static void describe(auto& m, auto&& field) { field("mechanism", m.mechanism); }
};

}  // namespace longhaul::protocol
