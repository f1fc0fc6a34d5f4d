#include <gtest/gtest.h>

#include "tests/support/batches.h"
#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::FetchRequest;
using protocol::KafkaErrc;
using testing::batch_builder;
using testing::fetch_request;
using testing::produce_request;
using testing::SandboxDriver;

class FetchTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(driver.cluster.create_topic("orders", 2, 1)); }

  void produce(std::int32_t partition, int records = 1, std::size_t value = 10) {
    const auto batch =
        batch_builder().record({.key = "k", .value = std::string(value, 'v')}).records(records - 1);
    const auto bytes = batch.build();
    const auto response = driver.call(producer, produce_request("orders", partition, bytes), 9);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).error_code, KafkaErrc::none);
  }
  KafkaErrc error_at(std::int64_t offset, std::int32_t epoch = -1) {
    auto request = fetch_request("orders", 0, offset);
    request.max_wait_ms = 0;
    request.topics[0].partitions[0].current_leader_epoch = epoch;
    return driver.call(client, request, 12).responses.at(0).partitions.at(0).error_code;
  }
  /// Both partitions from their starts, by name.
  static FetchRequest both() {
    auto request = fetch_request("orders", 0, 0);
    request.topics[0].partitions.push_back(
        {.partition = 1, .fetch_offset = 0, .partition_max_bytes = 1 << 20});
    request.max_wait_ms = 0;
    return request;
  }

  SandboxDriver driver;
  ConnectionId client = driver.connect();
  ConnectionId producer = driver.connect();
};

TEST_F(FetchTest, RefusesOffsetsOutsideTheLog) {
  produce(0, 5);
  EXPECT_EQ(error_at(5), KafkaErrc::none);
  EXPECT_EQ(error_at(6), KafkaErrc::offset_out_of_range);
  protocol::DeleteRecordsRequest request;
  request.topics.push_back({.name = "orders", .partitions = {{.partition_index = 0, .offset = 3}}});
  EXPECT_EQ(driver.call(client, request, 1).topics.at(0).partitions.at(0).low_watermark, 3);
  EXPECT_EQ(error_at(2), KafkaErrc::offset_out_of_range);
  EXPECT_EQ(error_at(3), KafkaErrc::none);
}

TEST_F(FetchTest, ChecksTheLeaderEpoch) {
  ASSERT_TRUE(driver.cluster.move_leader("orders", PartitionIndex(0), BrokerId(1), driver.now));
  EXPECT_EQ(error_at(0, 1), KafkaErrc::none);
  EXPECT_EQ(error_at(0, 0), KafkaErrc::fenced_leader_epoch);
  EXPECT_EQ(error_at(0, 2), KafkaErrc::unknown_leader_epoch);
}

TEST_F(FetchTest, ReportsWhereALogWasCut) {
  produce(0, 2);
  ASSERT_TRUE(driver.cluster.move_leader("orders", PartitionIndex(0), BrokerId(1), driver.now));
  produce(0, 2);
  auto request = fetch_request("orders", 0, 3);
  request.topics[0].partitions[0].last_fetched_epoch = 0;
  const auto response = driver.call(client, request, 12);
  const auto& diverging = response.responses.at(0).partitions.at(0).diverging_epoch;
  EXPECT_EQ(diverging.epoch, 0);
  EXPECT_EQ(diverging.end_offset, 2);
}

TEST_F(FetchTest, UnknownTopicsByNameAndById) {
  EXPECT_EQ(
      driver.call(client, fetch_request("nothing", 0, 0), 12).responses.at(0).partitions.at(0).error_code,
      KafkaErrc::unknown_topic_or_partition);
  auto request = fetch_request("", 0, 0);
  request.topics[0].topic_id.bytes[3] = 9;
  EXPECT_EQ(driver.call(client, request, 13).responses.at(0).partitions.at(0).error_code,
            KafkaErrc::unknown_topic_id);
}

TEST_F(FetchTest, OnlyTheFirstPartitionExceedsTheLimits) {
  produce(0, 1, 5000);
  produce(1, 1, 5000);
  auto request = both();
  request.max_bytes = 100;
  const auto response = driver.call(client, request, 12);
  const auto& partitions = response.responses.at(0).partitions;
  EXPECT_GT(partitions.at(0).records.size(), 5000U);
  EXPECT_TRUE(partitions.at(1).records.empty());
}

TEST_F(FetchTest, WaitsForItsBytes) {
  auto request = fetch_request("orders", 0, 0);
  request.min_bytes = 5000;
  driver.send(client, request, 12);
  produce(0, 1, 3000);
  EXPECT_EQ(driver.frames(client), 0U);
  produce(0, 1, 3000);
  EXPECT_EQ(driver.frames(client), 1U);
}

TEST_F(FetchTest, AWaitEndsWithItsTopic) {
  driver.send(client, fetch_request("orders", 0, 0), 12);
  ASSERT_TRUE(driver.cluster.delete_topic("orders", driver.now));
  driver.collect();
  const auto response = driver.take<FetchRequest>(client, 12);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->responses.at(0).partitions.at(0).error_code, KafkaErrc::unknown_topic_or_partition);
  driver.advance(std::chrono::seconds(2));
}

TEST_F(FetchTest, AWaitEndsWithItsConnection) {
  driver.send(client, fetch_request("orders", 0, 0), 12);
  driver.disconnect(client);
  produce(0);
  driver.advance(std::chrono::seconds(2));
  EXPECT_EQ(driver.frames(client), 0U);
}

TEST_F(FetchTest, SessionsNameWhatChanged) {
  auto request = both();
  request.session_epoch = 0;
  const auto full = driver.call(client, request, 12);
  ASSERT_NE(full.session_id, 0);
  EXPECT_EQ(full.responses.at(0).partitions.size(), 2U);

  FetchRequest next;
  next.session_id = full.session_id;
  next.session_epoch = 1;
  const auto idle = driver.call(client, next, 12);
  EXPECT_TRUE(idle.responses.empty());
  EXPECT_EQ(idle.session_id, full.session_id);

  produce(1);
  next.session_epoch = 2;
  const auto changed = driver.call(client, next, 12);
  ASSERT_EQ(changed.responses.size(), 1U);
  ASSERT_EQ(changed.responses[0].partitions.size(), 1U);
  EXPECT_EQ(changed.responses[0].partitions[0].partition_index, 1);

  next.session_epoch = 2;
  EXPECT_EQ(driver.call(client, next, 12).error_code, KafkaErrc::invalid_fetch_session_epoch);
  next.session_epoch = 3;
  EXPECT_EQ(driver.call(client, next, 13).error_code, KafkaErrc::fetch_session_topic_id_error);
  next.forgotten_topics_data.push_back({.topic = "orders", .partitions = {1}});
  EXPECT_TRUE(driver.call(client, next, 12).responses.empty()) << "partition 1 is forgotten";
  next.session_id = full.session_id + 1;
  EXPECT_EQ(driver.call(client, next, 12).error_code, KafkaErrc::fetch_session_id_not_found);
}

TEST_F(FetchTest, ListsOffsets) {
  produce(0, 5);
  const auto offset = [&](std::int64_t time, int version = 9) {
    protocol::ListOffsetsRequest request;
    request.topics.push_back({.name = "orders", .partitions = {{.partition_index = 0, .timestamp = time}}});
    const auto response = driver.call(client, request, version);
    const auto& partition = response.topics.at(0).partitions.at(0);
    return partition.error_code == KafkaErrc::none ? partition.offset : -100;
  };
  EXPECT_EQ(offset(-1), 5);
  EXPECT_EQ(offset(-2), 0);
  EXPECT_EQ(offset(-3), 4);
  EXPECT_EQ(offset(-3, 6), -100) << "the largest timestamp came with version 7";
  EXPECT_EQ(offset(1'700'000'000'002), 2);
  EXPECT_EQ(offset(1'800'000'000'000), -1);
}

TEST_F(FetchTest, AnswersWhereEpochsEnd) {
  produce(0, 2);
  ASSERT_TRUE(driver.cluster.move_leader("orders", PartitionIndex(0), BrokerId(1), driver.now));
  produce(0, 3);
  protocol::OffsetForLeaderEpochRequest request;
  request.topics.push_back({.topic = "orders", .partitions = {{.partition = 0, .leader_epoch = 0}}});
  const auto response = driver.call(client, request, 4);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).end_offset, 2);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).leader_epoch, 0);
}

TEST_F(FetchTest, OldRecordsGoWhenMemoryIsShort) {
  SandboxDriver small(ClusterOptions{.memory_max = 200'000});
  ASSERT_TRUE(small.cluster.create_topic("orders", 1, 1));
  const auto connection = small.connect();
  const auto batch = batch_builder().record({.key = "k", .value = std::string(20'000, 'v')}).build();
  for (int i = 0; i < 50; ++i) {
    const auto response = small.call(connection, produce_request("orders", 0, batch), 9);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).base_offset, i);
  }
  const auto state = small.cluster.partition("orders", PartitionIndex(0));
  EXPECT_EQ(state->end_offset, 50);
  EXPECT_GT(state->start_offset, 0);
  EXPECT_LE(state->bytes, 250'000U);
}

TEST_F(FetchTest, RetentionRunsByItself) {
  ASSERT_TRUE(driver.cluster.create_topic("short", 1, 1, {{"retention.ms", "60000"}}));
  const auto batch =
      batch_builder().record({.key = "k", .value = "v", .timestamp = driver.now.wall_ms}).build();
  (void)driver.call(producer, produce_request("short", 0, batch), 9);
  driver.advance(std::chrono::minutes(11));
  EXPECT_EQ(driver.cluster.partition("short", PartitionIndex(0))->start_offset, 1);
}

}  // namespace
}  // namespace longhaul::sandbox
