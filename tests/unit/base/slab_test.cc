#include "base/slab.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <optional>
#include <vector>

namespace longhaul {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

Slab take_now(SlabPool& pool, std::size_t size) {
  std::optional<Slab> slab;
  pool.request(size, [&](Slab granted) { slab = std::move(granted); });
  return std::move(slab).value();
}

TEST(SlabPool, CountsWhatIsOutAndTakesItBackWithTheLastSlice) {
  SlabPool pool(4 * kMiB);
  {
    auto whole = take_now(pool, kMiB).share();
    const auto part = whole.part(whole.bytes().subspan(10, 20));
    whole = Slice();
    EXPECT_EQ(part.size(), 20U);
    EXPECT_GE(pool.used(), kMiB);
  }
  EXPECT_EQ(pool.used(), 0U);
}

TEST(SlabPool, MakesRequestsWaitInOrderUntilTheBudgetHasRoom) {
  SlabPool pool(2 * kMiB);
  auto first = take_now(pool, kMiB).share();
  auto second = take_now(pool, kMiB).share();
  std::vector<int> order;
  std::vector<Slice> kept;
  pool.request(2 * kMiB, [&](Slab slab) {
    order.push_back(1);
    kept.push_back(std::move(slab).share());
  });
  pool.request(1000, [&](Slab slab) {
    order.push_back(2);
    kept.push_back(std::move(slab).share());
  });
  EXPECT_TRUE(order.empty());
  first = Slice();
  EXPECT_TRUE(order.empty()) << "the small request must not overtake the large one";
  second = Slice();
  EXPECT_EQ(order, (std::vector{1}));
  std::exchange(kept, {}).clear();
  EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST(SlabPool, GrantsAnOversizeRequestOnceNothingElseIsOut) {
  SlabPool pool(kMiB);
  auto small = take_now(pool, 1000).share();
  std::optional<Slab> large;
  pool.request(8 * kMiB, [&](Slab slab) { large = std::move(slab); });
  EXPECT_FALSE(large.has_value());
  small = Slice();
  ASSERT_TRUE(large.has_value());
  EXPECT_EQ(large->bytes().size(), 8 * kMiB);
}

TEST(SlabPool, ForgetsACancelledRequestAndServesTheNext) {
  SlabPool pool(kMiB);
  auto out = take_now(pool, 1000).share();
  bool large_granted = false;
  std::optional<Slab> small;
  const auto ticket = pool.request(2 * kMiB, [&](Slab) { large_granted = true; });
  pool.request(1000, [&](Slab slab) { small = std::move(slab); });
  EXPECT_FALSE(small.has_value());
  pool.cancel(ticket);
  EXPECT_TRUE(small.has_value());
  EXPECT_FALSE(large_granted);
}

TEST(SlabPool, ReusesFreedMemory) {
  SlabPool pool(8 * kMiB);
  const auto* before = take_now(pool, kMiB).bytes().data();
  const auto* after = take_now(pool, kMiB - 100).bytes().data();
  EXPECT_EQ(before, after);
}

std::size_t allocated() {
  const auto found = mallinfo2();
  return found.uordblks + found.hblkhd;
}

TEST(SlabPool, KeepsCachedAndTakenTogetherUnderTheBudget) {
  const std::size_t before = allocated();
  const auto probe = Slab::unbudgeted(kMiB);
  if (allocated() < before + kMiB) GTEST_SKIP() << "a sanitizer's allocator does not count";
  SlabPool pool(16 * kMiB);
  const auto fill = [&pool](std::size_t size) {
    std::vector<Slice> kept;
    while (pool.used() + size <= pool.budget()) kept.push_back(take_now(pool, size).share());
    return kept;
  };
  const std::size_t start = allocated();
  fill(kMiB).clear();
  // Of another class of sizes, so that none of those cached serves.
  const auto kept = fill(kMiB / 2);
  EXPECT_EQ(kept.size(), 32U);
  EXPECT_LE(allocated() - start, pool.budget() + kMiB / 4);
}

}  // namespace
}  // namespace longhaul
