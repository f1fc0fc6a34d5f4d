#include "sandbox/faults.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"
#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::batch_builder;
using testing::produce_request;
using testing::SandboxDriver;

class FaultsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(driver.cluster.create_topic("orders", 2, 2)); }

  void rule(std::string_view text) {
    const auto parsed = FaultRule::parse(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    driver.cluster.faults().add(*parsed);
  }
  std::int32_t leader(std::int32_t partition = 0) {
    return driver.cluster.partition("orders", PartitionIndex(partition))->leader;
  }
  std::int64_t end_offset() { return driver.cluster.partition("orders", PartitionIndex(0))->end_offset; }
  void send(ConnectionId client) { driver.send(client, produce_request("orders", 0, batch), 9); }
  KafkaErrc produced(ConnectionId client) {
    const auto response = driver.take<protocol::ProduceRequest>(client, 9);
    return response ? response->responses.at(0).partition_responses.at(0).error_code
                    : KafkaErrc::unknown_server_error;
  }

  SandboxDriver driver{ClusterOptions{.brokers = 3}};
  Bytes batch = batch_builder().records(1).build();
};

TEST_F(FaultsTest, DisconnectBeforeAndAfter) {
  rule("action=disconnect api=Produce count=1");
  rule("action=disconnect api=Produce when=after count=1");
  const auto first = driver.connect(leader());
  send(first);
  EXPECT_TRUE(driver.is_closed(first));
  EXPECT_EQ(end_offset(), 0);
  const auto second = driver.connect(leader());
  send(second);
  EXPECT_TRUE(driver.is_closed(second));
  EXPECT_EQ(end_offset(), 1) << "the batch was appended all the same";
  const auto third = driver.connect(leader());
  send(third);
  EXPECT_EQ(produced(third), KafkaErrc::none);
  EXPECT_EQ(driver.cluster.faults().injected(FaultAction::disconnect), 2);
}

TEST_F(FaultsTest, StallHoldsTheConnectionUp) {
  rule("action=stall api=Produce count=1");
  const auto client = driver.connect(leader());
  send(client);
  send(client);
  driver.advance(std::chrono::hours(1));
  EXPECT_EQ(driver.frames(client), 0U);
  EXPECT_FALSE(driver.is_closed(client));
  EXPECT_EQ(driver.cluster.unanswered(client), 2U);
}

TEST_F(FaultsTest, DelayComesLateAndInOrder) {
  rule("action=delay delay_ms=250 api=Produce skip=1 count=1");
  const auto client = driver.connect(leader());
  for (int i = 0; i < 3; ++i) send(client);
  EXPECT_EQ(driver.frames(client), 1U);
  driver.advance(milliseconds(249));
  EXPECT_EQ(driver.frames(client), 1U);
  driver.advance(milliseconds(1));
  EXPECT_EQ(driver.frames(client), 3U);
}

TEST_F(FaultsTest, ErrorOfOnePartition) {
  rule("action=error error=NOT_LEADER_OR_FOLLOWER topic=orders partition=1");
  rule("action=error error=REQUEST_TIMED_OUT when=after api=Produce topic=orders count=1");
  const auto client = driver.connect(leader());
  send(client);
  EXPECT_EQ(produced(client), KafkaErrc::request_timed_out);
  EXPECT_EQ(end_offset(), 1);
  send(client);
  EXPECT_EQ(produced(client), KafkaErrc::none);
  protocol::ListOffsetsRequest request;
  request.topics.push_back({.name = "orders", .partitions = {{.partition_index = 1, .timestamp = -1}}});
  const auto other = driver.connect(leader(1));
  EXPECT_EQ(driver.call(other, request, 4).topics.at(0).partitions.at(0).error_code,
            KafkaErrc::not_leader_or_follower);
}

TEST_F(FaultsTest, TruncatedAndGarbageFrames) {
  rule("action=truncate api=Metadata count=1");
  rule("action=garbage api=Metadata count=1");
  const auto first = driver.connect();
  driver.send(first, protocol::MetadataRequest{}, 9);
  EXPECT_TRUE(driver.is_closed(first));
  const auto cut = driver.take_frame(first);
  EXPECT_LT(cut.size() - 4, static_cast<std::size_t>(load_be<std::int32_t>(cut)));
  const auto second = driver.connect();
  driver.send(second, protocol::MetadataRequest{}, 9);
  const auto garbage = driver.take_frame(second);
  EXPECT_EQ(garbage.size() - 4, static_cast<std::size_t>(load_be<std::int32_t>(garbage)));
  EXPECT_FALSE(driver.is_closed(second));
}

TEST_F(FaultsTest, ChanceFollowsTheSeed) {
  const auto pattern = [](std::uint64_t seed) {
    Faults faults(seed);
    faults.add(*FaultRule::parse("action=stall probability=0.3"));
    std::string drawn;
    for (int i = 0; i < 200; ++i) {
      drawn += faults.decide(1, protocol::ApiKey::produce, {}) ? 'x' : '.';
    }
    return drawn;
  };
  EXPECT_EQ(pattern(1), pattern(1));
  EXPECT_NE(pattern(1), pattern(2));
  const auto hits = std::ranges::count(pattern(1), 'x');
  EXPECT_GT(hits, 30);
  EXPECT_LT(hits, 90);
}

TEST_F(FaultsTest, TextGoesBothWays) {
  const std::string_view text =
      "action=error when=after error=NOT_ENOUGH_REPLICAS broker=2 api=Produce topic=orders partition=1 "
      "skip=4 count=7 probability=0.25";
  EXPECT_EQ(FaultRule::parse(text)->to_string(), text);
  for (const auto* bad : {"", "api=Produce", "action=explode", "action=stall api=Produces", "action=stall x",
                          "action=stall count=many", "action=stall probability=2", "action=stall when=later",
                          "action=error error=NO_SUCH", "action=stall partition=1"}) {
    EXPECT_FALSE(FaultRule::parse(bad)) << bad;
  }
}

TEST_F(FaultsTest, LeadersMove) {
  const auto old = leader();
  const auto target = old == 1 ? 2 : 1;
  const auto epoch = driver.cluster.partition("orders", PartitionIndex(0))->leader_epoch;
  const auto line = fmt::format("leader topic=orders partition=0 broker={}", target);
  ASSERT_TRUE(driver.cluster.control(line, driver.now));
  EXPECT_EQ(leader(), target);
  EXPECT_GT(driver.cluster.partition("orders", PartitionIndex(0))->leader_epoch, epoch);
  const auto client = driver.connect(old);
  send(client);
  EXPECT_EQ(produced(client), KafkaErrc::not_leader_or_follower);
}

TEST_F(FaultsTest, BrokersGoDownAndComeBack) {
  const auto old = leader();
  const auto client = driver.connect(old);
  ASSERT_TRUE(driver.cluster.control(fmt::format("broker id={} state=down", old), driver.now));
  driver.collect();
  EXPECT_TRUE(driver.is_closed(client));
  EXPECT_NE(leader(), old);
  EXPECT_GT(leader(), 0);
  EXPECT_TRUE(driver.is_closed(driver.connect(old)));
  const auto metadata = driver.call(driver.connect(leader()), protocol::MetadataRequest{}, 9);
  EXPECT_EQ(metadata.brokers.size(), 2U);
  ASSERT_TRUE(driver.cluster.control(fmt::format("broker id={} state=up", old), driver.now));
  EXPECT_FALSE(driver.is_closed(driver.connect(old)));
}

TEST_F(FaultsTest, ControlSaysWhatIsWrong) {
  const auto control = [&](std::string_view line) { return driver.cluster.control(line, driver.now); };
  EXPECT_TRUE(control("# a comment"));
  EXPECT_EQ(*control("fault action=stall"), "fault 1");
  EXPECT_NE(control("status")->find("fault 1 action=stall"), std::string::npos);
  EXPECT_TRUE(control("clear fault=1"));
  EXPECT_FALSE(control("clear fault=1"));
  EXPECT_FALSE(control("explode"));
  EXPECT_FALSE(control("leader topic=orders partition=0"));
  EXPECT_FALSE(control("leader topic=orders partition=0 broker=9"));
  EXPECT_FALSE(control("broker id=1 state=sideways"));
  EXPECT_TRUE(control("topic name=more partitions=3"));
  EXPECT_TRUE(driver.cluster.partition("more", PartitionIndex(2)));
}

}  // namespace
}  // namespace longhaul::sandbox
