#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/retry.h"
#include "net/error.h"
#include "tests/unit/client/connection_fixture.h"
#include "tests/unit/client/scripted_sasl.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using protocol::MetadataResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Request = test::ScriptedBroker::Request;

struct SaslConnectionTest : ConnectionFixture {
  SaslConnectionTest() { use(net::SaslMechanism::plain, "wonderland"); }

  void use(net::SaslMechanism mechanism, std::string password) {
    options.sasl = net::SaslCredentials{
        .mechanism = mechanism, .username = "alice", .password = Secret(std::move(password))};
  }
  /// The kinds of requests seen, oldest first, with their versions.
  [[nodiscard]] std::vector<std::string> seen() const {
    std::vector<std::string> names;
    for (const auto& request : broker.requests) {
      names.push_back(
          fmt::format("{} {}", protocol::api_info(request.parts.api_key).name, request.parts.api_version));
    }
    return names;
  }
  void answer_metadata() {
    broker.on(ApiKey::metadata,
              [this](const Request& request) { broker.answer(request, metadata_response("answer")); });
  }

  test::ScriptedSasl sasl{broker};
};

TEST_F(SaslConnectionTest, AuthenticatesBeforeAnythingElse) {
  const auto connection = opened();
  EXPECT_EQ(seen(), (std::vector<std::string>{"ApiVersions 0", "SaslHandshake 1", "SaslAuthenticate 2",
                                              "ApiVersions 3"}));
  EXPECT_EQ(sasl.authentications(), 1);
  EXPECT_EQ(connection->answered(), 0u);
  answer_metadata();
  EXPECT_TRUE(core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))})));
}

TEST_F(SaslConnectionTest, AuthenticatesWithEachMechanism) {
  for (const auto mechanism : {net::SaslMechanism::scram_sha_256, net::SaslMechanism::scram_sha_512}) {
    use(mechanism, "wonderland");
    broker.requests.clear();
    EXPECT_TRUE(open());
    EXPECT_EQ(seen(), (std::vector<std::string>{"ApiVersions 0", "SaslHandshake 1", "SaslAuthenticate 2",
                                                "SaslAuthenticate 2", "ApiVersions 3"}));
  }
}

TEST_F(SaslConnectionTest, SaysWhoWasRefusedAndWhyButNotThePassword) {
  for (const auto mechanism :
       {net::SaslMechanism::plain, net::SaslMechanism::scram_sha_256, net::SaslMechanism::scram_sha_512}) {
    use(mechanism, "hunter2");
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().message(),
        fmt::format("cluster A: broker kafka-1:9092: user 'alice' with {}: Authentication failed: Invalid "
                    "username or password: SASL_AUTHENTICATION_FAILED (58)",
                    to_string(mechanism)));
    EXPECT_TRUE(is_refusal(refused.error().code));
    EXPECT_TRUE(wire().closed_by_client);
  }
}

TEST_F(SaslConnectionTest, SaysWhichMechanismsTheListenerHas) {
  sasl.mechanisms = {"SCRAM-SHA-256", "GSSAPI"};
  EXPECT_EQ(open_error(),
            "cluster A: broker kafka-1:9092: SASL mechanism PLAIN is not enabled on this listener, it offers "
            "SCRAM-SHA-256, GSSAPI: UNSUPPORTED_SASL_MECHANISM (33)");
}

TEST_F(SaslConnectionTest, SaysThatTheListenerDoesNotAskForSasl) {
  broker.on(ApiKey::sasl_handshake, [this](const Request& request) {
    broker.answer(request, protocol::SaslHandshakeResponse{.error_code = KafkaErrc::illegal_sasl_state,
                                                           .mechanisms = {}});
  });
  EXPECT_EQ(open_error(),
            "cluster A: broker kafka-1:9092: SASL is configured here, but this listener does not ask for "
            "authentication: ILLEGAL_SASL_STATE (34)");
}

TEST_F(SaslConnectionTest, SaysThatItWasHungUpOnDuringTheAuthentication) {
  sasl.intercept = [](const Request& request) {
    request.wire->hang_up();
    return true;
  };
  EXPECT_EQ(open_error(),
            "cluster A: broker kafka-1:9092: closed the connection in the middle of SASL authentication");
}

TEST_F(SaslConnectionTest, TheDeadlineCoversTheAuthentication) {
  sasl.intercept = [](const Request& request) { return request.parts.api_key == ApiKey::sasl_authenticate; };
  const auto begin = core.loop.time.now();
  EXPECT_EQ(
      open_error(),
      "cluster A: broker kafka-1:9092: no answer to SaslAuthenticate (is it a Kafka listener?): timed out");
  EXPECT_EQ(core.loop.time.now(), begin + seconds(10));
}

TEST_F(SaslConnectionTest, ATokenOfImpossibleSizeIsNotRead) {
  sasl.intercept = [](const Request& request) {
    if (request.parts.api_key != ApiKey::sasl_authenticate) return false;
    request.wire->send(as_bytes(std::string_view("\x7f\xff\xff\xff", 4)));
    return true;
  };
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ClientErrc::not_kafka);
}

// --- authenticating again ---

struct ReauthenticationTest : SaslConnectionTest {
  ReauthenticationTest() {
    sasl.lifetime_ms = 10'000;
    answer_metadata();
  }
  /// Sends a request and leaves it pending; its answer is `text`.
  Pending<MetadataResponse> submitted(const std::shared_ptr<Connection>& connection,
                                      const std::string& text = "x") {
    auto request = metadata_request();
    request.topics->push_back({.topic_id = {}, .name = text});
    auto pending = connection->submit(request, {.deadline = in(seconds(60))});
    EXPECT_TRUE(pending);
    return *std::move(pending);
  }
  std::string answer_of(Pending<MetadataResponse>& pending) {
    const auto answer = core.loop.run(pending.wait());
    return answer ? answer->body.cluster_id.value_or("none") : answer.error().message();
  }
  [[nodiscard]] std::string reason(const std::shared_ptr<Connection>& connection) const {
    return connection->closed_reason() == nullptr ? "open" : connection->closed_reason()->message();
  }
  /// When requests of a kind came.
  [[nodiscard]] std::vector<SteadyTime> times(ApiKey api) const {
    std::vector<SteadyTime> times;
    for (const auto& request : broker.requests) {
      if (request.parts.api_key == api) times.push_back(request.when);
    }
    return times;
  }
  /// Whether nothing came between the requests of any authentication.
  [[nodiscard]] bool undisturbed() const {
    const auto names = seen();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool has_next = i + 1 < names.size();
      if (names[i] == "SaslHandshake 1" && has_next && names[i + 1] != "SaslAuthenticate 2") return false;
    }
    return true;
  }
};

TEST_F(ReauthenticationTest, HappensOnTheSameConnectionBeforeEachLifetimeEnds) {
  const auto connection = opened();
  core.loop.run_for(seconds(100));
  const auto handshakes = times(ApiKey::sasl_handshake);
  ASSERT_GE(handshakes.size(), 11u);
  for (std::size_t i = 1; i < handshakes.size(); ++i) {
    EXPECT_GE(handshakes[i] - handshakes[i - 1], milliseconds(8'500));
    EXPECT_LE(handshakes[i] - handshakes[i - 1], milliseconds(9'500));
  }
  EXPECT_TRUE(connection->is_open()) << reason(connection);
  EXPECT_EQ(core.connector.wires.size(), 1u);
  EXPECT_EQ(sasl.authentications(), static_cast<int>(handshakes.size()));
  EXPECT_TRUE(undisturbed());
  EXPECT_EQ(broker.count(ApiKey::api_versions), 2u) << "versions are not asked for again";
}

TEST_F(ReauthenticationTest, DoesNotHappenWithoutALifetime) {
  sasl.lifetime_ms = 0;
  const auto connection = opened();
  core.loop.run_for(std::chrono::hours(24 * 30));
  EXPECT_EQ(sasl.authentications(), 1);
  EXPECT_TRUE(connection->is_open());
}

TEST_F(ReauthenticationTest, EndsWhenTheBrokerSetsNoLifetimeAnyMore) {
  const auto connection = opened();
  sasl.lifetime_ms = 0;
  core.loop.run_for(seconds(1'000));
  EXPECT_EQ(sasl.authentications(), 2);
  EXPECT_TRUE(connection->is_open());
}

// A broker serves one request after the other: answers to earlier requests come first, and nothing but SASL
// may reach it until it is done.
TEST_F(ReauthenticationTest, GoesUnnoticedByPipelinedTraffic) {
  use(net::SaslMechanism::scram_sha_256, "wonderland");
  sasl.lifetime_ms = 2'000;
  broker.on(ApiKey::metadata, [this](const Request& request) {
    const auto asked = test::ScriptedBroker::decode<protocol::MetadataRequest>(request);
    broker.answer(request, metadata_response(asked.topics->front().name.value_or("")));
  });
  const auto connection = opened();
  broker.service_time = milliseconds(10);
  std::vector<Pending<MetadataResponse>> pending;
  std::size_t most_in_flight = 0;
  for (int i = 0; i < 1'500; ++i) {
    pending.push_back(submitted(connection, std::to_string(i)));
    core.loop.run_for(milliseconds(9));
    most_in_flight = std::max(most_in_flight, connection->pending());
  }
  for (std::size_t i = 0; i < pending.size(); ++i) ASSERT_EQ(answer_of(pending[i]), std::to_string(i));
  core.loop.run_for(milliseconds(100));
  EXPECT_GT(most_in_flight, 20u);
  EXPECT_GE(sasl.authentications(), 6);
  EXPECT_TRUE(undisturbed());
  EXPECT_EQ(core.connector.wires.size(), 1u);
  EXPECT_EQ(connection->pending(), 0u);
}

TEST_F(ReauthenticationTest, HoldsRequestsBackUntilItIsDone) {
  const auto connection = opened();
  std::vector<Request> held;
  sasl.intercept = [&](const Request& request) {
    held.push_back(request);
    return true;
  };
  core.loop.run_for(milliseconds(9'600));
  ASSERT_EQ(held.size(), 1u);
  auto first = submitted(connection);
  auto second = submitted(connection);
  core.loop.run_for(seconds(3));
  EXPECT_EQ(broker.count(ApiKey::metadata), 0u);
  EXPECT_EQ(connection->pending(), 3u);
  sasl.intercept = nullptr;
  sasl.serve(held.front());
  core.loop.settle();
  EXPECT_EQ(broker.count(ApiKey::metadata), 2u);
  EXPECT_EQ(answer_of(first), "answer");
  EXPECT_EQ(answer_of(second), "answer");
  EXPECT_TRUE(undisturbed());
}

TEST_F(ReauthenticationTest, WaitsForTheEndOfAThrottle) {
  const auto connection = opened();
  core.loop.run_for(seconds(8));
  broker.on(ApiKey::metadata,
            [this](const Request& request) { broker.answer(request, metadata_response("slow", 5'000)); });
  auto first = submitted(connection);
  EXPECT_EQ(answer_of(first), "slow");
  const auto until = connection->throttled_until();
  answer_metadata();
  auto second = submitted(connection);
  core.loop.run_for(seconds(20));
  EXPECT_EQ(answer_of(second), "answer");
  EXPECT_EQ(times(ApiKey::sasl_handshake).at(1), until);
  EXPECT_EQ(times(ApiKey::metadata).back(), until);
  EXPECT_TRUE(undisturbed());
}

TEST_F(ReauthenticationTest, AThrottleInTheMiddleDoesNotEndIt) {
  options.request_timeout = milliseconds(2'000);
  const auto connection = opened();
  core.loop.run_for(seconds(8));
  // The broker takes 1 s for this, and then asks for a pause longer than any deadline; it reads on
  // afterwards.
  std::vector<Request> held;
  sasl.intercept = [&](const Request& request) {
    held.push_back(request);
    return true;
  };
  std::optional<Request> asked;
  broker.on(ApiKey::metadata, [&](const Request& request) { asked = request; });
  auto pending = submitted(connection);
  core.loop.run_for(milliseconds(1'600));
  ASSERT_TRUE(asked);
  ASSERT_EQ(held.size(), 1u);
  broker.answer(*asked, metadata_response("slow", 20'000));
  core.loop.run_for(seconds(20));
  EXPECT_TRUE(connection->is_open()) << reason(connection);
  sasl.serve(held.front());
  core.loop.run_for(milliseconds(1'000));
  ASSERT_EQ(held.size(), 2u) << "the next request of the renewal has its own time";
  EXPECT_TRUE(connection->is_open()) << reason(connection);
  sasl.intercept = nullptr;
  sasl.serve(held.back());
  core.loop.settle();
  EXPECT_EQ(answer_of(pending), "slow");
  EXPECT_EQ(sasl.authentications(), 2);
  EXPECT_TRUE(connection->is_open());
}

TEST_F(ReauthenticationTest, ClosesTheConnectionWithTheReasonWhenItIsRefused) {
  const auto connection = opened();
  sasl.set_password("alice", "changed");
  std::optional<Request> held;
  sasl.intercept = [&](const Request& request) {
    if (held || request.parts.api_key != ApiKey::sasl_handshake) return false;
    held = request;
    return true;
  };
  core.loop.run_for(milliseconds(9'600));
  ASSERT_TRUE(held);
  auto waiting = submitted(connection);
  sasl.serve(*held);
  const auto answer = core.loop.run(waiting.wait());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message(),
            "cluster A: broker kafka-1:9092: authenticating again: user 'alice' with PLAIN: Authentication "
            "failed: Invalid username or password: SASL_AUTHENTICATION_FAILED (58)");
  // It was never written.
  EXPECT_EQ(broker.count(ApiKey::metadata), 0u);
  EXPECT_EQ(effect_of(answer.error().code), Effect::none);
  EXPECT_EQ(reason(connection), answer.error().message());
  EXPECT_TRUE(wire().closed_by_client);
}

TEST_F(ReauthenticationTest, SaysThatItWasHungUpOn) {
  const auto connection = opened();
  std::optional<Request> asked;
  broker.on(ApiKey::metadata, [&](const Request& request) { asked = request; });
  sasl.intercept = [](const Request& request) {
    request.wire->hang_up();
    return true;
  };
  core.loop.run_for(seconds(8));
  auto pending = submitted(connection);
  core.loop.run_for(seconds(2));
  const auto answer = core.loop.run(pending.wait());
  ASSERT_FALSE(answer);
  EXPECT_EQ(
      answer.error().message(),
      "cluster A: broker kafka-1:9092: authenticating again: closed the connection in the middle of SASL "
      "authentication");
  // This one was written before: nobody knows.
  EXPECT_TRUE(asked);
  EXPECT_EQ(effect_of(answer.error().code), Effect::unknown);
  EXPECT_FALSE(connection->is_open());
}

TEST_F(ReauthenticationTest, HasADeadline) {
  options.request_timeout = milliseconds(4'000);
  const auto connection = opened();
  sasl.intercept = [](const Request&) { return true; };
  core.loop.run_for(seconds(30));
  EXPECT_EQ(reason(connection),
            "cluster A: broker kafka-1:9092: authenticating again: no answer to SaslHandshake: timed out");
}

TEST_F(ReauthenticationTest, RefusesAnAnswerThatIsTooLarge) {
  const auto connection = opened();
  sasl.intercept = [](const Request& request) {
    request.wire->send(as_bytes(std::string_view("\x10\0\0\0", 4)));
    return true;
  };
  core.loop.run_for(seconds(10));
  EXPECT_EQ(connection->closed_reason()->code, ClientErrc::bad_frame_size);
}

TEST_F(ReauthenticationTest, FailsWhereTheBrokerNamesNoSaslAfterwards) {
  broker.on(ApiKey::api_versions, [this](const Request& request) {
    auto versions = test::ScriptedBroker::our_versions();
    if (request.parts.api_version > 0) {
      std::erase_if(versions.api_keys, [](const auto& api) {
        return api.api_key == static_cast<std::int16_t>(ApiKey::sasl_handshake);
      });
    }
    broker.answer(request, versions);
  });
  const auto connection = opened();
  core.loop.run_for(seconds(10));
  EXPECT_EQ(reason(connection),
            "cluster A: broker kafka-1:9092: SASL is configured here: SaslHandshake is not served by this "
            "broker: no version in common");
}

TEST_F(ReauthenticationTest, IsCancelledWithTheConnection) {
  const auto connection = opened();
  sasl.intercept = [](const Request&) { return true; };
  core.loop.run_for(milliseconds(9'600));
  auto waiting = submitted(connection);
  stop();
  const auto answer = core.loop.run(waiting.wait());
  ASSERT_FALSE(answer);
  EXPECT_TRUE(net::is_aborted(answer.error()));
}

}  // namespace
}  // namespace longhaul::client
