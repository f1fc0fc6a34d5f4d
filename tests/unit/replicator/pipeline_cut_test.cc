// An unclean election has cut the source's log behind what a pipeline has read of it.

#include <gtest/gtest.h>

#include "replicator/partition_pipeline.h"
#include "tests/unit/replicator/batches.h"
#include "tests/unit/replicator/pipelines.h"

namespace longhaul::replicator {
namespace {

using testing::base_sequence;
using testing::fetched;
using testing::kNotStored;
using testing::kStart;
using testing::send_all;
using testing::start_at;

PartitionPipeline::Cut cut_at(std::int64_t end, std::int32_t epoch) {
  return {.epoch = LeaderEpoch(epoch), .end = Offset(end)};
}

/// Has read two batches of epoch 1 and two of epoch 2, of two records each; the first is stored.
PartitionPipeline in_two_epochs() {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2, .leader_epoch = 1},
                               {.base = 2, .records = 2, .leader_epoch = 1},
                               {.base = 4, .records = 2, .leader_epoch = 2},
                               {.base = 6, .records = 2, .leader_epoch = 2}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  return pipeline;
}

TEST(PipelineCut, ReadsAgainWhatWasNotSent) {
  auto pipeline = in_two_epochs();
  ASSERT_TRUE(pipeline.on_cut(cut_at(6, 2)));
  EXPECT_EQ(pipeline.fetch_offset(), Offset(6));
  EXPECT_EQ(pipeline.fetched_leader_epoch(), LeaderEpoch(2));
  pipeline.on_fetched(fetched({{.base = 6, .leader_epoch = 3, .value = "other"}}));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(base_sequence(sent[2]), 6);
  EXPECT_NE(as_text(sent[2].payload.bytes()).find("other6"), std::string_view::npos);
}

TEST(PipelineCut, ReadsAgainFromTheFirstBatchOfAnEpochThatNeverWas) {
  auto pipeline = in_two_epochs();
  // The log reaches beyond all that was read, but under epoch 1.
  ASSERT_TRUE(pipeline.on_cut(cut_at(100, 1)));
  EXPECT_EQ(pipeline.fetch_offset(), Offset(4));
  EXPECT_EQ(pipeline.fetched_leader_epoch(), LeaderEpoch(1));
  EXPECT_EQ(send_all(pipeline).size(), 1U);
}

TEST(PipelineCut, ReadsAllAgainDownToWhatIsStored) {
  auto pipeline = in_two_epochs();
  pipeline.hold_back();
  ASSERT_FALSE(pipeline.wants_fetch());
  ASSERT_TRUE(pipeline.on_cut(cut_at(3, 1)));
  EXPECT_TRUE(pipeline.wants_fetch()) << "no acknowledgement will come to end the rest";
  EXPECT_EQ(pipeline.fetch_offset(), Offset(2));
  EXPECT_EQ(pipeline.fetched_leader_epoch(), LeaderEpoch(1));
  EXPECT_TRUE(pipeline.idle());
  EXPECT_EQ(pipeline.settled_offset(), Offset(2));
}

TEST(PipelineCut, SaysWhereSomethingWasSent) {
  auto pipeline = in_two_epochs();
  EXPECT_EQ(send_all(pipeline).size(), 3U);
  EXPECT_FALSE(pipeline.on_cut(cut_at(6, 2)));
  EXPECT_EQ(pipeline.fetch_offset(), Offset(8)) << "nothing is changed";
}

TEST(PipelineCut, SaysWhereSomethingWasSentAndRefused) {
  auto pipeline = in_two_epochs();
  for (const auto& sent : send_all(pipeline)) pipeline.on_failed(sent.number, kNotStored, kStart);
  EXPECT_FALSE(pipeline.on_cut(cut_at(6, 2)));
}

TEST(PipelineCut, SaysWhereSomethingIsStored) {
  auto pipeline = in_two_epochs();
  EXPECT_FALSE(pipeline.on_cut(cut_at(1, 1)));
  EXPECT_FALSE(pipeline.on_cut(cut_at(50, 0)));
}

TEST(PipelineCut, DoesNotTrustAPositionOfUnknownEpochBehindOwnRecords) {
  auto start = start_at(10, 5);
  start.anchor = Anchor{.target_base = Offset(4), .records = 1};
  PartitionPipeline behind_records(start, {});
  EXPECT_FALSE(behind_records.on_cut(cut_at(10, 0)));
  PartitionPipeline fresh(start_at(10), {});
  EXPECT_TRUE(fresh.on_cut(cut_at(10, 0)));
  EXPECT_FALSE(fresh.on_cut(cut_at(9, 0)));
  auto known = start_at(10);
  known.source_leader_epoch = LeaderEpoch(3);
  PartitionPipeline of_epoch(known, {});
  EXPECT_FALSE(of_epoch.on_cut(cut_at(10, 2))) << "what stood before it is gone";
  EXPECT_TRUE(of_epoch.on_cut(cut_at(10, 3)));
}

TEST(PipelineCut, DoesNotPassOverWhatItSkippedBefore) {
  auto pipeline = in_two_epochs();
  pipeline.skip_to(Offset(15));
  ASSERT_TRUE(pipeline.on_cut(cut_at(20, 2)));
  EXPECT_EQ(pipeline.fetch_offset(), Offset(8)) << "another log may hold something there";
  EXPECT_EQ(pipeline.fetched_leader_epoch(), LeaderEpoch(2));
}

TEST(PipelineCut, ForgetsAStopThatLiesBehindIt) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2, .leader_epoch = 1},
                               {.base = 2, .records = 2, .leader_epoch = 2, .attribute_bits = 6}}));
  EXPECT_FALSE(pipeline.wants_fetch()) << "an unknown codec ends it";
  ASSERT_TRUE(pipeline.on_cut(cut_at(2, 1)));
  EXPECT_TRUE(pipeline.wants_fetch());
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  EXPECT_FALSE(pipeline.stopped());
}

TEST(PipelineCut, GoesBackOverControlBatches) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2, .leader_epoch = 1}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  constexpr auto kControl = protocol::batch_layout::kControlBit;
  pipeline.on_fetched(
      fetched({{.base = 2, .leader_epoch = 1, .attribute_bits = kControl, .control_type = 1}}));
  ASSERT_EQ(pipeline.settled_offset(), Offset(3));
  ASSERT_TRUE(pipeline.on_cut(cut_at(2, 1)));
  EXPECT_EQ(pipeline.settled_offset(), Offset(2));
}

}  // namespace
}  // namespace longhaul::replicator
