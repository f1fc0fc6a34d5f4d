#include "sandbox/cluster.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"
#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::batch_builder;
using testing::fetch_request;
using testing::produce_request;
using testing::SandboxDriver;

class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(driver.cluster.create_topic("orders", 2)); }

  protocol::PartitionProduceResponse produce(const Bytes& batch, std::int32_t partition = 0) {
    return driver.call(client, produce_request("orders", partition, batch), 9)
        .responses.at(0)
        .partition_responses.at(0);
  }

  SandboxDriver driver;
  ConnectionId client = driver.connect();
};

TEST_F(ClusterTest, ReturnsWhatWasProduced) {
  const auto batch = batch_builder().records(3).build();
  EXPECT_EQ(produce(batch).base_offset, 0);
  EXPECT_EQ(produce(batch).base_offset, 3);
  const auto fetched = driver.call(client, fetch_request("orders", 0, 0), 12);
  const auto& partition = fetched.responses.at(0).partitions.at(0);
  EXPECT_EQ(partition.high_watermark, 6);
  protocol::RecordSetReader reader(partition.records);
  const auto first = reader.next();
  const auto second = reader.next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(std::get<protocol::RecordBatchView>(*first).base_offset().value(), 0);
  EXPECT_EQ(std::get<protocol::RecordBatchView>(*second).base_offset().value(), 3);
  EXPECT_TRUE(std::get<protocol::RecordBatchView>(*second).has_valid_crc());
  EXPECT_FALSE(reader.next().has_value());
}

TEST_F(ClusterTest, FetchWaitsForAnAppend) {
  driver.send(client, fetch_request("orders", 1, 0), 12);
  EXPECT_EQ(driver.frames(client), 0U);
  const auto producer = driver.connect();
  (void)driver.call(producer, produce_request("orders", 1, batch_builder().records(1).build()), 9);
  const auto fetched = driver.take<protocol::FetchRequest>(client, 12);
  ASSERT_TRUE(fetched);
  EXPECT_FALSE(fetched->responses.at(0).partitions.at(0).records.empty());
}

TEST_F(ClusterTest, FetchEndsWhenItsTimeIsOver) {
  driver.send(client, fetch_request("orders", 1, 0), 12);
  driver.advance(milliseconds(499));
  EXPECT_EQ(driver.frames(client), 0U);
  driver.advance(milliseconds(1));
  const auto fetched = driver.take<protocol::FetchRequest>(client, 12);
  ASSERT_TRUE(fetched);
  EXPECT_TRUE(fetched->responses.at(0).partitions.at(0).records.empty());
}

TEST_F(ClusterTest, ServesOneRequestOfAConnectionAtATime) {
  driver.send(client, fetch_request("orders", 0, 0), 12);
  driver.send(client, protocol::MetadataRequest{}, 9);
  EXPECT_EQ(driver.frames(client), 0U);
  EXPECT_EQ(driver.cluster.unanswered(client), 2U);
  driver.advance(milliseconds(500));
  EXPECT_EQ(driver.frames(client), 2U);
}

TEST_F(ClusterTest, DescribesItsTopics) {
  const auto metadata = driver.call(client, protocol::MetadataRequest{}, 12);
  ASSERT_EQ(metadata.topics.size(), 1U);
  EXPECT_EQ(metadata.topics[0].name, "orders");
  EXPECT_FALSE(metadata.topics[0].topic_id.is_zero());
  EXPECT_EQ(metadata.topics[0].partitions.size(), 2U);
  EXPECT_EQ(metadata.brokers.size(), 1U);
}

TEST_F(ClusterTest, CreatesTopicsThatAreAskedFor) {
  protocol::MetadataRequest request;
  request.topics.emplace();
  request.topics->push_back({.topic_id = {}, .name = "fresh"});
  EXPECT_EQ(driver.call(client, request, 9).topics.at(0).error_code, KafkaErrc::unknown_topic_or_partition);
  EXPECT_EQ(driver.call(client, request, 9).topics.at(0).error_code, KafkaErrc::none);
}

TEST_F(ClusterTest, AnswersAnUnknownVersionOfApiVersions) {
  protocol::GatherBuffer frame;
  protocol::Writer writer(frame);
  writer.integer(std::int16_t{18});
  writer.integer(std::int16_t{99});
  writer.integer(std::int32_t{7});
  writer.integer(std::int16_t{-1});
  writer.unsigned_varint(0);
  driver.send_raw(client, frame.flattened());
  ASSERT_EQ(driver.frames(client), 1U);
  const auto response = driver.take<protocol::ApiVersionsRequest>(client, 0);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, KafkaErrc::unsupported_version);
  ASSERT_EQ(response->api_keys.size(), 1U);
  EXPECT_EQ(response->api_keys[0].api_key, 18);
}

TEST_F(ClusterTest, AnswersTheVersionOfApiVersionsThatJavaClientsBeginWith) {
  protocol::GatherBuffer frame;
  protocol::Writer writer(frame);
  writer.integer(std::int16_t{18});
  writer.integer(std::int16_t{4});
  writer.integer(std::int32_t{7});
  writer.integer(std::int16_t{-1});
  writer.unsigned_varint(0);
  for (const std::string_view word : {"apache-kafka-java", "4.3.1"}) {
    writer.unsigned_varint(static_cast<std::uint32_t>(word.size()) + 1);
    writer.raw(as_bytes(word));
  }
  writer.unsigned_varint(0);
  driver.send_raw(client, frame.flattened());
  ASSERT_EQ(driver.frames(client), 1U);
  const auto response = driver.take<protocol::ApiVersionsRequest>(client, 3);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, KafkaErrc::none);
  EXPECT_GT(response->api_keys.size(), 20U);
}

TEST_F(ClusterTest, ClosesAConnectionThatSendsSomethingElse) {
  driver.send_raw(client, as_bytes("GET / HTTP/1.1"));
  EXPECT_TRUE(driver.is_closed(client));
}

}  // namespace
}  // namespace longhaul::sandbox
