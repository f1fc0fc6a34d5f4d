#include <gtest/gtest.h>

#include "client/retry.h"
#include "tests/unit/client/cluster_fixture.h"
#include "tests/unit/client/scripted_sasl.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using std::chrono::minutes;
using std::chrono::seconds;

/// A cluster whose brokers ask who is there.
struct ClusterRefusalTest : ClusterFixture {
  void make_with_password(std::string password) {
    make();
    ClusterOptions options{.alias = "A", .bootstrap = {{"boot-1", 9092}, {"boot-2", 9092}}};
    options.sasl = net::SaslCredentials{
        .mechanism = net::SaslMechanism::plain, .username = "alice", .password = Secret(std::move(password))};
    core.loop.run(cluster->stop());
    cluster.emplace(core.io, options);
  }

  test::ScriptedSasl sasl{broker};
};

TEST_F(ClusterRefusalTest, IsReportedAtOnceWithItsReason) {
  make_with_password("hunter2");
  const auto begin = core.loop.time.now();
  const auto refused = run(cluster->refresh_topics({"orders"}, in(minutes(5))));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_refusal(refused.error().code)) << refused.error().message();
  EXPECT_NE(refused.error().message().find("user 'alice' with PLAIN: Authentication failed"),
            std::string::npos)
      << refused.error().message();
  EXPECT_EQ(core.loop.time.now(), begin);
}

TEST_F(ClusterRefusalTest, IsWhatCountsWhenOtherBrokersAreDown) {
  make_with_password("hunter2");
  core.connector.on_connect = [accept = core.connector.on_connect](const auto& wire) -> Result<void> {
    if (wire->host == "boot-2") return fail(ErrorCode(ECONNREFUSED, boost::system::system_category()));
    return accept(wire);
  };
  const auto refused = run(cluster->refresh_topics({"orders"}, in(minutes(5))));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_refusal(refused.error().code)) << refused.error().message();
}

/// A cluster whose two addresses fail as said.
struct CertificateRefusalTest : ClusterFixture {
  void make_failing(ErrorCode boot_1, ErrorCode boot_2) {
    make();
    core.connector.on_connect = [boot_1, boot_2](const auto& wire) -> Result<void> {
      return fail(wire->host == "boot-2" ? boot_2 : boot_1);
    };
  }
  static constexpr net::NetErrc kWrongHost = net::NetErrc::tls_wrong_host;
  ErrorCode down{ECONNREFUSED, boost::system::system_category()};
};

TEST_F(CertificateRefusalTest, WaitsForBrokersThatAreDown) {
  make_failing(kWrongHost, down);
  const auto begin = core.loop.time.now();
  const auto failed = run(cluster->refresh_topics({"orders"}, in(minutes(5))));
  ASSERT_FALSE(failed);
  EXPECT_GE(core.loop.time.now() - begin, minutes(5));
}

TEST_F(CertificateRefusalTest, IsFinalWhenEveryBrokerRefuses) {
  make_failing(kWrongHost, kWrongHost);
  const auto refused = run(cluster->refresh_topics({"orders"}, in(minutes(5))));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, kWrongHost) << refused.error().message();
}

TEST_F(ClusterRefusalTest, IsNotFollowedByAttemptAfterAttempt) {
  make_with_password("hunter2");
  EXPECT_FALSE(run(cluster->refresh_topics({"orders"}, in(minutes(5)))));
  core.loop.run_for(minutes(10));
  // Two addresses, each after 5, 10, 20, 40 and then every 60 seconds.
  EXPECT_GE(core.connector.wires.size(), 20u);
  EXPECT_LE(core.connector.wires.size(), 40u);
}

TEST_F(ClusterRefusalTest, EndsSoonAfterSomebodyHasPutItRight) {
  make_with_password("new password");
  EXPECT_FALSE(run(cluster->refresh_topics({"orders"}, in(minutes(5)))));
  core.loop.run_for(minutes(10));
  sasl.set_password("alice", "new password");
  core.loop.run_for(seconds(75));
  EXPECT_TRUE(run(cluster->refresh_topics({"orders"}, in(seconds(1)))));
}

}  // namespace
}  // namespace longhaul::client
