#include "net/sasl.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/net/scram_server.h"

namespace longhaul::net {
namespace {

using test::ScramServer;

constexpr std::array kMechanisms = {SaslMechanism::plain, SaslMechanism::scram_sha_256,
                                    SaslMechanism::scram_sha_512};
constexpr std::array kScrams = {SaslMechanism::scram_sha_256, SaslMechanism::scram_sha_512};

SaslCredentials credentials(SaslMechanism mechanism, std::string user, std::string password) {
  return {.mechanism = mechanism, .username = std::move(user), .password = Secret(std::move(password))};
}

std::unique_ptr<SaslClient> client_of(const SaslCredentials& who) {
  auto client = make_sasl_client(who, "kafka-1", "kafka");
  EXPECT_TRUE(client) << client.error().message();
  return *std::move(client);
}

std::string text_of(const Result<std::optional<Bytes>>& token) {
  EXPECT_TRUE(token && *token) << (token ? "no token" : token.error().message());
  return token && *token ? std::string(as_text(**token)) : "";
}

std::shared_ptr<const SaslUsers> users(std::string name, std::string password) {
  auto map = std::make_shared<SaslUsers>();
  map->emplace(std::move(name), Secret(std::move(password)));
  map->emplace("somebody else", Secret("something else"));
  return map;
}

/// Carries tokens until one side fails or both are done; returns how many the client sent.
Result<int> exchange(SaslClient& client, SaslServer& server) {
  LH_TRY(auto token, client.step({}));
  int sent = 0;
  while (token) {
    ++sent;
    LH_TRY(const auto answer, server.step(*token));
    LH_TRY(token, client.step(answer));
    if (sent > 9) return fail(SaslErrc::internal, "endless");
  }
  EXPECT_TRUE(client.done());
  EXPECT_TRUE(server.done());
  return sent;
}

TEST(Sasl, MechanismsHaveTheirRegisteredNames) {
  for (const auto mechanism : kMechanisms) {
    EXPECT_EQ(parse_sasl_mechanism(to_string(mechanism)), mechanism);
  }
  EXPECT_EQ(to_string(SaslMechanism::scram_sha_512), "SCRAM-SHA-512");
  EXPECT_EQ(parse_sasl_mechanism("GSSAPI"), std::nullopt);
  EXPECT_EQ(parse_sasl_mechanism("plain"), std::nullopt);
  EXPECT_EQ(parse_sasl_mechanism(""), std::nullopt);
}

TEST(Sasl, PlainSendsNameAndPasswordWithAnEmptyAuthorizationId) {
  const auto client = client_of(credentials(SaslMechanism::plain, "alice", "s,e=c ret\xc3\xa9"));
  EXPECT_EQ(text_of(client->step({})), std::string("\0alice\0s,e=c ret\xc3\xa9", 18));
  EXPECT_TRUE(client->done());
  // Kafka answers with an empty token; there is nothing more to send.
  const auto last = client->step({});
  ASSERT_TRUE(last);
  EXPECT_FALSE(*last);
  EXPECT_TRUE(client->done());
}

TEST(Sasl, ClientAndServerOfEachMechanismAgree) {
  for (const auto mechanism : kMechanisms) {
    const auto client = client_of(credentials(mechanism, "alice", "wonder land"));
    const auto server = make_sasl_server(mechanism, users("alice", "wonder land"), "kafka");
    ASSERT_TRUE(server) << server.error().message();
    EXPECT_EQ(exchange(*client, **server), mechanism == SaslMechanism::plain ? 1 : 2) << to_string(mechanism);
    EXPECT_EQ((*server)->username(), "alice");
    // Nothing can be appended to a finished exchange.
    EXPECT_FALSE((*server)->step({}));
  }
}

TEST(Sasl, TheServerRefusesWrongPasswordsAndStrangersWithoutSayingWhich) {
  for (const auto mechanism : kMechanisms) {
    for (const auto& who : {credentials(mechanism, "alice", "wonder"), credentials(mechanism, "alic", "x"),
                            credentials(mechanism, "somebody else", "wonder land")}) {
      const auto client = client_of(who);
      const auto server = make_sasl_server(mechanism, users("alice", "wonder land"), "kafka");
      ASSERT_TRUE(server);
      const auto outcome = exchange(*client, **server);
      ASSERT_FALSE(outcome) << to_string(mechanism);
      EXPECT_EQ(outcome.error().code, SaslErrc::refused) << outcome.error().message();
      EXPECT_EQ(outcome.error().detail, to_string(mechanism));
      EXPECT_FALSE((*server)->done());
      EXPECT_FALSE((*server)->step({})) << "after a failure the exchange is over";
    }
  }
}

TEST(Sasl, TheServerRefusesAnotherAuthorizationId) {
  const auto server = make_sasl_server(SaslMechanism::plain, users("alice", "pw"), "kafka");
  ASSERT_TRUE(server);
  const auto outcome = (*server)->step(as_bytes(std::string_view("root\0alice\0pw", 13)));
  ASSERT_FALSE(outcome);
  const auto same = make_sasl_server(SaslMechanism::plain, users("alice", "pw"), "kafka");
  EXPECT_TRUE((*same)->step(as_bytes(std::string_view("alice\0alice\0pw", 14))));
  EXPECT_TRUE((*same)->done());
}

TEST(Sasl, TheServerRefusesGarbage) {
  for (const auto mechanism : kMechanisms) {
    for (const std::string_view garbage : {"", "x", "n,,n=alice", "n,,n=alice,r=", "\xff\xff\xff"}) {
      const auto server = make_sasl_server(mechanism, users("alice", "pw"), "kafka");
      ASSERT_TRUE(server);
      const auto outcome = (*server)->step(as_bytes(garbage));
      EXPECT_FALSE(outcome && (*server)->done()) << to_string(mechanism) << ": " << garbage;
    }
  }
}

// Against an implementation of RFC 5802 that shares no code with the library.
TEST(Sasl, ScramSpeaksAsTheRfcSays) {
  for (const auto mechanism : kScrams) {
    ScramServer server{.mechanism = mechanism, .username = "alice", .password = "wonderland"};
    const auto client = client_of(credentials(mechanism, "alice", "wonderland"));
    const auto first = text_of(client->step({}));
    EXPECT_TRUE(first.starts_with("n,,n=alice,r=")) << first;
    const auto second = text_of(client->step(as_bytes(server.first(first))));
    EXPECT_TRUE(second.starts_with("c=biws,r=")) << second;
    EXPECT_TRUE(server.accepts(second));
    EXPECT_FALSE(client->done());
    const auto third = client->step(as_bytes(server.last()));
    ASSERT_TRUE(third) << third.error().message();
    EXPECT_FALSE(*third);
    EXPECT_TRUE(client->done());
  }
}

// Kafka applies no SASLprep: whatever bytes a name and a password have are sent and hashed as they are. A
// soft hyphen, a no-break space and a decomposed letter are what SASLprep would change.
TEST(Sasl, NamesAndPasswordsAreUsedByteByByte) {
  const std::vector<std::string> texts = {
      "p\xc3\xa4ssw\xc3\xb6rd",
      "a\xc2\xad"
      "b",
      "a\xc2\xa0"
      "b",
      "a\xcc\x88",
      "\xe2\x84\xa2",
      "\xf0\x9f\x94\x91",
      " blanks around ",
      "a,b=c",
      "=2C",
      "x@realm",
      std::string(900, 'x'),
  };
  for (const auto mechanism : kScrams) {
    for (const auto& text : texts) {
      ScramServer server{.mechanism = mechanism, .username = text, .password = text};
      const auto client = client_of(credentials(mechanism, text, text));
      const auto second = text_of(client->step(as_bytes(server.first(text_of(client->step({}))))));
      EXPECT_TRUE(server.accepts(second)) << text;
      EXPECT_TRUE(client->step(as_bytes(server.last()))) << text;
      EXPECT_TRUE(client->done()) << text;
    }
  }
  for (const auto mechanism : kMechanisms) {
    for (const auto& text : texts) {
      const auto client = client_of(credentials(mechanism, text, text));
      const auto server = make_sasl_server(mechanism, users(text, text), "kafka");
      ASSERT_TRUE(server);
      EXPECT_TRUE(exchange(*client, **server)) << to_string(mechanism) << ": " << text;
      EXPECT_EQ((*server)->username(), text);
    }
  }
}

TEST(Sasl, ScramRefusesAServerThatDoesNotKnowThePassword) {
  for (const auto mechanism : kScrams) {
    ScramServer server{.mechanism = mechanism, .username = "alice", .password = "guessed"};
    const auto client = client_of(credentials(mechanism, "alice", "wonderland"));
    const auto second = text_of(client->step(as_bytes(server.first(text_of(client->step({}))))));
    EXPECT_FALSE(server.accepts(second));
    const auto third = client->step(as_bytes(server.last()));
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, SaslErrc::server_not_authentic) << third.error().message();
    EXPECT_FALSE(client->done());
    EXPECT_FALSE(client->step({})) << "after a failure the exchange is over";
  }
}

/// What a client says to this first message of a server, or to this last one after a good first.
Error refusal(const std::function<void(ScramServer&)>& first,
              const std::function<std::string(std::string)>& last) {
  ScramServer server{
      .mechanism = SaslMechanism::scram_sha_256, .username = "alice", .password = "wonderland"};
  first(server);
  const auto client = client_of(credentials(server.mechanism, "alice", "wonderland"));
  const auto second = client->step(as_bytes(server.first(text_of(client->step({})))));
  if (!second) return second.error();
  EXPECT_TRUE(server.accepts(text_of(second)));
  const auto third = client->step(as_bytes(last(server.last())));
  EXPECT_FALSE(client->done() && third);
  return third ? Error{} : third.error();
}

TEST(Sasl, ScramAcceptsOnlySensibleIterationCounts) {
  const auto with = [](std::string iterations) {
    return refusal([&](ScramServer& server) { server.announced_iterations = iterations; },
                   [](std::string) { return "stop"; });
  };
  EXPECT_EQ(with("4095").code, SaslErrc::weak_server);
  EXPECT_EQ(with("1").code, SaslErrc::weak_server);
  EXPECT_EQ(with("0").code, SaslErrc::weak_server);
  EXPECT_EQ(with("65537").code, SaslErrc::weak_server);
  // 2^32 + 4096 and 2^64 + 4096, which a narrower number would take for 4096.
  EXPECT_EQ(with("4294971392").code, SaslErrc::weak_server);
  EXPECT_EQ(with("18446744073709555712").code, SaslErrc::weak_server);
  EXPECT_EQ(with("-4096").code, SaslErrc::bad_message);
  EXPECT_EQ(with(" 4096").code, SaslErrc::bad_message);
  EXPECT_EQ(with("4096x").code, SaslErrc::bad_message);
  EXPECT_EQ(with("").code, SaslErrc::bad_message);
  EXPECT_EQ(with("1").message(),
            "1 iterations, 4096 to 65536 are accepted: the server does not protect passwords as it should");
  for (const auto* const good : {"4096", "8192", "16384"}) {
    ScramServer server{.mechanism = SaslMechanism::scram_sha_512, .username = "a", .password = "b"};
    server.announced_iterations = good;
    const auto client = client_of(credentials(server.mechanism, "a", "b"));
    EXPECT_TRUE(server.accepts(text_of(client->step(as_bytes(server.first(text_of(client->step({}))))))));
    EXPECT_TRUE(client->step(as_bytes(server.last())));
  }
}

TEST(Sasl, ScramRefusesMessagesThatDoNotFollowIt) {
  const auto nothing = [](std::string last) { return last; };
  const auto first = [&](auto change) { return refusal(change, nothing).code; };
  EXPECT_EQ(first([](ScramServer& server) { server.nonce_prefix = "another"; }), SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.nonce_suffix = ""; }), SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.whole_first = ""; }), SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.whole_first = "hello"; }), SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.whole_first = "m=1,r=x,i=4096"; }), SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.whole_first = "r=x,s=!!!!,i=4096"; }),
            SaslErrc::bad_message);
  EXPECT_EQ(first([](ScramServer& server) { server.whole_first = std::string(100'000, 'r'); }),
            SaslErrc::bad_message);
  const auto good = [](ScramServer&) {};
  const auto last = [&](std::string whole) {
    return refusal(good, [whole](std::string) { return whole; }).code;
  };
  EXPECT_EQ(last(""), SaslErrc::bad_message);
  EXPECT_EQ(last("v="), SaslErrc::bad_message);
  EXPECT_EQ(last("v=AAAA"), SaslErrc::bad_message);
  EXPECT_EQ(last("v=" + std::string(3000, 'A')), SaslErrc::bad_message);
  EXPECT_EQ(last("v=" + std::string(43, 'A') + "="), SaslErrc::server_not_authentic);
}

TEST(Sasl, ScramSaysWhatTheServerSaysAgainstIt) {
  const auto error = refusal([](ScramServer&) {}, [](std::string) { return "e=invalid-proof\n\x1b[2J,x"; });
  EXPECT_EQ(error.message(), "the server says 'invalid-proof??[2J': SASL authentication failed");
}

TEST(Sasl, CredentialsThatCannotBeSentAreRefusedBeforehand) {
  for (const auto mechanism : kMechanisms) {
    const auto refused = [&](std::string user, std::string password) {
      const auto client = make_sasl_client(credentials(mechanism, user, password), "kafka-1", "kafka");
      return !client && client.error().code == SaslErrc::unusable_credentials;
    };
    EXPECT_TRUE(refused("", "x"));
    EXPECT_TRUE(refused(std::string("a\0b", 3), "x"));
    EXPECT_TRUE(refused("a", std::string("x\0y", 3)));
    EXPECT_TRUE(refused(std::string(5000, 'a'), "x"));
    EXPECT_FALSE(refused(std::string(1000, 'a'), ""));
  }
}

// The library's state is the process's; exchanges belong to cores.
TEST(Sasl, ExchangesRunOnSeveralThreadsAtOnce) {
  std::vector<std::jthread> threads;
  std::atomic<int> succeeded = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 6; ++round) {
        const auto mechanism = kMechanisms[static_cast<std::size_t>(round) % kMechanisms.size()];
        const auto password = "password " + std::to_string(i);
        auto client = make_sasl_client(credentials(mechanism, "alice", password), "kafka-1", "kafka");
        auto server = make_sasl_server(mechanism, users("alice", password), "kafka");
        if (client && server && exchange(**client, **server)) ++succeeded;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(succeeded, 24);
}

}  // namespace
}  // namespace longhaul::net
