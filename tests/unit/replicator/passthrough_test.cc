#include "replicator/passthrough.h"

#include <gtest/gtest.h>

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
