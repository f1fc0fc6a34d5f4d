#include <gtest/gtest.h>

#include <utility>

#include "client/cluster.h"
#include "tests/unit/client/cluster_fixture.h"

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;
using std::chrono::seconds;

struct ColdBrokerTest : ClusterFixture {};

TEST_F(ColdBrokerTest, PassesOverTheMetadataOfABrokerThatKnowsNothingYet) {
  make();
  topics["orders"] = {{.leader = 1, .epoch = 3}};
  ASSERT_TRUE(run(cluster->refresh_topics({"orders"}, in(seconds(10)))));
  const auto known_hosts = std::exchange(hosts, {});
  const auto known_topics = std::exchange(topics, {});
  const auto cold = run(cluster->refresh_metadata(in(seconds(2))));
  ASSERT_FALSE(cold);
  EXPECT_EQ(cold.error().code, KafkaErrc::broker_not_available);
  EXPECT_FALSE(run(cluster->refresh_all_topics(in(seconds(2)))));
  EXPECT_EQ(cluster->metadata().brokers().size(), 3u);
  ASSERT_NE(cluster->metadata().topic("orders"), nullptr);
  EXPECT_EQ(cluster->metadata().topic("orders")->error, KafkaErrc::none);
  hosts = known_hosts;
  topics = known_topics;
  ASSERT_TRUE(run(cluster->refresh_all_topics(in(seconds(10)))));
  EXPECT_NE(cluster->metadata().topic("orders"), nullptr);
}

}  // namespace
}  // namespace longhaul::client
