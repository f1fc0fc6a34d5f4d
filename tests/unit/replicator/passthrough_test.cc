#include "replicator/passthrough.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/support/batches.h"
#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

using testing::fetched;
using testing::SourceBatch;
namespace layout = protocol::batch_layout;

PassPlan plan(const FetchedSet& set, std::int64_t position = 0, std::int32_t epoch = -1,
              PassLimits limits = {}) {
  return plan_passthrough(set, Offset(position), LeaderEpoch(epoch), limits);
}

TEST(Passthrough, PlansEveryDenseBatchAndMovesBehindTheLast) {
  const auto set = fetched({{.base = 0, .records = 3}, {.base = 3, .records = 2, .leader_epoch = 4}});
  const auto result = plan(set);
  ASSERT_EQ(result.batches.size(), 2U);
  EXPECT_EQ(result.batches[1].base, Offset(3));
  EXPECT_EQ(result.batches[1].next, Offset(5));
  EXPECT_EQ(result.batches[1].records, 2);
  EXPECT_EQ(result.next_position, Offset(5));
  EXPECT_EQ(result.leader_epoch, LeaderEpoch(4));
  EXPECT_FALSE(result.stop);
  EXPECT_FALSE(result.anomaly);
}

TEST(Passthrough, SkipsBatchesBelowThePosition) {
  const auto result = plan(fetched({{.base = 0, .records = 3}, {.base = 3, .records = 2}}), 3);
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.batches[0].base, Offset(3));
}

TEST(Passthrough, LeavesACutBatchForTheNextFetch) {
  auto bytes = testing::encode({{.base = 0, .records = 3}, {.base = 3, .records = 2}});
  bytes.resize(bytes.size() - 5);
  FetchedSet set{
      .records = Slice::copy_of(bytes), .high_watermark = Offset(5), .last_stable_offset = Offset(5)};
  const auto result = plan(set);
  EXPECT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.next_position, Offset(3));
  EXPECT_FALSE(result.anomaly);
}

TEST(Passthrough, DropsControlAndEmptyBatchesAndCountsThem) {
  const auto result =
      plan(fetched({{.base = 0, .records = 1, .producer_id = 7, .attribute_bits = layout::kTransactionalBit},
                    {.base = 1,
                     .records = 1,
                     .producer_id = 7,
                     .attribute_bits = layout::kTransactionalBit | layout::kControlBit,
                     .control_type = 1},
                    {.base = 2, .records = 0, .holes_at_end = 3},
                    {.base = 5, .records = 1}}));
  ASSERT_EQ(result.batches.size(), 2U);
  EXPECT_EQ(result.batches[1].base, Offset(5));
  EXPECT_EQ(result.control_batches, 1);
  EXPECT_EQ(result.next_position, Offset(6));
}

TEST(Passthrough, DropsAbortedTransactionsByHeaderAloneAndKeepsWhatFollowsTheMarker) {
  constexpr std::int16_t kTx = layout::kTransactionalBit;
  auto set = fetched({{.base = 0, .records = 2, .producer_id = 7, .attribute_bits = kTx},
                      {.base = 2, .records = 2, .producer_id = 8, .attribute_bits = kTx},
                      {.base = 4, .records = 1, .producer_id = 7},
                      {.base = 5,
                       .records = 1,
                       .producer_id = 7,
                       .attribute_bits = kTx | layout::kControlBit,
                       .control_type = 0},
                      {.base = 6, .records = 3, .producer_id = 7, .attribute_bits = kTx}});
  set.aborted = {{ProducerId(7), Offset(0)}};
  const auto result = plan(set);
  ASSERT_EQ(result.batches.size(), 3U);
  EXPECT_EQ(result.batches[0].base, Offset(2)) << "another producer's transaction";
  EXPECT_EQ(result.batches[1].base, Offset(4)) << "a plain batch of the same producer";
  EXPECT_EQ(result.batches[2].base, Offset(6)) << "its next transaction";
  EXPECT_EQ(result.records_skipped, 2);
}

TEST(Passthrough, CountsTheMarkersBelowThePositionToo) {
  constexpr std::int16_t kTx = layout::kTransactionalBit;
  auto set = fetched({{.base = 0, .records = 2, .producer_id = 7, .attribute_bits = kTx},
                      {.base = 2,
                       .records = 1,
                       .producer_id = 7,
                       .attribute_bits = kTx | layout::kControlBit,
                       .control_type = 0},
                      {.base = 3, .records = 3, .producer_id = 7, .attribute_bits = kTx}});
  set.aborted = {{ProducerId(7), Offset(0)}};
  const auto result = plan(set, 3);
  ASSERT_EQ(result.batches.size(), 1U) << "the transaction behind the marker is another one";
  EXPECT_EQ(result.batches[0].base, Offset(3));
}

TEST(Passthrough, StopsAtACodecThatNobodyKnowsAndKeepsTheBatchesBefore) {
  const auto result =
      plan(fetched({{.base = 0, .records = 3}, {.base = 3, .attribute_bits = 6}, {.base = 9}}));
  ASSERT_TRUE(result.stop);
  EXPECT_EQ(result.stop->reason, StopReason::unknown_codec);
  EXPECT_EQ(result.stop->source_offset, Offset(3));
  EXPECT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.next_position, Offset(3));
}

TEST(Passthrough, ReadsNoPayloadOfABatchThatPasses) {
  auto bytes = testing::encode(SourceBatch{.base = 0, .records = 3});
  bytes.back() ^= std::byte{1};
  const FetchedSet set{
      .records = Slice::copy_of(bytes), .high_watermark = Offset(9), .last_stable_offset = Offset(9)};
  const auto result = plan(set);
  ASSERT_EQ(result.batches.size(), 1U) << "the target finds the damage";
  EXPECT_FALSE(result.batches[0].reencoded);
  EXPECT_EQ(result.batches[0].bytes.bytes().data(), set.records.bytes().data());
}

TEST(Passthrough, ABatchThatLosesItsAppendTimesIsAsOldAsItsProducersSay) {
  const auto batch = longhaul::testing::batch_builder().records(2).log_append_time(1'800'000'000'000).build();
  const FetchedSet set{
      .records = Slice::copy_of(batch), .high_watermark = Offset(9), .last_stable_offset = Offset(9)};
  const auto result = plan(set, 0, -1, {.append_times = AppendTimes::passthrough});
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_FALSE(result.batches[0].reencoded);
  EXPECT_EQ(result.batches[0].max_timestamp, 1'700'000'000'000) << "the target remembers producers by these";
}

TEST(Passthrough, FindsDamageInAPassingBatchWhereItWasAskedTo) {
  auto bytes = testing::encode({{.base = 0, .records = 3}, {.base = 3, .records = 2}, {.base = 5}});
  bytes[61 + 5] ^= std::byte{1};
  const FetchedSet set{
      .records = Slice::copy_of(bytes), .high_watermark = Offset(9), .last_stable_offset = Offset(9)};
  const auto result = plan(set, 0, -1, {.verify_below = Offset(3)});
  ASSERT_TRUE(result.damaged);
  EXPECT_EQ(result.damaged->next, Offset(3));
  EXPECT_EQ(result.next_position, Offset(0));
  EXPECT_TRUE(result.batches.empty());
  EXPECT_FALSE(result.stop);
  EXPECT_FALSE(result.anomaly);
}

/// One batch of `source` with one bit of its header changed, in front of a whole one.
FetchedSet with_flipped_bit(const SourceBatch& source, std::size_t at, int bit) {
  auto bytes = testing::encode({source, {.base = source.base + 100}});
  bytes[at] ^= static_cast<std::byte>(1 << bit);
  return {.records = Slice::copy_of(bytes),
          .high_watermark = Offset(1'000'000),
          .last_stable_offset = Offset(1'000'000),
          .aborted = {{ProducerId(7), Offset(0)}}};
}

TEST(Passthrough, LeavesNothingOutBecauseOfADamagedHeader) {
  constexpr std::int16_t kTx = layout::kTransactionalBit;
  const std::vector<SourceBatch> sources = {
      {.base = 5},
      {.base = 5, .records = 3},
      {.base = 5, .records = 2, .producer_id = 5, .attribute_bits = kTx},
      {.base = 5, .records = 2, .producer_id = 7},
  };
  for (const auto& source : sources) {
    for (const std::int64_t position : {5, 6}) {
      if (position > 5 && source.records == 1) continue;
      for (std::size_t at = layout::kMagicAt; at < layout::kHeaderSize; ++at) {
        for (int bit = 0; bit < 8; ++bit) {
          const auto set = with_flipped_bit(source, at, bit);
          const auto result = plan(set, position);
          SCOPED_TRACE(::testing::Message()
                       << source.records << " records at " << position << ": byte " << at << " bit " << bit);
          if (result.anomaly) continue;
          // Either the damage is seen, or the batch goes as it is, with a checksum that the target refuses.
          if (result.damaged) {
            EXPECT_EQ(result.next_position, Offset(position));
            EXPECT_GT(result.damaged->next, Offset(position));
            EXPECT_TRUE(result.batches.empty());
            continue;
          }
          ASSERT_FALSE(result.stop);
          ASSERT_EQ(result.batches.size(), 2U);
          EXPECT_FALSE(result.batches[0].reencoded);
          EXPECT_EQ(result.batches[0].bytes.bytes().data(), set.records.bytes().data());
        }
      }
    }
  }
}

TEST(Passthrough, SeesDamageInWhatItWouldLeaveOut) {
  constexpr std::int16_t kTx = layout::kTransactionalBit;
  const std::vector<std::pair<SourceBatch, Offset>> left_out = {
      {{.base = 5, .records = 2, .producer_id = 7, .attribute_bits = kTx}, Offset(7)},
      {{.base = 5, .producer_id = 7, .attribute_bits = kTx | layout::kControlBit, .control_type = 1},
       Offset(6)},
      {{.base = 5, .records = 0, .holes_at_end = 3}, Offset(8)},
  };
  for (const auto& [source, next] : left_out) {
    const auto whole = with_flipped_bit(source, layout::kLeaderEpochAt, 0);
    EXPECT_FALSE(plan(whole, 5).damaged) << "the leader epoch lies outside of the checksum";
    const auto result = plan(with_flipped_bit(source, layout::kMaxTimestampAt, 0), 5);
    ASSERT_TRUE(result.damaged) << source.base << ' ' << source.attribute_bits;
    EXPECT_EQ(result.next_position, Offset(5));
    EXPECT_EQ(result.damaged->next, next);
  }
}

TEST(Passthrough, DoesNotBelieveADamagedBatchThatItEndsBelowThePosition) {
  auto bytes = testing::encode({{.base = 5, .records = 4}, {.base = 9, .records = 1}});
  store_be(bytes, layout::kLastOffsetDeltaAt, std::int32_t{-3});
  FetchedSet set{
      .records = Slice::copy_of(bytes), .high_watermark = Offset(99), .last_stable_offset = Offset(99)};
  const auto hidden = plan(set, 5);
  EXPECT_TRUE(hidden.batches.empty());
  EXPECT_TRUE(hidden.damaged || hidden.anomaly);
  EXPECT_EQ(hidden.next_position, Offset(5));

  // What lies below was skipped, or replicated before.
  auto below = testing::encode({{.base = 1, .records = 4}, {.base = 5, .records = 2}});
  below[layout::kHeaderSize + 2] ^= std::byte{1};
  set.records = Slice::copy_of(below);
  const auto result = plan(set, 5);
  EXPECT_FALSE(result.damaged);
  EXPECT_EQ(result.batches.size(), 1U);
}

TEST(Passthrough, DoesNotBelieveAtOnceThatABatchEndsInFrontOfAGap) {
  const auto lowered = fetched({{.base = 36, .records = 10}, {.base = 110, .records = 10}});
  EXPECT_TRUE(plan(lowered, 100, -1, {.believes_gap = false}).anomaly) << "it began at 100";
  EXPECT_EQ(plan(lowered, 100).batches.size(), 1U) << "asked again it is the same";
  const auto early = fetched({{.base = 36, .records = 10}, {.base = 100, .records = 10}});
  EXPECT_FALSE(plan(early, 100, -1, {.believes_gap = false}).anomaly) << "nothing is missing";
  const auto hole = fetched({{.base = 110, .records = 10}});
  EXPECT_FALSE(plan(hole, 100, -1, {.believes_gap = false}).anomaly) << "a cleaner leaves holes";
}

TEST(Passthrough, GoesNowhereByBytesThatNoChecksumCovers) {
  const auto whole =
      testing::encode({{.base = 0, .records = 3}, {.base = 3, .records = 2}, {.base = 5, .records = 4}});
  const auto second = testing::encode(SourceBatch{.base = 0, .records = 3}).size();
  for (std::size_t at = 0; at <= layout::kMagicAt; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bytes = whole;
      bytes[second + at] ^= static_cast<std::byte>(1 << bit);
      const FetchedSet set{.records = Slice::copy_of(bytes),
                           .high_watermark = Offset(9),
                           .last_stable_offset = Offset(9),
                           .leader_epoch = LeaderEpoch(0)};
      const auto result = plan(set);
      SCOPED_TRACE(::testing::Message() << "byte " << at << " bit " << bit);
      if (result.anomaly) continue;
      ASSERT_FALSE(result.stop);
      EXPECT_LE(result.next_position, Offset(9));
      EXPECT_LE(result.leader_epoch, LeaderEpoch(0));
      std::int64_t expected = 0;
      for (const auto& batch : result.batches) {
        EXPECT_EQ(batch.base, Offset(expected)) << "in order, and none left out";
        EXPECT_FALSE(batch.reencoded);
        expected = batch.next.value();
      }
      EXPECT_EQ(result.next_position, Offset(expected));
      ASSERT_FALSE(result.batches.empty()) << "what stands in front of it is whole";
    }
  }
}

TEST(Passthrough, EndsInFrontOfWhatCannotBe) {
  const SourceBatch good{.base = 0, .records = 3};
  auto broken = testing::encode(SourceBatch{.base = 3, .records = 2});
  store_be(broken, layout::kRecordsCountAt, std::int32_t{77});
  auto bytes = testing::encode(good);
  bytes.insert(bytes.end(), broken.begin(), broken.end());
  FetchedSet set{
      .records = Slice::copy_of(bytes), .high_watermark = Offset(9), .last_stable_offset = Offset(9)};
  auto result = plan(set);
  EXPECT_EQ(result.batches.size(), 1U);
  EXPECT_FALSE(result.anomaly);
  EXPECT_EQ(result.next_position, Offset(3));
  set.records = Slice::copy_of(broken);
  result = plan(set, 3);
  ASSERT_TRUE(result.anomaly);
  EXPECT_EQ(result.anomaly->reason, StopReason::malformed_batch);

  set = fetched({good, {.base = 3, .records = 2, .leader_epoch = 7}});
  set.leader_epoch = LeaderEpoch(5);
  result = plan(set);
  EXPECT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.next_position, Offset(3));
  EXPECT_EQ(result.leader_epoch, LeaderEpoch(0));
  set.leader_epoch = LeaderEpoch(7);
  EXPECT_EQ(plan(set).batches.size(), 2U);
}

TEST(Passthrough, ABatchThatBeginsInFrontOfWhereOneEndedIsNotCut) {
  const auto set = fetched({{.base = 3, .records = 4}});
  EXPECT_EQ(plan(set, 5).batches.size(), 1U) << "a position may lie inside a batch";
  EXPECT_TRUE(plan(set, 5, -1, {.between_batches = true}).anomaly);
  EXPECT_FALSE(plan(set, 3, -1, {.between_batches = true}).anomaly);
  const auto below = fetched({{.base = 3, .records = 2}, {.base = 5, .records = 2}});
  EXPECT_FALSE(plan(below, 5, -1, {.between_batches = true}).anomaly)
      << "some brokers send what ends in front";
}

TEST(Passthrough, UsesNothingOfASetThatContradictsItself) {
  EXPECT_TRUE(plan(fetched({{.base = 5, .records = 2}, {.base = 3, .records = 2}})).anomaly) << "bases fall";
  EXPECT_TRUE(
      plan(fetched({{.base = 0, .records = 2, .leader_epoch = 3}, {.base = 2, .leader_epoch = 2}})).anomaly)
      << "epochs fall";
  EXPECT_TRUE(plan(fetched({{.base = 0, .records = 2, .leader_epoch = 2}}), 0, 5).anomaly)
      << "epoch below the last one";
  EXPECT_TRUE(plan(fetched({{.base = 0, .records = 11}}, 10)).anomaly) << "beyond the high watermark";
  EXPECT_FALSE(plan(fetched({{.base = 0, .records = 10}}, 10)).anomaly);
}

}  // namespace
}  // namespace longhaul::replicator
