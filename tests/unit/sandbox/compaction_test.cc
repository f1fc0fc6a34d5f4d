#include <gtest/gtest.h>

#include "tests/support/transactions_fixture.h"

namespace longhaul::sandbox {
namespace {

using protocol::IsolationLevel;
using protocol::KafkaErrc;
using protocol::RecordBatchView;
using testing::batch_builder;
using testing::fetch_request;
using testing::produce_request;
using testing::SandboxDriver;
using testing::TestBatch;
using testing::TransactionalClient;
using Kind = TransactionalClient::Kind;

/// What is left of a batch: its range of offsets and the offsets and keys of its records.
struct Left {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::vector<std::pair<std::int64_t, std::string>> records = {};
  bool operator==(const Left&) const = default;
};

void PrintTo(const Left& left, std::ostream* out) {
  *out << left.first << ".." << left.last;
  for (const auto& [offset, key] : left.records) *out << ' ' << offset << '=' << key;
}

class CompactionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(driver.cluster.create_topic(
        "table", 1, 1, {{"cleanup.policy", "compact"}, {"delete.retention.ms", "1000"}}));
  }

  void produce(const TestBatch& builder) {
    const auto bytes = builder.build();
    const auto response = driver.call(client, produce_request("table", 0, bytes), 9);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).error_code, KafkaErrc::none);
  }
  /// One batch with a record for each letter; a capital one is a tombstone.
  static TestBatch batch(const std::string& keys) {
    auto builder = batch_builder();
    for (const auto key : keys) {
      const bool is_tombstone = key >= 'A' && key <= 'Z';
      testing::TestRecord record;
      record.key = std::string(1, static_cast<char>(std::tolower(key)));
      if (!is_tombstone) record.value = "v";
      builder.record(std::move(record));
    }
    return builder;
  }
  std::size_t compact() {
    const auto removed = driver.cluster.compact("table", PartitionIndex(0), driver.now);
    EXPECT_TRUE(removed);
    return removed.value_or(0);
  }
  protocol::PartitionData fetch(IsolationLevel isolation = IsolationLevel::read_uncommitted) {
    auto request = fetch_request("table", 0, 0);
    request.max_wait_ms = 0;
    request.isolation_level = isolation;
    return driver.call(client, request, 12).responses.at(0).partitions.at(0);
  }
  /// All batches; each has to have a checksum that holds.
  std::vector<RecordBatchView> batches() {
    answer = fetch();
    protocol::RecordSetReader entries(answer.records);
    std::vector<RecordBatchView> found;
    while (const auto entry = entries.next()) {
      found.push_back(std::get<RecordBatchView>(*entry));
      EXPECT_TRUE(found.back().has_valid_crc());
    }
    return found;
  }
  std::vector<Left> log() {
    std::vector<Left> found;
    for (const auto& one : batches()) {
      auto& left = found.emplace_back();
      left.first = one.base_offset().value();
      left.last = one.last_offset().value();
      const auto plain = codecs::decompress(one.compression(), one.payload(), 1 << 20).value();
      protocol::RecordReader reader(one, plain);
      for (auto record = reader.next(); record && *record; record = reader.next()) {
        const auto key = *(*record)->key;
        left.records.emplace_back(left.first + (*record)->offset_delta,
                                  std::string(reinterpret_cast<const char*>(key.data()), key.size()));
      }
    }
    return found;
  }

  SandboxDriver driver;
  ConnectionId client = driver.connect();
  protocol::PartitionData answer;
};

TEST_F(CompactionTest, KeepsTheLatestOfEachKeyAndTheRangesOfBatches) {
  for (const auto codec : {codecs::Compression::none, codecs::Compression::gzip}) {
    const auto start = driver.cluster.partition("table", PartitionIndex(0))->end_offset;
    produce(batch("abc").codec(codec));
    produce(batch("ad").codec(codec));
    produce(batch("b").codec(codec));
    produce(batch("z"));
    if (start == 0) {
      EXPECT_EQ(compact(), 2U);
      EXPECT_EQ(
          log(),
          (std::vector<Left>{
              {0, 2, {{2, "c"}}}, {3, 4, {{3, "a"}, {4, "d"}}}, {5, 5, {{5, "b"}}}, {6, 6, {{6, "z"}}}}));
      EXPECT_EQ(compact(), 0U) << "everything is clean";
    } else {
      EXPECT_EQ(compact(), 6U);
      EXPECT_EQ(log().front(), (Left{6, 6, {{6, "z"}}})) << "batches without records are gone";
      EXPECT_EQ(log().at(1), (Left{7, 9, {{9, "c"}}}));
    }
  }
}

TEST_F(CompactionTest, SparseBatchesKeepTimesAndSequences) {
  produce(batch_builder()
              .record({.key = "a", .value = "1", .timestamp = 5000})
              .record({.key = "b", .value = "1", .timestamp = 6000})
              .record({.key = "c", .value = "1", .timestamp = 4000})
              .producer(7, 0, 0));
  produce(batch("a"));
  produce(batch("z"));
  compact();
  const auto first = batches().front();
  EXPECT_EQ(first.records_count(), 2);
  EXPECT_EQ(first.last_offset_delta(), 2);
  EXPECT_EQ(first.base_sequence(), 0);
  EXPECT_EQ(first.max_timestamp(), 6000);
  EXPECT_FALSE(first.is_dense());
  protocol::RecordReader records(first, first.payload());
  EXPECT_EQ(protocol::record_timestamp(first, **records.next()), 6000);
  EXPECT_EQ(protocol::record_timestamp(first, **records.next()), 4000);
}

TEST_F(CompactionTest, TheLastBatchOfAProducerStaysWithoutRecords) {
  produce(batch("ab").producer(7, 0, 0));
  produce(batch("ab"));
  produce(batch("z"));
  EXPECT_EQ(compact(), 2U);
  const auto empty = batches().front();
  EXPECT_EQ(empty.records_count(), 0);
  EXPECT_EQ(empty.size(), 61U);
  EXPECT_EQ(empty.base_offset().value(), 0);
  EXPECT_EQ(empty.last_offset().value(), 1);
  EXPECT_EQ(empty.base_timestamp(), -1);
  EXPECT_EQ(empty.base_sequence(), 0);
  produce(batch("c").producer(7, 0, 2));
  produce(batch("z"));
  compact();
  EXPECT_EQ(log().front().first, 2) << "the producer has a later one";
}

TEST_F(CompactionTest, TheLastBatchOfThePassStaysWithoutRecords) {
  produce(batch("a"));
  produce(batch("a"));
  produce(batch("b"));
  produce(batch("b"));
  EXPECT_EQ(compact(), 1U);
  EXPECT_EQ(log(), (std::vector<Left>{{1, 1, {{1, "a"}}}, {2, 2, {{2, "b"}}}, {3, 3, {{3, "b"}}}}))
      << "the open end is not compared";
  produce(batch("c"));
  produce(batch("c"));
  EXPECT_EQ(compact(), 1U);
}

TEST_F(CompactionTest, TombstonesGoWhenTheirTimeIsOver) {
  produce(batch("ab"));
  produce(batch("Ac"));
  produce(batch("z"));
  EXPECT_EQ(compact(), 1U);
  const auto with_horizon = batches().at(1);
  EXPECT_TRUE(with_horizon.has_delete_horizon());
  EXPECT_EQ(with_horizon.base_timestamp(), driver.now.wall_ms + 1000);
  EXPECT_EQ(with_horizon.max_timestamp(), 1'700'000'000'000);
  protocol::RecordReader records(with_horizon, with_horizon.payload());
  EXPECT_EQ(protocol::record_timestamp(with_horizon, **records.next()), 1'700'000'000'000);
  driver.advance(milliseconds(999));
  EXPECT_EQ(compact(), 0U);
  driver.advance(milliseconds(1));
  EXPECT_EQ(compact(), 1U);
  EXPECT_EQ(log(), (std::vector<Left>{{0, 1, {{1, "b"}}}, {2, 3, {{3, "c"}}}, {4, 4, {{4, "z"}}}}));
}

TEST_F(CompactionTest, AbortedRecordsGoAndTheirMarkerAfterThem) {
  TransactionalClient producer(driver, "t");
  producer.init();
  producer.add("table", 0);
  producer.produce("table", 0, 2);
  producer.produce("table", 0, 2);
  producer.abort();
  producer.add("table", 0);
  producer.produce("table", 0, 2);
  producer.commit();
  produce(batch("y"));
  produce(batch("z"));
  ASSERT_EQ(log().size(), 7U);
  EXPECT_EQ(compact(), 4U);
  EXPECT_EQ(log().front().first, 4) << "the abort marker";
  EXPECT_EQ(fetch(IsolationLevel::read_committed).aborted_transactions->size(), 1U);
  EXPECT_EQ(compact(), 0U);
  EXPECT_TRUE(batches().front().has_delete_horizon());
  EXPECT_TRUE(fetch(IsolationLevel::read_committed).aborted_transactions->empty());
  driver.advance(milliseconds(1000));
  EXPECT_EQ(compact(), 1U);
  EXPECT_EQ(log().front().first, 5);
}

TEST_F(CompactionTest, WhatIsOpenIsLeftAlone) {
  TransactionalClient producer(driver, "t");
  produce(batch("a"));
  produce(batch("a"));
  producer.init();
  producer.add("table", 0);
  producer.produce("table", 0, 2);
  producer.produce("table", 0, 2);
  EXPECT_EQ(compact(), 1U);
  EXPECT_EQ(log().size(), 3U);
  EXPECT_EQ(log().at(1).records.size(), 2U);
}

TEST_F(CompactionTest, ReadersKeepWhatTheyHaveAndGoOn) {
  produce(batch("a"));
  produce(batch("a"));
  produce(batch("z"));
  const auto before = fetch();
  compact();
  EXPECT_TRUE(RecordBatchView::parse(before.records)->has_valid_crc());
  auto request = fetch_request("table", 0, 0);
  const auto response = driver.call(client, request, 12).responses.at(0).partitions.at(0);
  EXPECT_EQ(RecordBatchView::parse(response.records)->base_offset().value(), 1);
  EXPECT_EQ(response.log_start_offset, 0);
  produce(batch("b"));
  EXPECT_EQ(log().back(), (Left{3, 3, {{3, "b"}}}));
}

TEST_F(CompactionTest, OtherTopicsAreNotCompacted) {
  ASSERT_TRUE(driver.cluster.create_topic("plain", 1));
  EXPECT_FALSE(driver.cluster.compact("plain", PartitionIndex(0), driver.now));
  EXPECT_FALSE(driver.cluster.compact("table", PartitionIndex(1), driver.now));
}

}  // namespace
}  // namespace longhaul::sandbox
