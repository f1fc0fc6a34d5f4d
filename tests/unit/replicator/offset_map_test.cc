#include "replicator/offset_map.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

OffsetRun run(std::int64_t source, std::int64_t target, std::int64_t records) {
  return {Offset(source), Offset(target), records};
}

TEST(OffsetMap, MergesBatchesOfConstantDifferenceIntoOneRun) {
  OffsetMap map;
  map.add(run(10, 0, 5));
  map.add(run(15, 5, 7));
  ASSERT_EQ(map.segments().size(), 1U);
  EXPECT_EQ(map.segments().front().runs, (std::vector{run(10, 0, 12)}));
}

TEST(OffsetMap, TranslatesBothWaysAcrossAGap) {
  OffsetMap map;
  map.add(run(10, 0, 5));
  map.add(run(16, 5, 4));   // a marker at source offset 15
  map.add(run(20, 12, 3));  // foreign records at target offsets 9 to 11
  EXPECT_EQ(map.to_target(Offset(9)), std::nullopt);
  EXPECT_EQ(map.to_target(Offset(10)), Offset(0));
  EXPECT_EQ(map.to_target(Offset(14)), Offset(4));
  EXPECT_EQ(map.to_target(Offset(15)), Offset(5)) << "the marker translates to the first record behind it";
  EXPECT_EQ(map.to_target(Offset(19)), Offset(8));
  EXPECT_EQ(map.to_target(Offset(20)), Offset(12));
  EXPECT_EQ(map.to_target(Offset(22)), Offset(14));
  EXPECT_EQ(map.to_target(Offset(23)), std::nullopt) << "nothing is acknowledged there yet";
  EXPECT_EQ(map.to_source(Offset(10)), Offset(20));
  EXPECT_EQ(map.to_source(Offset(4)), Offset(14));
}

TEST(OffsetMap, StartsANewSegmentWhenOneIsFullAndTranslatesAcrossSegments) {
  OffsetMap map({.runs_per_segment = 2, .segments_held = 8});
  for (int i = 0; i < 5; ++i) map.add(run(i * 10, i * 3, 3));
  ASSERT_EQ(map.segments().size(), 3U);
  EXPECT_EQ(map.segments().back().number, 2);
  EXPECT_EQ(map.to_target(Offset(15)), Offset(6));
  EXPECT_EQ(map.to_target(Offset(42)), Offset(14));
}

TEST(OffsetMap, WhatIsLeftOutWhenItIsRestoredIsNeverFoundAgain) {
  OffsetMap map;
  map.restore({{3, {run(0, 0, 5), run(7, 5, 5)}}, {4, {run(20, 10, 2)}}}, Offset(9));
  ASSERT_EQ(map.segments().size(), 1U);
  const auto unsaved = map.take_unsaved();
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(unsaved[0], (MapSegment{3, {run(0, 0, 5), run(7, 5, 2)}}));
  OffsetMap whole;
  whole.restore({{3, {run(0, 0, 5)}}}, Offset(5));
  EXPECT_TRUE(whole.take_unsaved().empty());
}

TEST(OffsetMap, HandsOutEachChangedSegmentOnceAndTheGrowingOneAgainAfterItGrew) {
  OffsetMap map({.runs_per_segment = 2, .segments_held = 8});
  map.add(run(0, 0, 1));
  EXPECT_EQ(map.take_unsaved().size(), 1U);
  EXPECT_TRUE(map.take_unsaved().empty());
  map.add(run(1, 1, 1));
  auto unsaved = map.take_unsaved();
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(unsaved[0], (MapSegment{0, {run(0, 0, 2)}}));
  map.add(run(5, 2, 1));
  map.add(run(9, 3, 1));
  unsaved = map.take_unsaved();
  ASSERT_EQ(unsaved.size(), 2U);
  EXPECT_EQ(unsaved[1].number, 1);
}

TEST(OffsetMap, ForgetsOldSegmentsOnlyAfterTheyWereHandedOut) {
  OffsetMap map({.runs_per_segment = 1, .segments_held = 2});
  for (int i = 0; i < 10; ++i) map.add(run(i * 10, i, 1));
  EXPECT_EQ(map.to_target(Offset(0)), Offset(0));
  EXPECT_EQ(map.take_unsaved().size(), 10U);
  EXPECT_EQ(map.segments().size(), 3U);
  EXPECT_EQ(map.to_target(Offset(0)), std::nullopt);
  EXPECT_EQ(map.to_target(Offset(90)), Offset(9));
}

TEST(OffsetMap, ContinuesARestoredSegment) {
  OffsetMap map;
  map.restore({MapSegment{7, {run(100, 50, 10)}}}, Offset(110));
  map.add(run(110, 60, 5));
  const auto unsaved = map.take_unsaved();
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(unsaved[0], (MapSegment{7, {run(100, 50, 15)}}));
}

TEST(OffsetMap, LeavesOutWhatIsStoredBehindThePosition) {
  OffsetMap map;
  map.restore({MapSegment{7, {run(100, 50, 10), run(120, 60, 5)}}}, Offset(105));
  map.add(run(105, 55, 20));
  EXPECT_EQ(map.to_target(Offset(124)), Offset(74));
  EXPECT_EQ(map.to_target(Offset(125)), std::nullopt);
}

}  // namespace
}  // namespace longhaul::replicator
