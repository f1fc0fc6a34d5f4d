#include "client/authentication.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "base/printable.h"
#include "client/error.h"
#include "net/timer.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;

constexpr const char* kService = "kafka";
/// No mechanism takes as many; a broker that goes on asking is none.
constexpr int kTokensMax = 32;
/// Names of mechanisms that go into a message.
constexpr std::size_t kNamesMax = 16;
/// Brokers accept one authentication per second and connection.
constexpr milliseconds kReauthenticationPause{1'000};

std::string offered(const std::vector<std::string>& mechanisms) {
  std::string text;
  for (std::size_t i = 0; i < mechanisms.size() && i < kNamesMax; ++i) {
    text += (i == 0 ? "" : ", ") + printable(mechanisms[i], 40);
  }
  return text.empty() ? "none" : text;
}

}  // namespace

SaslSetup sasl_setup(const net::SaslCredentials& credentials, const std::string& host) {
  return {.mechanism = std::string(to_string(credentials.mechanism)),
          .username = credentials.username,
          .make_client = [credentials, host] { return net::make_sasl_client(credentials, host, kService); }};
}

Authentication::Step Authentication::start() {
  return AskHandshake{setup_.mechanism};
}

Authentication::Step Authentication::on_response(ConstBytes body) {
  return client_ == nullptr ? on_handshake(body) : on_token(body);
}

Authentication::Step Authentication::on_handshake(ConstBytes body) {
  const auto response = protocol::decode<protocol::SaslHandshakeResponse>(body, 1);
  if (!response) {
    return Error{ClientErrc::undecodable_response, "SaslHandshake: " + response.error().message()};
  }
  switch (response->error_code) {
    case KafkaErrc::none:
      break;
    case KafkaErrc::unsupported_sasl_mechanism:
      return Error{protocol::kafka_error(response->error_code),
                   fmt::format("SASL mechanism {} is not enabled on this listener, it offers {}",
                               setup_.mechanism, offered(response->mechanisms))};
    case KafkaErrc::illegal_sasl_state:
      return Error{protocol::kafka_error(response->error_code),
                   "SASL is configured here, but this listener does not ask for authentication"};
    default:
      return of_user({protocol::kafka_error(response->error_code), "SaslHandshake"});
  }
  auto client = setup_.make_client();
  if (!client) return of_user(std::move(client).error());
  client_ = *std::move(client);
  return next_token({}, milliseconds(0));
}

Authentication::Step Authentication::on_token(ConstBytes body) {
  const auto response = protocol::decode<protocol::SaslAuthenticateResponse>(body, token_version_);
  if (!response) {
    return Error{ClientErrc::undecodable_response, "SaslAuthenticate: " + response.error().message()};
  }
  if (response->error_code != KafkaErrc::none) {
    const auto& message = response->error_message;
    return of_user({protocol::kafka_error(response->error_code),
                    message && !message->empty() ? printable(*message, 500) : "the broker gives no reason"});
  }
  return next_token(response->auth_bytes,
                    milliseconds(std::max<std::int64_t>(0, response->session_lifetime_ms)));
}

Authentication::Step Authentication::next_token(ConstBytes challenge, milliseconds lifetime) {
  auto token = client_->step(challenge);
  if (!token) return of_user(std::move(token).error());
  if (*token) {
    if (++tokens_ > kTokensMax) {
      return of_user({net::SaslErrc::bad_message, fmt::format("no end after {} tokens", kTokensMax)});
    }
    return AskToken{token_version_, **std::move(token)};
  }
  if (!client_->done()) {
    return of_user({net::SaslErrc::bad_message, "the broker ends the exchange too early"});
  }
  return Done{lifetime};
}

Error Authentication::of_user(Error error) const {
  return in_context(std::move(error), "user '{}' with {}", setup_.username, setup_.mechanism).error();
}

SteadyTime reauthentication_time(SteadyTime sent, SteadyTime answered, milliseconds lifetime,
                                 net::Random& random) {
  if (lifetime <= milliseconds(0)) return SteadyTime::max();
  std::uniform_real_distribution<double> fraction(0.85, 0.95);
  const auto after = static_cast<double>(lifetime.count()) * fraction(random);
  // Beyond any clock: a broker that means "never" may send the largest number there is.
  constexpr double kForeverMs = 1e12;
  if (after > kForeverMs) return SteadyTime::max();
  return std::max(sent + milliseconds(static_cast<std::int64_t>(after)), answered + kReauthenticationPause);
}

}  // namespace longhaul::client
