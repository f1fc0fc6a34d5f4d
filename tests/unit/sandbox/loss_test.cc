#include <gtest/gtest.h>

#include "tests/support/transactions_fixture.h"

namespace longhaul::sandbox {
namespace {

using protocol::IsolationLevel;
using protocol::KafkaErrc;
using testing::fetch_request;
using testing::TransactionalClient;
using Kind = TransactionalClient::Kind;

/// Elections that lose records, moves of coordinators, and what else an administrator or a fault brings.
class LossTest : public testing::TransactionsFixture {
 protected:
  std::int64_t lose(std::int64_t from) {
    const auto end =
        driver.cluster.elect_unclean("orders", PartitionIndex(0), from, std::nullopt, driver.now);
    EXPECT_TRUE(end);
    driver.collect();
    return end.value_or(-1);
  }
  std::pair<std::int32_t, std::int64_t> epoch_end(std::int32_t epoch) {
    protocol::OffsetForLeaderEpochRequest request;
    request.topics.push_back({.topic = "orders", .partitions = {{.partition = 0, .leader_epoch = epoch}}});
    const auto answer = driver.call(reader, request, 3).topics.at(0).partitions.at(0);
    return {answer.leader_epoch, answer.end_offset};
  }
  Result<std::string> control(std::string_view line) { return driver.cluster.control(line, driver.now); }
};

TEST_F(LossTest, TheTailGoesInWholeBatchesAndTheEpochRises) {
  TransactionalClient producer(driver, "t");
  producer.init();
  for (int i = 0; i < 3; ++i) producer.produce("orders", 0, 4, Kind::plain);
  EXPECT_EQ(lose(9), 8);
  const auto state = *driver.cluster.partition("orders", PartitionIndex(0));
  EXPECT_EQ(state.end_offset, 8);
  EXPECT_EQ(state.leader_epoch, 1);
  EXPECT_EQ(epoch_end(0), std::pair(0, std::int64_t{8}));
  EXPECT_EQ(fetch(12, IsolationLevel::read_uncommitted).error_code, KafkaErrc::offset_out_of_range);
  producer.sequence = 8;
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::plain), KafkaErrc::none) << "the lost batch is not known";
  EXPECT_EQ(end_offset(), 10);
}

TEST_F(LossTest, AFetcherIsToldWhereItsLogParted) {
  TransactionalClient producer(driver, "t");
  producer.init();
  for (int i = 0; i < 3; ++i) producer.produce("orders", 0, 4, Kind::plain);
  EXPECT_EQ(lose(4), 4);
  producer.sequence = 4;
  producer.produce("orders", 0, 20, Kind::plain);
  auto request = fetch_request("orders", 0, 12);
  request.topics[0].partitions[0].last_fetched_epoch = 0;
  const auto answer = driver.call(reader, request, 12).responses.at(0).partitions.at(0);
  EXPECT_EQ(answer.error_code, KafkaErrc::none);
  EXPECT_TRUE(answer.records.empty());
  EXPECT_EQ(answer.diverging_epoch.epoch, 0);
  EXPECT_EQ(answer.diverging_epoch.end_offset, 4);
}

TEST_F(LossTest, AWaitingFetcherIsAnsweredAtOnce) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.produce("orders", 0, 4, Kind::plain);
  driver.send(reader, fetch_request("orders", 0, 4), 12);
  lose(0);
  const auto response = driver.take<protocol::FetchRequest>(reader, 12);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->responses.at(0).partitions.at(0).error_code, KafkaErrc::offset_out_of_range);
}

TEST_F(LossTest, ProducersAreKnownByWhatIsLeft) {
  TransactionalClient stays(driver, "stays");
  TransactionalClient goes(driver, "goes");
  stays.init();
  goes.init();
  stays.produce("orders", 0, 2, Kind::plain);
  goes.produce("orders", 0, 2, Kind::plain);
  lose(2);
  stays.sequence = 7;
  goes.sequence = 7;
  EXPECT_EQ(stays.produce("orders", 0, 1, Kind::plain), KafkaErrc::out_of_order_sequence_number);
  EXPECT_EQ(goes.produce("orders", 0, 1, Kind::plain), KafkaErrc::none) << "nothing is known of it";
}

TEST_F(LossTest, AMarkerThatIsLostFencesNobodyAndItsTransactionIsOpenAgain) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0, 2);
  producer.abort();
  ASSERT_EQ(end_offset(), 3);
  lose(2);
  const auto state = *driver.cluster.partition("orders", PartitionIndex(0));
  EXPECT_EQ(state.end_offset, 2);
  EXPECT_EQ(state.last_stable_offset, 0) << "nobody ends this one";
  TransactionalClient other(driver, "u");
  other.init();
  other.add("orders", 0);
  other.produce("orders", 0);
  other.abort();
  EXPECT_EQ(fetch(0, IsolationLevel::read_committed).last_stable_offset, 0);
}

TEST_F(LossTest, WhatReadersHaveIsNotOverwritten) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.produce("orders", 0, 2, Kind::plain);
  auto request = fetch_request("orders", 0, 0);
  driver.send(reader, request, 12);
  const auto before = driver.take<protocol::FetchRequest>(reader, 12);
  lose(0);
  producer.sequence = 0;
  producer.produce("orders", 0, 5, Kind::plain);
  EXPECT_TRUE(
      protocol::RecordBatchView::parse(before->responses.at(0).partitions.at(0).records)->has_valid_crc());
  EXPECT_EQ(fetch(0, IsolationLevel::read_uncommitted).high_watermark, 5);
}

TEST_F(LossTest, RecordsThatRetentionRemovesDoNotMakeAProducerUnknown) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.produce("orders", 0, 2, Kind::plain);
  ASSERT_TRUE(control("delete topic=orders partition=0 before=2"));
  EXPECT_EQ(driver.cluster.partition("orders", PartitionIndex(0))->start_offset, 2);
  producer.sequence = 7;
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::plain), KafkaErrc::out_of_order_sequence_number);
}

TEST_F(LossTest, ErrorsAfterTheAppendLeaveTheBatch) {
  TransactionalClient producer(driver, "t");
  producer.init();
  ASSERT_TRUE(
      control("fault action=error error=NOT_ENOUGH_REPLICAS_AFTER_APPEND when=after api=Produce count=1"));
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::plain), KafkaErrc::not_enough_replicas_after_append);
  EXPECT_EQ(end_offset(), 2);
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::plain), KafkaErrc::none) << "the same again";
  EXPECT_EQ(end_offset(), 2);
  ASSERT_TRUE(control("fault action=error error=KAFKA_STORAGE_ERROR api=Produce count=1"));
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::plain), KafkaErrc::kafka_storage_error);
  EXPECT_EQ(end_offset(), 2);
}

TEST_F(LossTest, NewCoordinatorsLoadFirst) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  ASSERT_TRUE(control("coordinators loading_ms=500"));
  EXPECT_EQ(producer.init(), KafkaErrc::coordinator_load_in_progress);
  EXPECT_EQ(producer.commit(), KafkaErrc::coordinator_load_in_progress);
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::not_enough_replicas);
  driver.advance(milliseconds(500));
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::none);
  EXPECT_EQ(producer.commit(), KafkaErrc::none);
}

TEST_F(LossTest, TopicsThatAreMadeAnewHaveNoProducers) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0);
  ASSERT_TRUE(control("delete topic=orders"));
  ASSERT_TRUE(control("topic name=orders partitions=1"));
  EXPECT_EQ(producer.commit(), KafkaErrc::none);
  EXPECT_EQ(end_offset(), 1) << "the marker goes by name";
}

TEST_F(LossTest, OptionsChangeUnderWay) {
  TransactionalClient producer(driver, "t");
  ASSERT_TRUE(control("set transactions=refused"));
  EXPECT_EQ(producer.init(), KafkaErrc::transactional_id_authorization_failed);
  ASSERT_TRUE(
      control("set transactions=allowed transactional.id.expiration.ms=1000 "
              "transaction.remove.expired.transaction.cleanup.interval.ms=500"));
  producer.init();
  const auto id = producer.producer_id;
  driver.advance(milliseconds(1000));
  producer.init();
  EXPECT_NE(producer.producer_id, id);
  ASSERT_TRUE(control("set producer.id.expiration.ms=1000 producer.id.expiration.check.interval.ms=100"));
  producer.produce("orders", 0, 1, Kind::plain);
  driver.advance(milliseconds(100));
  producer.sequence = 9;
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::plain), KafkaErrc::none) << "forgotten by its timestamp";
  EXPECT_FALSE(control("set transactions=maybe"));
  EXPECT_FALSE(control("set producer.id.expiration.ms=0"));
  EXPECT_FALSE(control("set producer.id.expiration.ms=soon"));
  EXPECT_FALSE(control("set retention=1"));
}

TEST_F(LossTest, EpochsCanBeUsedUp) {
  TransactionalClient producer(driver, "t");
  EXPECT_FALSE(control("epochs id=t"));
  producer.init();
  const auto id = producer.producer_id;
  ASSERT_TRUE(control("epochs id=t"));
  EXPECT_EQ(driver.cluster.transaction("t")->producer_epoch, 32'766);
  producer.init();
  EXPECT_NE(producer.producer_id, id);
  producer.add("orders", 0);
  EXPECT_FALSE(control("epochs id=t")) << "a transaction is open";
  EXPECT_NE(control("status")->find("state=Ongoing"), std::string::npos);
}

TEST_F(LossTest, TopicsAndTheirReplicas) {
  ASSERT_TRUE(driver.cluster.create_topic("safe", 1, 1, {{"min.insync.replicas", "1"}}));
  EXPECT_TRUE(control("topic name=table partitions=2 replicas=1 cleanup.policy=compact"));
  EXPECT_EQ(control("compact topic=table partition=1").value_or(""), "0 records went from table-1");
  EXPECT_FALSE(control("topic name=other cleanup.policy=shred"));
  EXPECT_FALSE(control("topic name=other colour=red"));
  EXPECT_TRUE(control("isr topic=safe partition=0 brokers=1"));
  EXPECT_FALSE(control("isr topic=safe partition=0 brokers=1,2")) << "no replica";
  EXPECT_FALSE(control("isr topic=safe partition=0 brokers=x"));
  EXPECT_FALSE(control("isr topic=safe partition=0 brokers="));
}

}  // namespace
}  // namespace longhaul::sandbox
