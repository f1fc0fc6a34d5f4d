#include "replicator/stored_segments.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

using Numbers = std::vector<std::int64_t>;
constexpr std::size_t kAny = 100;

/// Segment `number` maps the hundred records from source offset 100 * number on, a thousand further.
MapSegment segment(std::int64_t number) {
  return {.number = number, .runs = {{Offset(100 * number), Offset(100 * number + 1'000), 100}}};
}

StoredSegments stored(std::int64_t count) {
  StoredSegments all;
  for (std::int64_t i = 0; i < count; ++i) all.take(segment(i), std::to_string(i));
  return all;
}

Numbers values(const StoredSegments& segments) {
  Numbers found;
  for (std::int64_t i = 0; i < 100; ++i) {
    if (segments.value(i) == nullptr) continue;
    EXPECT_EQ(*segments.value(i), std::to_string(i));
    found.push_back(i);
  }
  return found;
}

TEST(StoredSegments, KeepTheValuesInFrontOfThePosition) {
  auto all = stored(50);
  EXPECT_EQ(values(all).size(), 50U) << "until a position is known, any may be asked for";
  all.let_go(49);
  EXPECT_EQ(values(all), (Numbers{46, 47, 48, 49}));
  EXPECT_EQ(all.all(kAny).size(), 50U);
}

TEST(StoredSegments, KeepWhatWasWrittenAheadOfAPositionThatNeverCame) {
  auto all = stored(50);
  all.let_go(10);
  EXPECT_EQ(values(all).front(), 7);
  EXPECT_EQ(values(all).back(), 49);
  EXPECT_EQ(all.expired(47, Offset(0), Offset(0), kAny), (Numbers{48, 49})) << "it is written anew";
}

TEST(StoredSegments, AMapThatBeginsAnewReplacesTheFormerOne) {
  auto all = stored(10);
  all.let_go(9);
  all.take(segment(0), "0");
  all.let_go(0);
  EXPECT_NE(all.value(0), nullptr);
  const auto stale = all.expired(0, Offset(0), Offset(0), kAny);
  EXPECT_EQ(stale, (Numbers{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (const auto number : stale) all.remove(number);
  EXPECT_EQ(values(all), Numbers{0});
  EXPECT_TRUE(all.expired(0, Offset(9'999), Offset(9'999), kAny).empty());
}

TEST(StoredSegments, DoNotMindInWhichOrderTheyAreRead) {
  StoredSegments all;
  for (const std::int64_t i : {9, 10, 11, 1, 2, 8}) all.take(segment(i), std::to_string(i));
  EXPECT_EQ(all.all(kAny), (Numbers{1, 2, 8, 9, 10, 11}));
  all.let_go(11);
  EXPECT_EQ(values(all), (Numbers{8, 9, 10, 11}));
}

TEST(StoredSegments, ExpireWhenBothSidesHaveDeletedWhatTheyMap) {
  const auto all = stored(10);
  EXPECT_TRUE(all.expired(9, Offset(300), Offset(0), kAny).empty()) << "the target holds it all";
  EXPECT_TRUE(all.expired(9, Offset(0), Offset(1'300), kAny).empty()) << "the source holds it all";
  EXPECT_EQ(all.expired(9, Offset(300), Offset(1'300), kAny), (Numbers{0, 1, 2}));
  EXPECT_EQ(all.expired(9, Offset(299), Offset(1'300), kAny), (Numbers{0, 1}));
  EXPECT_EQ(all.expired(9, Offset(300), Offset(1'300), 2), (Numbers{0, 1}));
  EXPECT_EQ(all.expired(9, Offset(9'999), Offset(9'999), kAny).size(), 6U) << "those at the position stay";
}

TEST(StoredSegments, ASegmentThatGrowsIsReplaced) {
  auto all = stored(3);
  auto grown = segment(2);
  grown.runs.push_back({Offset(300), Offset(2'000), 7});
  all.take(grown, "grown");
  EXPECT_EQ(*all.value(2), "grown");
  for (std::int64_t i = 3; i < 9; ++i) all.take(segment(i), {});
  EXPECT_EQ(all.expired(8, Offset(306), Offset(5'000), kAny), (Numbers{0, 1}));
  EXPECT_EQ(all.expired(8, Offset(307), Offset(5'000), kAny), (Numbers{0, 1, 2}));
}

}  // namespace
}  // namespace longhaul::replicator
