#include <algorithm>

#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

protocol::SaslHandshakeResponse handle(Core& core, const Call& call,
                                       const protocol::SaslHandshakeRequest& request) {
  protocol::SaslHandshakeResponse response;
  response.error_code = call.injected_error(FaultMoment::before);
  if (response.error_code != KafkaErrc::none) return response;
  const auto& authentication = core.options.authentication;
  auto& session = core.sessions[call.connection];
  // Without authentication, and again without a lifetime, there is nothing to shake hands on.
  const bool may_repeat = authentication && authentication->session_lifetime_ms > 0;
  if (!authentication || (session.is_authenticated && !may_repeat)) {
    response.error_code = KafkaErrc::illegal_sasl_state;
    return response;
  }
  response.mechanisms = authentication->mechanisms;
  const bool is_offered =
      std::ranges::find(response.mechanisms, request.mechanism) != response.mechanisms.end();
  // Who authenticates again does it the way it did before (KIP-368).
  const bool is_same = !session.is_authenticated || session.mechanism == request.mechanism;
  if (is_offered && is_same) session.authenticator = authentication->begin(request.mechanism);
  if (!is_offered || !is_same || !session.authenticator) {
    response.error_code = KafkaErrc::unsupported_sasl_mechanism;
    return response;
  }
  session.mechanism = request.mechanism;
  return response;
}

}  // namespace longhaul::sandbox
