#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::SaslAuthenticateResponse;

/// A broker answers a failed attempt late, so that guessing is slow, and then closes the connection:
/// connection.failed.authentication.delay.ms.
constexpr milliseconds kFailureDelay{100};

void refuse(Core& core, const Call& call, KafkaErrc error, std::string message) {
  auto response = std::make_shared<SaslAuthenticateResponse>();
  response->error_code = error;
  response->error_message = std::move(message);
  core.timers.at(core.now.steady + kFailureDelay, [&core, call, response] {
    core.answer(call, *response);
    core.answers.close(call.connection);
  });
}

}  // namespace

void handle(Core& core, const Call& call, const protocol::SaslAuthenticateRequest& request) {
  if (const auto error = call.injected_error(FaultMoment::before); error != KafkaErrc::none) {
    return refuse(core, call, error, "injected");
  }
  auto& session = core.sessions[call.connection];
  if (!session.authenticator) {
    return refuse(core, call, KafkaErrc::illegal_sasl_state,
                  "SaslAuthenticate request received without a SaslHandshake before it.");
  }
  auto token = session.authenticator->step(request.auth_bytes);
  if (!token) {
    const auto& error = token.error();
    return refuse(core, call, KafkaErrc::sasl_authentication_failed,
                  error.detail.empty() ? error.message() : error.detail);
  }
  SaslAuthenticateResponse response;
  response.auth_bytes = *std::move(token);
  if (session.authenticator->done()) {
    const auto user = session.authenticator->user();
    if (session.is_authenticated && session.user != user) {
      return refuse(core, call, KafkaErrc::sasl_authentication_failed,
                    "Cannot change principals during re-authentication.");
    }
    session.user = user;
    const auto lifetime = core.options.authentication->session_lifetime_ms;
    session.authenticator.reset();
    session.is_authenticated = true;
    session.expires = lifetime > 0 ? core.now.steady + milliseconds(lifetime) : SteadyTime::max();
    response.session_lifetime_ms = lifetime;
  }
  core.answer(call, response);
}

}  // namespace longhaul::sandbox
