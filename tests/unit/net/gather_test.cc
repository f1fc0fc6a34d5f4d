#include "net/gather.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace longhaul::net {
namespace {

/// Pieces of the given sizes with bytes that are all different from their neighbours'.
struct Pieces {
  explicit Pieces(std::vector<std::size_t> sizes) {
    bytes.resize(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251);
    std::size_t at = 0;
    for (const auto size : sizes) {
      views.push_back(ConstBytes(bytes).subspan(at, size));
      at += size;
    }
  }
  Bytes bytes;
  std::vector<ConstBytes> views;
};

struct Written {
  Bytes bytes;
  std::size_t calls = 0;
  std::size_t pieces_max = 0;
};

/// Writes everything, at most `step` bytes per call.
Written write_all(const Pieces& pieces, std::size_t step) {
  Written out;
  GatherPlan plan(pieces.views);
  for (auto ready = plan.next(); !ready.empty(); ready = plan.next()) {
    ++out.calls;
    out.pieces_max = std::max(out.pieces_max, ready.size());
    std::size_t left = step;
    for (const auto piece : ready) {
      const auto size = std::min(left, piece.size());
      out.bytes.insert(out.bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
      left -= size;
    }
    plan.written(step - left);
  }
  return out;
}

TEST(GatherPlan, WritesEverythingInOrderWhateverTheSizes) {
  const std::vector<std::size_t> shapes[] = {
      {},
      {0},
      {1},
      {0, 5, 0, 0, 7, 0},
      {61, 16'000, 61, 16'000, 61},
      {100, 200, 300, 5000, 40, 50, 60'000, 1},
      std::vector<std::size_t>(1000, 61),
      std::vector<std::size_t>(300, 1024),
      std::vector<std::size_t>(200, 1025),
      std::vector<std::size_t>(500, 3),
  };
  for (const auto& shape : shapes) {
    const Pieces pieces(shape);
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{777}, std::size_t{70'000}, std::size_t{1} << 30}) {
      if (step == 1 && pieces.bytes.size() > 100'000) continue;
      const auto written = write_all(pieces, step);
      EXPECT_EQ(written.bytes, pieces.bytes) << shape.size() << " pieces, step " << step;
      EXPECT_LE(written.pieces_max, GatherPlan::kPiecesMax);
    }
  }
}

TEST(GatherPlan, NeverCopiesLargePieces) {
  const Pieces pieces({61, 16'000, 20, 30'000});
  GatherPlan plan(pieces.views);
  const auto ready = plan.next();
  ASSERT_EQ(ready.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(ready[i].data(), pieces.views[i].data());
}

TEST(GatherPlan, PutsManySmallPiecesIntoOneCall) {
  // 400 tiny batches: header and payload each.
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 400; ++i) sizes.insert(sizes.end(), {61, 90});
  const auto written = write_all(Pieces(sizes), 1 << 30);
  EXPECT_EQ(written.calls, 1u);
  EXPECT_LE(written.pieces_max, 1u);
}

TEST(GatherPlan, UsesOneCallForManyRequestsOfMixedPieces) {
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 31; ++i) sizes.insert(sizes.end(), {40, 61, 16'384});
  EXPECT_EQ(write_all(Pieces(sizes), 1 << 30).calls, 1u);
}

}  // namespace
}  // namespace longhaul::net
