#include "client/authentication.h"

#include <gtest/gtest.h>

#include <deque>

#include "client/error.h"
#include "client/session_fsm.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/wire.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::ApiVersionsResponse;
using protocol::KafkaErrc;
using protocol::SaslAuthenticateResponse;
using protocol::SaslHandshakeResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A mechanism whose steps are written down: what the client says, or that it says nothing more.
class ScriptedClient final : public net::SaslClient {
 public:
  struct Script {
    std::deque<Result<std::optional<Bytes>>> steps;
    std::vector<std::string> challenges;
  };
  explicit ScriptedClient(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  [[nodiscard]] Result<std::optional<Bytes>> step(ConstBytes challenge) override {
    script_->challenges.emplace_back(as_text(challenge));
    if (script_->steps.empty()) return std::optional<Bytes>();
    auto next = std::move(script_->steps.front());
    script_->steps.pop_front();
    return next;
  }
  [[nodiscard]] bool done() const override { return script_->steps.empty(); }

 private:
  std::shared_ptr<Script> script_;
};

Bytes bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

template <class Response>
Bytes body(const Response& response, int version) {
  protocol::GatherBuffer out;
  EXPECT_TRUE(protocol::encode(response, version, out));
  return out.flattened();
}

SaslAuthenticateResponse answer(std::string_view token, std::int64_t lifetime_ms = 0) {
  SaslAuthenticateResponse response;
  response.auth_bytes = bytes(token);
  response.session_lifetime_ms = lifetime_ms;
  return response;
}

struct AuthenticationTest : testing::Test {
  [[nodiscard]] SaslSetup setup() const {
    return {.mechanism = "SCRAM-SHA-512",
            .username = "alice",
            .make_client = [this]() -> Result<std::unique_ptr<net::SaslClient>> {
              return std::make_unique<ScriptedClient>(script);
            }};
  }
  /// An authentication whose handshake was answered, and what it asks for then.
  Authentication::Step after_handshake(const SaslHandshakeResponse& response = {}) {
    authentication.emplace(setup(), std::int16_t{2});
    const auto first = authentication->start();
    EXPECT_EQ(std::get<AskHandshake>(first).mechanism, "SCRAM-SHA-512");
    return authentication->on_response(body(response, 1));
  }
  Authentication::Step after(const SaslAuthenticateResponse& response) {
    return authentication->on_response(body(response, 2));
  }
  static std::string message(const Authentication::Step& step) {
    const auto* const error = std::get_if<Error>(&step);
    return error == nullptr ? "no error" : error->message();
  }
  static std::string token(const Authentication::Step& step) {
    const auto* const ask = std::get_if<AskToken>(&step);
    return ask == nullptr ? "no token" : std::string(as_text(ask->token));
  }

  std::shared_ptr<ScriptedClient::Script> script = std::make_shared<ScriptedClient::Script>();
  std::optional<Authentication> authentication;
};

TEST_F(AuthenticationTest, CarriesTokensUntilTheLastOneIsAnswered) {
  script->steps = {bytes("first"), bytes("second"), std::optional<Bytes>()};
  EXPECT_EQ(token(after_handshake()), "first");
  EXPECT_EQ(token(after(answer("challenge"))), "second");
  const auto last = after(answer("proof", 3'600'000));
  ASSERT_TRUE(std::holds_alternative<Authentication::Done>(last)) << message(last);
  EXPECT_EQ(std::get<Authentication::Done>(last).lifetime, milliseconds(3'600'000));
  EXPECT_EQ(script->challenges, (std::vector<std::string>{"", "challenge", "proof"}));
}

TEST_F(AuthenticationTest, SendsAnEmptyTokenWhenTheMechanismHasOne) {
  script->steps = {bytes("")};
  EXPECT_EQ(token(after_handshake()), "");
  EXPECT_TRUE(std::holds_alternative<Authentication::Done>(after(answer(""))));
}

TEST_F(AuthenticationTest, NamesWhatTheBrokerOffersInsteadOfTheMechanism) {
  EXPECT_EQ(message(after_handshake({.error_code = KafkaErrc::unsupported_sasl_mechanism,
                                     .mechanisms = {"PLAIN", "GSS\x1b[2JAPI"}})),
            "SASL mechanism SCRAM-SHA-512 is not enabled on this listener, it offers PLAIN, GSS?[2JAPI: "
            "UNSUPPORTED_SASL_MECHANISM (33)");
  EXPECT_NE(message(after_handshake({.error_code = KafkaErrc::unsupported_sasl_mechanism, .mechanisms = {}}))
                .find("it offers none"),
            std::string::npos);
}

TEST_F(AuthenticationTest, SaysThatTheListenerDoesNotAsk) {
  EXPECT_EQ(
      message(after_handshake({.error_code = KafkaErrc::illegal_sasl_state, .mechanisms = {}})),
      "SASL is configured here, but this listener does not ask for authentication: ILLEGAL_SASL_STATE (34)");
}

TEST_F(AuthenticationTest, NamesUserMechanismAndTheBrokersReason) {
  script->steps = {bytes("secret token")};
  (void)after_handshake();
  auto response = answer("");
  response.error_code = KafkaErrc::sasl_authentication_failed;
  response.error_message = "Authentication failed\ndue to invalid credentials";
  const auto refused = after(response);
  EXPECT_EQ(message(refused),
            "user 'alice' with SCRAM-SHA-512: Authentication failed?due to invalid credentials: "
            "SASL_AUTHENTICATION_FAILED (58)");
  EXPECT_EQ(std::get<Error>(refused).code, KafkaErrc::sasl_authentication_failed);
  script->steps = {bytes("secret token")};
  (void)after_handshake();
  response.error_message = std::nullopt;
  EXPECT_EQ(message(after(response)),
            "user 'alice' with SCRAM-SHA-512: the broker gives no reason: SASL_AUTHENTICATION_FAILED (58)");
}

TEST_F(AuthenticationTest, ReportsWhatTheMechanismFinds) {
  script->steps = {bytes("first"), fail(net::SaslErrc::weak_server, "1 iterations")};
  (void)after_handshake();
  EXPECT_EQ(
      message(after(answer("challenge"))),
      "user 'alice' with SCRAM-SHA-512: 1 iterations: the server does not protect passwords as it should");
}

TEST_F(AuthenticationTest, DoesNotBelieveASuccessBeforeTheMechanismIsSatisfied) {
  script->steps = {bytes("first"), std::optional<Bytes>(), bytes("not reached")};
  (void)after_handshake();
  EXPECT_NE(message(after(answer("", 1000))).find("the broker ends the exchange too early"),
            std::string::npos);
}

TEST_F(AuthenticationTest, EndsAnEndlessExchange) {
  for (int i = 0; i < 100; ++i) script->steps.emplace_back(bytes("more"));
  auto step = after_handshake();
  int sent = 0;
  while (std::holds_alternative<AskToken>(step)) {
    ++sent;
    step = after(answer("go on"));
  }
  EXPECT_EQ(sent, 32);
  EXPECT_NE(message(step).find("no end after 32 tokens"), std::string::npos);
}

TEST_F(AuthenticationTest, RefusesAnswersThatCannotBeRead) {
  authentication.emplace(setup(), std::int16_t{2});
  (void)authentication->start();
  const auto step = authentication->on_response(as_bytes("\0"));
  ASSERT_TRUE(std::holds_alternative<Error>(step));
  EXPECT_EQ(std::get<Error>(step).code, ClientErrc::undecodable_response);
}

TEST(Reauthentication, ComesBetween85And95PercentOfTheLifetime) {
  const SteadyTime sent{seconds(1'000)};
  net::Random random(1);
  SteadyTime first = SteadyTime::max();
  SteadyTime last{};
  for (int i = 0; i < 1'000; ++i) {
    const auto at = reauthentication_time(sent, sent + milliseconds(50), milliseconds(10'000), random);
    first = std::min(first, at);
    last = std::max(last, at);
  }
  EXPECT_GE(first, sent + milliseconds(8'500));
  EXPECT_LE(first, sent + milliseconds(8'550));
  EXPECT_GE(last, sent + milliseconds(9'450));
  EXPECT_LE(last, sent + milliseconds(9'500));
}

TEST(Reauthentication, NeverComesWithoutALifetimeNorTwiceWithinASecond) {
  const SteadyTime sent{seconds(1'000)};
  net::Random random(1);
  EXPECT_EQ(reauthentication_time(sent, sent, milliseconds(0), random), SteadyTime::max());
  EXPECT_EQ(reauthentication_time(sent, sent, milliseconds(-5), random), SteadyTime::max());
  EXPECT_EQ(reauthentication_time(sent, sent, milliseconds(std::numeric_limits<std::int64_t>::max()), random),
            SteadyTime::max());
  const auto answered = sent + milliseconds(80);
  EXPECT_EQ(reauthentication_time(sent, answered, milliseconds(100), random), answered + milliseconds(1'000));
}

struct SaslSessionTest : AuthenticationTest {
  static ApiVersionsResponse versions(std::int16_t handshake_max = 1, std::int16_t authenticate_max = 2) {
    ApiVersionsResponse response;
    const auto add = [&](ApiKey api, std::int16_t max) {
      response.api_keys.push_back({static_cast<std::int16_t>(api), 0, max});
    };
    add(ApiKey::api_versions, 4);
    add(ApiKey::metadata, 13);
    if (handshake_max >= 0) add(ApiKey::sasl_handshake, handshake_max);
    if (authenticate_max >= 0) add(ApiKey::sasl_authenticate, authenticate_max);
    return response;
  }
};

TEST_F(SaslSessionTest, AsksForVersionsBeforeAndAfterTheAuthentication) {
  SessionFsm session(setup());
  script->steps = {bytes("token")};
  auto step = session.start();
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(step).version, 0);
  step = session.on_response(body(versions(), 0));
  EXPECT_EQ(std::get<AskHandshake>(step).mechanism, "SCRAM-SHA-512");
  EXPECT_TRUE(session.authenticating());
  step = session.on_response(body(SaslHandshakeResponse{}, 1));
  EXPECT_EQ(std::get<AskToken>(step).version, 2);
  EXPECT_FALSE(session.ready());
  step = session.on_response(body(answer("", 9'000), 2));
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(step).version, 3);
  EXPECT_FALSE(session.authenticating());
  // The broker knows 2 only; versions from before the authentication do not count any more.
  ApiVersionsResponse refusal;
  refusal.error_code = KafkaErrc::unsupported_version;
  refusal.api_keys = {{static_cast<std::int16_t>(ApiKey::api_versions), 0, 2}};
  step = session.on_response(body(refusal, 0));
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(step).version, 2);
  auto second = versions();
  second.api_keys[1].max_version = 9;
  step = session.on_response(body(second, 2));
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Ready>(step));
  EXPECT_EQ(std::get<SessionFsm::Ready>(step).lifetime, milliseconds(9'000));
  EXPECT_EQ(session.version_of(ApiKey::metadata, std::nullopt), 9);

  script->steps = {bytes("again")};
  step = session.reauthenticate();
  EXPECT_EQ(std::get<AskHandshake>(step).mechanism, "SCRAM-SHA-512");
  EXPECT_TRUE(session.ready());
  step = session.on_response(body(SaslHandshakeResponse{}, 1));
  EXPECT_EQ(as_text(std::get<AskToken>(step).token), "again");
  step = session.on_response(body(answer("", 5'000), 2));
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Ready>(step));
  EXPECT_EQ(std::get<SessionFsm::Ready>(step).lifetime, milliseconds(5'000));
  EXPECT_FALSE(session.authenticating());
}

TEST_F(SaslSessionTest, SpeaksAnOlderSaslAuthenticateWithAnOlderBroker) {
  SessionFsm session(setup());
  script->steps = {bytes("token")};
  (void)session.start();
  (void)session.on_response(body(versions(1, 0), 0));
  auto step = session.on_response(body(SaslHandshakeResponse{}, 1));
  EXPECT_EQ(std::get<AskToken>(step).version, 0);
  step = session.on_response(body(answer(""), 0));
  step = session.on_response(body(versions(1, 0), 3));
  ASSERT_TRUE(std::holds_alternative<SessionFsm::Ready>(step));
  EXPECT_EQ(std::get<SessionFsm::Ready>(step).lifetime, milliseconds(0));
}

TEST_F(SaslSessionTest, NeedsABrokerThatCarriesTokensInRequests) {
  for (const auto& too_old : {versions(0, -1), versions(-1, -1), versions(1, -1)}) {
    SessionFsm session(setup());
    (void)session.start();
    const auto step = session.on_response(body(too_old, 0));
    ASSERT_TRUE(std::holds_alternative<Error>(step));
    EXPECT_EQ(std::get<Error>(step).code, ClientErrc::unsupported_version);
    EXPECT_TRUE(std::get<Error>(step).detail.starts_with("SASL is configured here: Sasl"));
  }
}

}  // namespace
}  // namespace longhaul::client
