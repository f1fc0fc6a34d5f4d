#include <gtest/gtest.h>

#include <limits>

#include "sandbox/partition_log.h"
#include "sandbox/producer_state.h"
#include "sandbox/timers.h"
#include "sandbox/topic_config.h"
#include "tests/support/batches.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::batch_builder;

ProducerBatch batch_of(std::int16_t epoch, std::int32_t first, std::int32_t count, std::int64_t offset = 0) {
  return {.producer_id = ProducerId(7),
          .producer_epoch = epoch,
          .base_sequence = first,
          .last_offset_delta = count - 1,
          .base_offset = offset,
          .max_timestamp = 1000 + offset};
}

TEST(ProducerState, AnUnknownProducerMayBeginAnywhere) {
  ProducerState state;
  EXPECT_EQ(state.check(batch_of(3, 777, 4)).error, KafkaErrc::none);
  state.appended(batch_of(3, 777, 4, 27));
  EXPECT_EQ(state.check(batch_of(3, 781, 4)).error, KafkaErrc::none);
  EXPECT_EQ(state.check(batch_of(3, 790, 4)).error, KafkaErrc::out_of_order_sequence_number);
  const auto repeated = state.check(batch_of(3, 777, 4));
  ASSERT_TRUE(repeated.duplicate);
  EXPECT_EQ(repeated.duplicate->base_offset, 27);
}

TEST(ProducerState, KnowsTheLastFiveBatches) {
  ProducerState state;
  for (int i = 0; i < 6; ++i) state.appended(batch_of(0, i, 1, i));
  EXPECT_FALSE(state.check(batch_of(0, 0, 1)).duplicate);
  EXPECT_EQ(state.check(batch_of(0, 0, 1)).error, KafkaErrc::out_of_order_sequence_number);
  for (int i = 1; i < 6; ++i) EXPECT_EQ(state.check(batch_of(0, i, 1)).duplicate->base_offset, i);
}

TEST(ProducerState, EpochsGoUpAndBeginAtZero) {
  ProducerState state;
  state.appended(batch_of(3, 5, 1));
  EXPECT_EQ(state.check(batch_of(2, 6, 1)).error, KafkaErrc::invalid_producer_epoch);
  EXPECT_EQ(state.check(batch_of(9, 1, 1)).error, KafkaErrc::out_of_order_sequence_number);
  EXPECT_EQ(state.check(batch_of(9, 0, 1)).error, KafkaErrc::none);
}

TEST(ProducerState, SequencesWrap) {
  constexpr auto kLast = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(next_sequence(kLast, 1), 0);
  EXPECT_EQ(next_sequence(kLast - 1, 3), 1);
  ProducerState state;
  state.appended(batch_of(0, kLast - 1, 4));
  EXPECT_EQ(state.check(batch_of(0, 2, 1)).error, KafkaErrc::none);
  EXPECT_EQ(state.check(batch_of(0, 3, 1)).error, KafkaErrc::out_of_order_sequence_number);
}

TEST(ProducerState, ExpiresByTheBatchesOwnTimes) {
  ProducerState state;
  state.appended(batch_of(0, 0, 1));
  state.expire(999);
  EXPECT_EQ(state.size(), 1U);
  state.expire(1000);
  EXPECT_EQ(state.size(), 0U);
}

/// A log of `batches` batches with two records each, whose epoch is 0 until changed.
class LogTest : public ::testing::Test {
 protected:
  void append(std::int32_t epoch = 0, std::size_t value_size = 10, std::int64_t time = 1000) {
    const auto offset = log.end_offset();
    const auto batch =
        batch_builder()
            .record({.key = "a", .value = std::string(value_size, 'x'), .timestamp = time + offset})
            .record({.key = "b", .value = "y", .timestamp = time + offset + 1})
            .base_offset(offset)
            .leader_epoch(epoch)
            .build();
    protocol::BatchHeader header;
    std::copy_n(batch.begin(), header.size(), header.begin());
    log.append(header, ConstBytes(batch).subspan(header.size()));
    batch_size = batch.size();
  }

  PartitionLog log;
  std::size_t batch_size = 0;
};

TEST_F(LogTest, ReadsFromTheBatchThatHoldsTheOffset) {
  for (int i = 0; i < 3; ++i) append();
  const auto slice = log.read(3, {.bytes_max = 1 << 20});
  EXPECT_EQ(slice.bytes.size(), 2 * batch_size);
  EXPECT_EQ(protocol::RecordBatchView::parse(slice.bytes)->base_offset().value(), 2);
  EXPECT_TRUE(log.read(6, {.bytes_max = 1 << 20}).bytes.empty());
}

TEST_F(LogTest, CutsAtTheLimitButNotTheFirstBatch) {
  for (int i = 0; i < 3; ++i) append();
  EXPECT_EQ(log.read(0, {.bytes_max = batch_size + 5}).bytes.size(), batch_size + 5);
  EXPECT_EQ(log.read(0, {.bytes_max = 1}).bytes.size(), batch_size);
  EXPECT_TRUE(log.read(0, {.bytes_max = 1, .whole_first_batch = false}).bytes.empty());
}

TEST_F(LogTest, AReadEndsWithItsSegment) {
  while (!log.backlog(0).on_older_segment) append(0, 3000);
  const auto first = log.read(0, {.bytes_max = 1 << 20});
  EXPECT_LT(first.bytes.size(), log.bytes());
  EXPECT_EQ(first.bytes.size() % batch_size, 0U);
}

TEST_F(LogTest, SlicesOutliveTheirSegment) {
  while (!log.backlog(0).on_older_segment) append(0, 3000);
  const auto slice = log.read(0, {.bytes_max = 1 << 20});
  log.drop_oldest_segment();
  EXPECT_GT(log.start_offset(), 0);
  EXPECT_TRUE(protocol::RecordBatchView::parse(slice.bytes)->has_valid_crc());
}

TEST_F(LogTest, KnowsWhereEpochsEnd) {
  append(0);
  log.begin_epoch(2);
  append(2);
  log.begin_epoch(3);
  log.begin_epoch(5);
  append(5);
  const auto end = [&](std::int32_t epoch) {
    const auto found = log.epoch_end(epoch);
    return std::pair(found.epoch, found.end_offset);
  };
  EXPECT_EQ(end(0), std::pair(0, std::int64_t{2}));
  EXPECT_EQ(end(1), std::pair(0, std::int64_t{2}));
  EXPECT_EQ(end(2), std::pair(2, std::int64_t{4}));
  EXPECT_EQ(end(4), std::pair(2, std::int64_t{4})) << "an epoch that wrote nothing leaves no trace";
  EXPECT_EQ(end(5), std::pair(5, std::int64_t{6}));
  EXPECT_EQ(end(6), std::pair(-1, std::int64_t{-1}));
  EXPECT_EQ(log.epoch_at(3), 2);
}

TEST_F(LogTest, FindsByTime) {
  for (int i = 0; i < 3; ++i) append();
  EXPECT_EQ(log.find_timestamp(0).offset, 0);
  EXPECT_EQ(log.find_timestamp(1003).offset, 3);
  EXPECT_EQ(log.find_timestamp(1003).timestamp, 1003);
  EXPECT_EQ(log.find_timestamp(1006).offset, -1);
  EXPECT_EQ(log.find_max_timestamp().offset, 5);
  log.delete_before(3);
  EXPECT_EQ(log.find_timestamp(0).offset, 3) << "records below the start are gone";
}

TEST_F(LogTest, RetentionGoesBySegments) {
  while (!log.backlog(0).on_older_segment) append(0, 3000);
  const auto end = log.end_offset();
  EXPECT_FALSE(log.enforce_retention(0, std::nullopt));
  EXPECT_TRUE(log.enforce_retention(0, batch_size));
  EXPECT_GT(log.start_offset(), 0);
  EXPECT_TRUE(log.enforce_retention(std::numeric_limits<std::int64_t>::max(), std::nullopt));
  EXPECT_EQ(log.start_offset(), end);
  EXPECT_EQ(log.bytes(), 0U);
  append();
  EXPECT_EQ(log.end_offset(), end + 2);
}

TEST(TimersTest, RunInTheirOrder) {
  Timers timers;
  std::string order;
  const SteadyTime start{};
  timers.at(start + milliseconds(2), [&] { order += 'b'; });
  timers.at(start + milliseconds(1), [&] {
    order += 'a';
    timers.at(start + milliseconds(2), [&] { order += 'c'; });
  });
  const auto cancelled = timers.at(start, [&] { order += 'x'; });
  timers.cancel(cancelled);
  EXPECT_EQ(timers.next(), start + milliseconds(1));
  timers.run(start + milliseconds(2));
  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(timers.next());
}

TEST(TopicConfigTest, ChecksValues) {
  EXPECT_TRUE(check_topic_config("retention.ms", "-1"));
  EXPECT_FALSE(check_topic_config("retention.ms", "-2"));
  EXPECT_FALSE(check_topic_config("retention.ms", "soon"));
  EXPECT_FALSE(check_topic_config("retention.mss", "1"));
  EXPECT_TRUE(check_topic_config("cleanup.policy", "compact, delete"));
  EXPECT_FALSE(check_topic_config("cleanup.policy", "shred"));
  EXPECT_FALSE(check_topic_config("compression.type", "none"));
}

TEST(TopicConfigTest, AltersLists) {
  TopicConfig::Values values;
  using enum protocol::ConfigOperation;
  EXPECT_TRUE(alter_config(values, "cleanup.policy", append, "compact"));
  EXPECT_EQ(values.at("cleanup.policy"), "delete,compact");
  EXPECT_TRUE(TopicConfig(values).is_compacted());
  EXPECT_TRUE(alter_config(values, "cleanup.policy", subtract, "delete"));
  EXPECT_EQ(values.at("cleanup.policy"), "compact");
  EXPECT_FALSE(TopicConfig(values).is_deleted());
  EXPECT_FALSE(alter_config(values, "retention.ms", append, "1"));
  EXPECT_TRUE(alter_config(values, "cleanup.policy", remove, std::nullopt));
  EXPECT_TRUE(values.empty());
}

}  // namespace
}  // namespace longhaul::sandbox
