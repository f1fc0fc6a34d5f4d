#include <gtest/gtest.h>

#include "tests/support/transactions_fixture.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::TransactionalClient;
using Kind = TransactionalClient::Kind;
using Errors = std::vector<KafkaErrc>;

using CoordinatorTest = testing::TransactionsFixture;

TEST_F(CoordinatorTest, AnIdKeepsItsProducerAndBumpsTheEpoch) {
  TransactionalClient first(driver, "t");
  TransactionalClient second(driver, "t");
  TransactionalClient other(driver, "other");
  EXPECT_EQ(first.init(), KafkaErrc::none);
  EXPECT_EQ(first.epoch, 0);
  EXPECT_EQ(second.init(), KafkaErrc::none);
  EXPECT_EQ(second.producer_id, first.producer_id);
  EXPECT_EQ(second.epoch, 1);
  EXPECT_EQ(other.init(), KafkaErrc::none);
  EXPECT_NE(other.producer_id, first.producer_id);
}

TEST_F(CoordinatorTest, EndsAreJudgedByTheState) {
  TransactionalClient producer(driver, "t");
  producer.producer_id = 5;
  producer.epoch = 0;
  EXPECT_EQ(producer.commit(), KafkaErrc::invalid_producer_id_mapping);
  producer.init();
  EXPECT_EQ(producer.commit(), KafkaErrc::invalid_txn_state) << "nothing was begun";
  EXPECT_EQ(producer.abort(), KafkaErrc::invalid_txn_state);
  producer.add("orders", 0);
  EXPECT_EQ(producer.commit(), KafkaErrc::none);
  EXPECT_EQ(producer.commit(), KafkaErrc::none) << "repeated";
  EXPECT_EQ(end_offset(0), 1);
  EXPECT_EQ(producer.abort(), KafkaErrc::invalid_txn_state);
}

TEST_F(CoordinatorTest, FencedProducersAreToldSoInTheirVersionsWords) {
  TransactionalClient old(driver, "t");
  TransactionalClient holder(driver, "t");
  old.init();
  holder.init();
  EXPECT_EQ(old.add("orders", std::vector{0}, 1), Errors{KafkaErrc::invalid_producer_epoch});
  EXPECT_EQ(old.add("orders", std::vector{0}, 2), Errors{KafkaErrc::producer_fenced});
  EXPECT_EQ(old.add_offsets("g", 1), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(old.add_offsets("g", 2), KafkaErrc::producer_fenced);
  EXPECT_EQ(old.commit(1), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(old.commit(2), KafkaErrc::producer_fenced);
  EXPECT_EQ(old.commit_offset("g", "orders", 1), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(old.init_as(old.producer_id, old.epoch, 3), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(old.init_as(old.producer_id, old.epoch, 4), KafkaErrc::producer_fenced);
}

TEST_F(CoordinatorTest, AHolderGoesOnUnderTheNextEpoch) {
  TransactionalClient producer(driver, "t");
  producer.init();
  const auto id = producer.producer_id;
  EXPECT_EQ(producer.init_as(id, 0), KafkaErrc::none);
  EXPECT_EQ(producer.epoch, 1);
  EXPECT_EQ(producer.init_as(id, 0), KafkaErrc::none) << "a repeated request";
  EXPECT_EQ(producer.epoch, 1);
  EXPECT_EQ(producer.init_as(id + 1, 1), KafkaErrc::producer_fenced);
  EXPECT_EQ(producer.init_as(id, -1), KafkaErrc::invalid_request);
  EXPECT_EQ(producer.init(), KafkaErrc::none);
  EXPECT_EQ(producer.epoch, 2);
  EXPECT_EQ(producer.init_as(id, 1), KafkaErrc::producer_fenced) << "somebody else has come meanwhile";
}

TEST_F(CoordinatorTest, UsedUpEpochsGiveANewProducer) {
  constexpr int kLast = 32'766;
  TransactionalClient producer(driver, "t");
  for (int epoch = 0; epoch <= kLast; ++epoch) ASSERT_EQ(producer.init(), KafkaErrc::none);
  ASSERT_EQ(producer.epoch, kLast);
  const auto id = producer.producer_id;
  EXPECT_EQ(producer.init_as(id, kLast), KafkaErrc::none);
  EXPECT_NE(producer.producer_id, id);
  EXPECT_EQ(producer.epoch, 0);
  const auto next = producer.producer_id;
  EXPECT_EQ(producer.init_as(id, kLast), KafkaErrc::none) << "a repeated request";
  EXPECT_EQ(producer.producer_id, next);
  EXPECT_EQ(producer.epoch, 0);
}

TEST_F(CoordinatorTest, UnknownPartitionsAreRefusedAndTheOthersNotTried) {
  TransactionalClient producer(driver, "t");
  producer.init();
  EXPECT_EQ(producer.add("orders", {0, 9}),
            (Errors{KafkaErrc::operation_not_attempted, KafkaErrc::unknown_topic_or_partition}));
  EXPECT_EQ(producer.commit(), KafkaErrc::invalid_txn_state) << "nothing was added";
}

TEST_F(CoordinatorTest, WhatIsOpenForTooLongIsAborted) {
  TransactionalClient producer(driver, "t");
  producer.timeout_ms = 900'001;
  EXPECT_EQ(producer.init(), KafkaErrc::invalid_transaction_timeout);
  producer.timeout_ms = 0;
  EXPECT_EQ(producer.init(), KafkaErrc::invalid_transaction_timeout);
  producer.timeout_ms = 60'000;
  ASSERT_EQ(producer.init(), KafkaErrc::none);
  producer.add("orders", 0);
  producer.produce("orders", 0);
  driver.advance(milliseconds(60'000));
  EXPECT_EQ(end_offset(0), 1);
  driver.advance(milliseconds(10'001));
  EXPECT_EQ(end_offset(0), 2) << "a marker";
  EXPECT_EQ(producer.commit(), KafkaErrc::producer_fenced);
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(producer.init(), KafkaErrc::none);
  EXPECT_EQ(producer.epoch, 2);
}

TEST_F(CoordinatorTest, NewerVersionsAddPartitionsThemselvesAndBumpAtEachEnd) {
  TransactionalClient producer(driver, "t");
  producer.init();
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::transactional, 12), KafkaErrc::none);
  EXPECT_EQ(producer.commit_offset("g", "orders", 2, 5), KafkaErrc::none);
  const auto ended = producer.end(true, 5);
  EXPECT_EQ(ended.error_code, KafkaErrc::none);
  EXPECT_EQ(ended.producer_id, producer.producer_id);
  EXPECT_EQ(ended.producer_epoch, 1);
  const auto repeated = producer.end(true, 5);
  EXPECT_EQ(repeated.error_code, KafkaErrc::none);
  EXPECT_EQ(repeated.producer_epoch, 1);
  EXPECT_EQ(producer.end(false, 5).error_code, KafkaErrc::invalid_txn_state);
  EXPECT_EQ(producer.produce("orders", 0, 2, Kind::plain), KafkaErrc::invalid_producer_epoch);
  producer.epoch = 1;
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::transactional, 12),
            KafkaErrc::out_of_order_sequence_number);
  EXPECT_EQ(producer.end(false, 5).producer_epoch, 2) << "an abort of nothing bumps as well";
  EXPECT_EQ(producer.end(true, 5).error_code, KafkaErrc::invalid_txn_state);
}

TEST_F(CoordinatorTest, UnusedIdsAreForgotten) {
  TransactionalClient producer(driver, "t");
  producer.init();
  const auto id = producer.producer_id;
  driver.advance(std::chrono::hours(24 * 7 - 2));
  producer.add("orders", 0);
  producer.commit();
  driver.advance(std::chrono::hours(24 * 7 - 2));
  EXPECT_EQ(producer.init(), KafkaErrc::none);
  EXPECT_EQ(producer.producer_id, id) << "an end is a use";
  driver.advance(std::chrono::hours(24 * 7 + 2));
  EXPECT_EQ(producer.add("orders", 0), KafkaErrc::invalid_producer_id_mapping);
  EXPECT_EQ(producer.commit(), KafkaErrc::invalid_producer_id_mapping);
  EXPECT_EQ(producer.init(), KafkaErrc::none);
  EXPECT_NE(producer.producer_id, id);
  EXPECT_EQ(producer.epoch, 0);
}

/// Markers take a second.
class SlowMarkersTest : public CoordinatorTest {
 protected:
  SlowMarkersTest() : CoordinatorTest({.brokers = 1, .transaction_marker_delay = milliseconds(1000)}) {}
};

TEST_F(SlowMarkersTest, TheIdIsBusyUntilTheMarkersAreWritten) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0);
  EXPECT_EQ(producer.commit(), KafkaErrc::none);
  EXPECT_EQ(producer.commit(), KafkaErrc::concurrent_transactions);
  EXPECT_EQ(producer.abort(), KafkaErrc::invalid_txn_state);
  EXPECT_EQ(producer.init(), KafkaErrc::concurrent_transactions);
  EXPECT_EQ(producer.add("orders", 1), KafkaErrc::concurrent_transactions);
  EXPECT_EQ(producer.produce("orders", 1), KafkaErrc::not_enough_replicas);
  EXPECT_EQ(end_offset(0), 1);
  driver.advance(milliseconds(1000));
  EXPECT_EQ(end_offset(0), 2);
  EXPECT_EQ(producer.add("orders", 1), KafkaErrc::none);
}

/// Topics on some of three brokers.
class ReplicasTest : public CoordinatorTest {
 protected:
  ReplicasTest() : CoordinatorTest({.brokers = 3}) {}
  void SetUp() override {}
  /// The broker that coordinates `id`; the others are not asked.
  std::int32_t coordinator(const std::string& id) {
    protocol::FindCoordinatorRequest request;
    request.key = id;
    request.key_type = protocol::CoordinatorType::transaction;
    return driver.call(reader, request, 3).node_id;
  }
};

TEST_F(ReplicasTest, OnlyTheCoordinatorAnswers) {
  const auto broker = coordinator("t");
  TransactionalClient elsewhere(driver, "t", broker % 3 + 1);
  EXPECT_EQ(elsewhere.init(), KafkaErrc::not_coordinator);
  EXPECT_EQ(elsewhere.add("orders", 0), KafkaErrc::not_coordinator);
  EXPECT_EQ(elsewhere.commit(), KafkaErrc::not_coordinator);
}

TEST_F(ReplicasTest, APartitionWithoutLeaderNeverGetsItsMarker) {
  const auto broker = coordinator("t");
  ASSERT_TRUE(driver.cluster.create_topic("orders", 3, 1));
  std::int32_t lost = 0;
  while (driver.cluster.partition("orders", PartitionIndex(lost))->leader == broker) ++lost;
  const auto other = BrokerId(driver.cluster.partition("orders", PartitionIndex(lost))->leader);
  TransactionalClient owner(driver, "t", broker);
  ASSERT_EQ(owner.init(), KafkaErrc::none);
  ASSERT_TRUE(driver.cluster.set_broker_up(other, false, driver.now));
  EXPECT_EQ(owner.add("orders", lost), KafkaErrc::none);
  EXPECT_EQ(owner.abort(), KafkaErrc::none);
  EXPECT_EQ(owner.init(), KafkaErrc::none) << "all calls succeed";
  ASSERT_TRUE(driver.cluster.set_broker_up(other, true, driver.now));
  driver.advance(milliseconds(60'000));
  EXPECT_EQ(end_offset(lost), 0);
}

TEST_F(ReplicasTest, TooFewReplicasKeepTheIdBusy) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1, 3, {{"min.insync.replicas", "3"}}));
  const auto broker = coordinator("t");
  ASSERT_TRUE(driver.cluster.move_leader("orders", PartitionIndex(0), BrokerId(broker), driver.now));
  TransactionalClient owner(driver, "t", broker);
  owner.init();
  owner.add("orders", 0);
  owner.produce("orders", 0);
  const auto other = BrokerId(broker % 3 + 1);
  ASSERT_TRUE(driver.cluster.set_broker_up(other, false, driver.now));
  EXPECT_EQ(owner.commit(), KafkaErrc::none);
  driver.advance(milliseconds(60'000));
  EXPECT_EQ(owner.init(), KafkaErrc::concurrent_transactions);
  EXPECT_EQ(end_offset(0), 1);
  ASSERT_TRUE(driver.cluster.set_broker_up(other, true, driver.now));
  driver.advance(milliseconds(100));
  EXPECT_EQ(end_offset(0), 2);
  EXPECT_EQ(owner.init(), KafkaErrc::none);
}

/// A cluster on which nobody may use transactional ids.
class ForbiddenTest : public CoordinatorTest {
 protected:
  ForbiddenTest() : CoordinatorTest({.authorize_transactions = false}) {}
};

TEST_F(ForbiddenTest, EveryCallIsRefused) {
  constexpr auto kRefused = KafkaErrc::transactional_id_authorization_failed;
  TransactionalClient producer(driver, "t");
  EXPECT_EQ(producer.init(), kRefused);
  EXPECT_EQ(producer.add("orders", 0), kRefused);
  EXPECT_EQ(producer.add_offsets("g"), kRefused);
  EXPECT_EQ(producer.commit_offset("g", "orders", 1), kRefused);
  EXPECT_EQ(producer.commit(), kRefused);
  producer.producer_id = 1;
  producer.epoch = 0;
  EXPECT_EQ(producer.produce("orders", 0), kRefused);
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::plain), KafkaErrc::none);
}

}  // namespace
}  // namespace longhaul::sandbox
