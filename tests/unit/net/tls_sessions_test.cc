#include "net/tls_sessions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace longhaul::net {
namespace {

SessionPtr session(int version) {
  SessionPtr made(SSL_SESSION_new());
  SSL_SESSION_set_protocol_version(made.get(), version);
  return made;
}

TEST(TlsSessions, GivesATicketOfTls13OnceAndTheNewestFirst) {
  TlsSessions sessions;
  EXPECT_EQ(sessions.take("a"), nullptr);
  auto older = session(TLS1_3_VERSION);
  auto newer = session(TLS1_3_VERSION);
  const auto* newer_at = newer.get();
  sessions.put("a", std::move(older));
  sessions.put("a", std::move(newer));
  EXPECT_EQ(sessions.take("b"), nullptr);
  EXPECT_EQ(sessions.take("a").get(), newer_at);
  EXPECT_NE(sessions.take("a"), nullptr);
  EXPECT_EQ(sessions.take("a"), nullptr);
}

TEST(TlsSessions, KeepsASessionOfTls12UntilItIsForgotten) {
  TlsSessions sessions;
  sessions.put("a", session(TLS1_2_VERSION));
  const auto one = sessions.take("a");
  const auto two = sessions.take("a");
  EXPECT_NE(one, nullptr);
  EXPECT_EQ(one.get(), two.get());
  sessions.forget("a");
  EXPECT_EQ(sessions.take("a"), nullptr);
}

TEST(TlsSessions, AreBoundedPerServerAndInAll) {
  TlsSessions sessions;
  for (std::size_t i = 0; i < 2 * TlsSessions::kPerServerMax; ++i) sessions.put("a", session(TLS1_3_VERSION));
  for (std::size_t i = 0; i < TlsSessions::kPerServerMax; ++i) EXPECT_NE(sessions.take("a"), nullptr);
  EXPECT_EQ(sessions.take("a"), nullptr);
  // The server that was not used for the longest time is forgotten.
  for (std::size_t i = 0; i <= TlsSessions::kServersMax; ++i) {
    sessions.put(fmt::format("server {}", i), session(TLS1_2_VERSION));
    EXPECT_NE(sessions.take("server 0"), nullptr);
  }
  EXPECT_EQ(sessions.take("server 1"), nullptr);
  EXPECT_NE(sessions.take("server 2"), nullptr);
}

}  // namespace
}  // namespace longhaul::net
