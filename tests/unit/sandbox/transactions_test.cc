#include <gtest/gtest.h>

#include "tests/support/transactions_fixture.h"

namespace longhaul::sandbox {
namespace {

using protocol::IsolationLevel;
using protocol::KafkaErrc;
using testing::fetch_request;
using testing::TransactionalClient;
using Kind = TransactionalClient::Kind;

using TransactionsTest = testing::TransactionsFixture;

TEST_F(TransactionsTest, ANewHolderAbortsWhatIsOpen) {
  TransactionalClient old(driver, "t");
  TransactionalClient holder(driver, "t");
  old.init();
  EXPECT_EQ(old.add("orders", 0), KafkaErrc::none);
  EXPECT_EQ(old.produce("orders", 0, 3), KafkaErrc::none);
  EXPECT_EQ(holder.init(), KafkaErrc::concurrent_transactions);
  EXPECT_EQ(holder.init(), KafkaErrc::none);
  EXPECT_EQ(holder.producer_id, old.producer_id);
  EXPECT_EQ(holder.epoch, 2) << "the abort takes an epoch of its own";

  const auto marker = fetch(3, IsolationLevel::read_uncommitted);
  const auto batch = protocol::RecordBatchView::parse(marker.records);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->is_control());
  EXPECT_EQ(batch->size(), 78U) << "as Kafka's";
  EXPECT_TRUE(batch->has_valid_crc());
  EXPECT_EQ(batch->producer_epoch(), 1);
  EXPECT_EQ(batch->producer_id().value(), old.producer_id);
  EXPECT_EQ(protocol::control_type(*batch).value(), protocol::ControlType::abort);
  EXPECT_EQ(old.produce("orders", 0), KafkaErrc::invalid_producer_epoch);
}

TEST_F(TransactionsTest, ReadersSeeATransactionWhenItIsOver) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0, 3);
  auto answer = fetch(0, IsolationLevel::read_committed);
  EXPECT_TRUE(answer.records.empty());
  EXPECT_EQ(answer.last_stable_offset, 0);
  EXPECT_EQ(answer.high_watermark, 3);
  EXPECT_EQ(latest(IsolationLevel::read_committed), 0);
  EXPECT_EQ(latest(IsolationLevel::read_uncommitted), 3);
  EXPECT_FALSE(fetch(0, IsolationLevel::read_uncommitted).records.empty());

  EXPECT_EQ(producer.commit(), KafkaErrc::none);
  answer = fetch(0, IsolationLevel::read_committed);
  EXPECT_EQ(answer.last_stable_offset, 4);
  EXPECT_TRUE(answer.aborted_transactions && answer.aborted_transactions->empty());
  EXPECT_EQ(committed_bases(), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(latest(IsolationLevel::read_committed), 4);
}

TEST_F(TransactionsTest, WhatIsOpenStaysHiddenWhenTheLogBeginsInsideOfIt) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0, 5);
  ASSERT_TRUE(driver.cluster.delete_records("orders", PartitionIndex(0), 2, driver.now));
  const auto answer = fetch(2, IsolationLevel::read_committed);
  EXPECT_EQ(answer.last_stable_offset, 2);
  EXPECT_TRUE(answer.records.empty());
  EXPECT_FALSE(fetch(2, IsolationLevel::read_uncommitted).records.empty());
}

TEST_F(TransactionsTest, AWaitingReaderIsWokenByTheMarker) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0);
  auto request = fetch_request("orders", 0, 0);
  request.isolation_level = IsolationLevel::read_committed;
  driver.send(reader, request, 12);
  producer.produce("orders", 0);
  EXPECT_FALSE(driver.take<protocol::FetchRequest>(reader, 12));
  producer.commit();
  EXPECT_TRUE(driver.take<protocol::FetchRequest>(reader, 12));
}

TEST_F(TransactionsTest, AbortedTransactionsAreListedWhereTheyReach) {
  TransactionalClient one(driver, "one");
  TransactionalClient two(driver, "two");
  one.init();
  two.init();
  one.add("orders", 0);
  two.add("orders", 0);
  one.produce("orders", 0, 2);  // 0, 1
  two.produce("orders", 0, 2);  // 2, 3
  two.abort();                  // 4
  one.abort();                  // 5
  const auto listed = [&](std::int64_t offset) {
    std::vector<std::int64_t> firsts;
    const auto answer = fetch(offset, IsolationLevel::read_committed);
    for (const auto& aborted : *answer.aborted_transactions) firsts.push_back(aborted.first_offset);
    return firsts;
  };
  EXPECT_EQ(listed(0), (std::vector<std::int64_t>{2, 0})) << "in the order of the markers";
  EXPECT_EQ(listed(4), (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(listed(5), (std::vector<std::int64_t>{0}));
  EXPECT_FALSE(fetch(0, IsolationLevel::read_uncommitted).aborted_transactions);
}

TEST_F(TransactionsTest, OnlyPartitionsOfTheTransactionTakeItsBatches) {
  TransactionalClient producer(driver, "t");
  producer.producer_id = 77;
  producer.epoch = 0;
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::invalid_producer_id_mapping) << "of an unknown id";
  producer.init();
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::transaction_abortable);
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::transactional, 10), KafkaErrc::invalid_txn_state);
  producer.add("orders", 1);
  EXPECT_EQ(producer.produce("orders", 0), KafkaErrc::transaction_abortable);
  ++producer.producer_id;
  EXPECT_EQ(producer.produce("orders", 1), KafkaErrc::invalid_producer_id_mapping);
  --producer.producer_id;
  EXPECT_EQ(producer.produce("orders", 1), KafkaErrc::none);
  producer.commit();
  EXPECT_EQ(producer.produce("orders", 1), KafkaErrc::transaction_abortable) << "the transaction is over";
  EXPECT_EQ(end_offset(0), 0);
  EXPECT_EQ(end_offset(1), 2);
}

TEST_F(TransactionsTest, OtherBatchesOfTheProducerWaitForTheEnd) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("orders", 0);
  producer.produce("orders", 0);
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::plain), KafkaErrc::invalid_txn_state);
  producer.commit();
  EXPECT_EQ(producer.produce("orders", 0, 1, Kind::plain), KafkaErrc::none);
}

TEST_F(TransactionsTest, AMarkerWithoutDataFencesOlderEpochs) {
  TransactionalClient zombie(driver, "t");
  TransactionalClient owner(driver, "t");
  zombie.init();
  EXPECT_EQ(zombie.produce("orders", 0, 2, Kind::plain), KafkaErrc::none);
  EXPECT_EQ(owner.init(), KafkaErrc::none);
  EXPECT_EQ(zombie.produce("orders", 0, 2, Kind::plain), KafkaErrc::none) << "the epoch is not here yet";
  EXPECT_EQ(owner.add("orders", 0), KafkaErrc::none);
  EXPECT_EQ(owner.abort(), KafkaErrc::none);
  EXPECT_EQ(end_offset(0), 5);
  EXPECT_EQ(zombie.produce("orders", 0, 2, Kind::plain), KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(zombie.produce("orders", 1, 2, Kind::plain), KafkaErrc::none) << "without marker, without fence";
  owner.sequence = 4;
  EXPECT_EQ(owner.produce("orders", 0, 1, Kind::plain), KafkaErrc::out_of_order_sequence_number);
  owner.sequence = 0;
  EXPECT_EQ(owner.produce("orders", 0, 1, Kind::plain), KafkaErrc::none);
  EXPECT_EQ(committed_bases(), (std::vector<std::int64_t>{0, 2, 4, 5}));
}

TEST_F(TransactionsTest, OffsetsBecomeCommittedWithTheTransaction) {
  TransactionalClient producer(driver, "t");
  const auto stable = [&](bool require) {
    protocol::OffsetFetchRequest request;
    request.group_id = "g";
    request.topics.emplace().push_back({.name = "orders", .partition_indexes = {0}});
    request.require_stable = require;
    const auto partition = driver.call(reader, request, 7).topics.at(0).partitions.at(0);
    return std::pair(partition.error_code, partition.committed_offset);
  };
  producer.init();
  EXPECT_EQ(producer.commit_offset("g", "orders", 5), KafkaErrc::invalid_txn_state) << "not added";
  EXPECT_EQ(producer.commit_offset("g", "orders", 5, 4), KafkaErrc::transaction_abortable);
  EXPECT_EQ(producer.add_offsets("g"), KafkaErrc::none);
  EXPECT_EQ(producer.commit_offset("g", "nothing", 5), KafkaErrc::unknown_topic_or_partition);
  EXPECT_EQ(producer.commit_offset("g", "orders", 5), KafkaErrc::none);
  EXPECT_EQ(stable(false), std::pair(KafkaErrc::none, std::int64_t{-1}));
  EXPECT_EQ(stable(true), std::pair(KafkaErrc::unstable_offset_commit, std::int64_t{-1}));
  EXPECT_EQ(producer.commit(), KafkaErrc::none);
  EXPECT_EQ(stable(true), std::pair(KafkaErrc::none, std::int64_t{5}));

  producer.add_offsets("g");
  producer.commit_offset("g", "orders", 9);
  EXPECT_EQ(stable(false).second, 5);
  EXPECT_EQ(producer.abort(), KafkaErrc::none);
  EXPECT_EQ(stable(true), std::pair(KafkaErrc::none, std::int64_t{5}));
}

TEST_F(TransactionsTest, OffsetsOfAGenerationThatIsOverAreRefused) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add_offsets("g");
  protocol::TxnOffsetCommitRequest request;
  request.transactional_id = "t";
  request.group_id = "g";
  request.producer_id = producer.producer_id;
  request.producer_epoch = producer.epoch;
  request.generation_id = 3;
  request.member_id = "somebody";
  request.topics.push_back({.name = "orders", .partitions = {{.partition_index = 0, .committed_offset = 1}}});
  EXPECT_EQ(driver.call(reader, request, 3).topics.at(0).partitions.at(0).error_code,
            KafkaErrc::illegal_generation);
}

TEST_F(TransactionsTest, ProducersOfOldBatchesAreForgottenUnlessTheirTransactionIsOpen) {
  TransactionalClient open(driver, "open");
  TransactionalClient plain(driver, "plain");
  driver.now.wall_ms += std::chrono::milliseconds(std::chrono::hours(48)).count();
  open.timeout_ms = 900'000;
  open.init();
  plain.init();
  open.add("orders", 0);
  open.produce("orders", 0);
  plain.produce("orders", 1, 1, Kind::plain);
  driver.advance(std::chrono::minutes(10));
  open.sequence = 5;
  plain.sequence = 5;
  EXPECT_EQ(open.produce("orders", 0), KafkaErrc::out_of_order_sequence_number);
  EXPECT_EQ(plain.produce("orders", 1, 1, Kind::plain), KafkaErrc::none) << "nothing is known of it";
  EXPECT_EQ(open.commit(), KafkaErrc::none);
  driver.advance(std::chrono::minutes(11));
  EXPECT_EQ(open.produce("orders", 0, 1, Kind::plain), KafkaErrc::out_of_order_sequence_number)
      << "the marker is of today";
}

}  // namespace
}  // namespace longhaul::sandbox
