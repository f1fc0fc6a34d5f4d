#include "replicator/stored_segments.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

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

TEST(StoredSegments, KeepsTheNewestAsTheyWereWritten) {
  const auto all = stored(50);
  for (std::int64_t i = 46; i < 50; ++i) {
    ASSERT_NE(all.value(i), nullptr) << i;
    EXPECT_EQ(*all.value(i), std::to_string(i));
  }
  EXPECT_EQ(all.value(45), nullptr);
  EXPECT_EQ(all.all(kAny).size(), 50U);
}

TEST(StoredSegments, DoesNotMindInWhichOrderTheyAreRead) {
  StoredSegments all;
  for (const std::int64_t i : {9, 10, 11, 1, 2, 8}) all.take(segment(i), std::to_string(i));
  EXPECT_EQ(all.all(kAny), (std::vector<std::int64_t>{1, 2, 8, 9, 10, 11}));
  EXPECT_NE(all.value(8), nullptr);
  EXPECT_EQ(all.value(2), nullptr);
}

TEST(StoredSegments, ExpireWhenBothSidesHaveDeletedWhatTheyMap) {
  const auto all = stored(10);
  EXPECT_TRUE(all.expired(Offset(300), Offset(0), kAny).empty()) << "the target holds it all";
  EXPECT_TRUE(all.expired(Offset(0), Offset(1'300), kAny).empty()) << "the source holds it all";
  EXPECT_EQ(all.expired(Offset(300), Offset(1'300), kAny), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(all.expired(Offset(299), Offset(1'300), kAny), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(all.expired(Offset(300), Offset(1'300), 2), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(all.expired(Offset(9'999), Offset(9'999), kAny).size(), 6U) << "the newest stay";
}

TEST(StoredSegments, ForgetsWhatWasRemoved) {
  auto all = stored(10);
  for (const auto number : all.expired(Offset(300), Offset(1'300), kAny)) all.remove(number);
  EXPECT_EQ(all.all(2), (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(all.expired(Offset(300), Offset(1'300), kAny).empty());
}

TEST(StoredSegments, ASegmentThatGrowsIsReplaced) {
  auto all = stored(3);
  auto grown = segment(2);
  grown.runs.push_back({Offset(300), Offset(2'000), 7});
  all.take(grown, "grown");
  EXPECT_EQ(*all.value(2), "grown");
  for (std::int64_t i = 3; i < 9; ++i) all.take(segment(i), {});
  EXPECT_EQ(all.expired(Offset(306), Offset(5'000), kAny).size(), 2U);
  EXPECT_EQ(all.expired(Offset(307), Offset(5'000), kAny).size(), 3U);
}

}  // namespace
}  // namespace longhaul::replicator
