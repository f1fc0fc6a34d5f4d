#include "replicator/kafka/takeover.h"

#include <gtest/gtest.h>

#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

constexpr ProducerEpoch kProducer{ProducerId(9000), 3};

Bytes batch(std::int64_t base, std::int64_t producer, std::int16_t epoch, bool control) {
  auto wire = testing::encode(testing::SourceBatch{.base = base, .records = 1, .producer_id = producer});
  store_be(wire, protocol::batch_layout::kProducerEpochAt, epoch);
  if (control) store_be(wire, protocol::batch_layout::kAttributesAt, std::int16_t{0x30});
  return wire;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(FindMarker, PassesOverDataEarlierEpochsAndOtherProducers) {
  const auto records = joined({batch(10, 9000, 3, false), batch(11, 9000, 2, true), batch(12, 1, 3, true)});
  const auto scan = find_marker(records, kProducer, Offset(10));
  EXPECT_FALSE(scan.marker);
  EXPECT_EQ(scan.next, Offset(13));
}

TEST(FindMarker, FindsOursAndTellsALaterEpoch) {
  auto scan = find_marker(joined({batch(10, 1, 0, false), batch(11, 9000, 3, true)}), kProducer, Offset(10));
  ASSERT_TRUE(scan.marker);
  EXPECT_EQ(scan.marker->offset, Offset(11));
  EXPECT_EQ(scan.marker->epoch, 3);
  scan = find_marker(batch(11, 9000, 4, true), kProducer, Offset(10));
  ASSERT_TRUE(scan.marker);
  EXPECT_EQ(scan.marker->epoch, 4) << "somebody has taken over from us";
}

TEST(FindMarker, IgnoresWhatAFetchBringsFromBelowItsOffset) {
  EXPECT_FALSE(find_marker(batch(9, 9000, 3, true), kProducer, Offset(10)).marker);
  EXPECT_EQ(find_marker({}, kProducer, Offset(10)).next, Offset(10));
}

}  // namespace
}  // namespace longhaul::replicator
