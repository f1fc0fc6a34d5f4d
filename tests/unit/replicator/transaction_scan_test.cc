#include "replicator/transaction_scan.h"

#include <gtest/gtest.h>

#include "replicator/anchor.h"
#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

constexpr std::int64_t kOurs = 9000;
constexpr std::int64_t kOther = 1;
constexpr std::int16_t kTransactional = 0x10;
constexpr std::int16_t kControl = 0x30;

Bytes data(std::int64_t base, std::int32_t records, std::int64_t producer = kOurs) {
  return testing::encode(testing::SourceBatch{
      .base = base, .records = records, .producer_id = producer, .attribute_bits = kTransactional});
}

Bytes marker(std::int64_t base, protocol::ControlType type, std::int64_t producer = kOurs) {
  return testing::encode(testing::SourceBatch{.base = base,
                                              .producer_id = producer,
                                              .attribute_bits = kControl,
                                              .control_type = static_cast<std::int16_t>(type)});
}

constexpr auto kAbort = protocol::ControlType::abort;
constexpr auto kCommit = protocol::ControlType::commit;

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

OwnProducers ours() {
  return {.stored = {}, .shard = {ProducerId(7), ProducerId(kOurs)}};
}

std::vector<std::int64_t> first_offsets(const TransactionScan& own) {
  std::vector<std::int64_t> offsets;
  for (const auto& one : own.aborted()) {
    EXPECT_EQ(one.producer_id, ProducerId(kOurs));
    offsets.push_back(one.first_offset.value());
  }
  return offsets;
}

TEST(TransactionScan, AreAbortedOrCommittedByTheirMarkers) {
  TransactionScan own(ours(), Offset(10));
  ASSERT_TRUE(own.add(joined({data(10, 2), data(12, 3), marker(15, kCommit), data(16, 1), data(17, 1)})));
  EXPECT_TRUE(own.is_open());
  EXPECT_EQ(own.position(), Offset(18));
  ASSERT_TRUE(own.add(joined({data(17, 1), marker(18, kAbort), marker(19, kAbort)})));
  EXPECT_FALSE(own.is_open());
  EXPECT_EQ(first_offsets(own), std::vector<std::int64_t>{16}) << "a marker without records ends nothing";
}

TEST(TransactionScan, OneWithoutItsMarkerEndsLikeTheNextOfTheSameProducer) {
  TransactionScan committed(ours(), Offset(10));
  ASSERT_TRUE(committed.add(joined({data(10, 2), data(12, 1), marker(13, kCommit)})));
  EXPECT_TRUE(committed.aborted().empty());
  TransactionScan aborted(ours(), Offset(10));
  ASSERT_TRUE(aborted.add(joined({data(10, 2), data(12, 1), marker(13, kAbort)})));
  EXPECT_EQ(first_offsets(aborted), std::vector<std::int64_t>{10});
}

TEST(TransactionScan, LeavesThoseOfOthersAlone) {
  TransactionScan own(ours(), Offset(10));
  ASSERT_TRUE(own.add(joined({data(10, 2, kOther), data(12, 1), marker(13, kAbort, kOther)})));
  EXPECT_TRUE(own.is_open());
  ASSERT_TRUE(own.add(marker(14, kCommit)));
  EXPECT_TRUE(own.aborted().empty());
}

TEST(TransactionScan, TakesThoseOfAnybodyWhereNobodyIsNamed) {
  TransactionScan all(std::nullopt, Offset(10));
  ASSERT_TRUE(all.add(joined({data(10, 2, kOther), data(12, 1), marker(13, kAbort, kOther)})));
  EXPECT_TRUE(all.is_open());
  ASSERT_TRUE(all.add(marker(14, kCommit)));
  ASSERT_EQ(all.aborted().size(), 1U);
  EXPECT_EQ(all.aborted()[0].producer_id, ProducerId(kOther));
  EXPECT_EQ(all.aborted()[0].first_offset, Offset(10));
}

TEST(LastOwnBatch, IsNotOneThatWasAborted) {
  const auto log = joined({data(10, 2), marker(12, kCommit), data(13, 4), marker(17, kAbort)});
  TransactionScan own(ours(), Offset(10));
  ASSERT_TRUE(own.add(log));
  LastOwnBatch last(ours(), {}, Offset(10), own.aborted());
  ASSERT_TRUE(last.add(log));
  ASSERT_TRUE(last.last());
  EXPECT_EQ(last.last()->base, Offset(10));
  EXPECT_FALSE(last.saw_others());
}

}  // namespace
}  // namespace longhaul::replicator
