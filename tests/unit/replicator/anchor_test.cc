#include "replicator/anchor.h"

#include <gtest/gtest.h>

#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

constexpr ProducerState kProducer{ProducerId(9000), 3, 40};

Bytes batch(std::int64_t base, std::int32_t records, ProducerState producer = kProducer,
            const std::string& value = "value") {
  auto wire = testing::encode(testing::SourceBatch{.base = base, .records = records, .value = value});
  const auto view = protocol::RecordBatchView::parse(wire);
  auto header = protocol::restamped(*view, {producer.id, producer.epoch, producer.next_sequence});
  store_be(header, protocol::batch_layout::kBaseOffsetAt, base);
  std::ranges::copy(header, wire.begin());
  return wire;
}

Anchor anchor_of(const Bytes& wire, ProducerState producer = kProducer) {
  const auto view = protocol::RecordBatchView::parse(wire);
  return {.target_base = view->base_offset(),
          .records = view->records_count(),
          .payload_crc = payload_checksum(view->header(), view->payload().size()),
          .producer = producer};
}

Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(Anchor, IsConfirmedByPlaceAndPayload) {
  const auto wire = batch(70, 3);
  EXPECT_EQ(check_anchor(wire, anchor_of(wire, {})), AnchorState::confirmed);
  EXPECT_EQ(check_anchor(batch(68, 2) + wire, anchor_of(wire)), AnchorState::confirmed)
      << "a fetch may begin with an earlier batch";
}

TEST(Anchor, IsConfirmedByItsProducerWhereTheTargetCompressesAnew) {
  auto anchor = anchor_of(batch(70, 3));
  anchor.payload_crc ^= 1U;
  EXPECT_EQ(check_anchor(batch(70, 3), anchor), AnchorState::confirmed);
  anchor.producer = {};
  EXPECT_EQ(check_anchor(batch(70, 3), anchor), AnchorState::different);
}

TEST(Anchor, IsDifferentWhereAnythingElseStands) {
  const auto anchor = anchor_of(batch(70, 3));
  constexpr ProducerState kOther{ProducerId(1), 0, 0};
  EXPECT_EQ(check_anchor(batch(70, 3, kOther, "other"), anchor), AnchorState::different);
  EXPECT_EQ(check_anchor(batch(70, 2), anchor), AnchorState::different);
  EXPECT_EQ(check_anchor(batch(69, 3), anchor), AnchorState::different);
  EXPECT_EQ(check_anchor({}, anchor), AnchorState::different) << "the log ends before it";
  // A marker, as a fence leaves it, hides that the tail is gone from whoever looks at the end only.
  const auto marker = testing::encode(
      testing::SourceBatch{.base = 70, .records = 1, .attribute_bits = 0x20, .control_type = 0});
  auto one = anchor;
  one.records = 1;
  EXPECT_EQ(check_anchor(marker, one), AnchorState::different);
}

TEST(Anchor, IsAbsentWhereTheLogGoesOnBehindIt) {
  EXPECT_EQ(check_anchor(batch(73, 3), anchor_of(batch(70, 3))), AnchorState::absent);
}

TEST(LastOwnBatch, IsTheLastThatWasWrittenByUs) {
  LastOwnBatch own({.stored = {kProducer}, .shard = {ProducerId(9000)}}, {}, Offset(60), {});
  ASSERT_TRUE(own.add(batch(58, 2) + batch(60, 4)));
  EXPECT_EQ(own.position(), Offset(64));
  EXPECT_FALSE(own.saw_others());
  ASSERT_TRUE(own.add(batch(64, 2, {ProducerId(9000), 4, 0}) + batch(66, 5, {ProducerId(1), 0, 0})));
  EXPECT_TRUE(own.saw_others());
  ASSERT_TRUE(own.last());
  EXPECT_EQ(own.last()->base, Offset(64));
  EXPECT_EQ(own.last()->records, 2);
  EXPECT_EQ(own.last()->producer, (ProducerState{ProducerId(9000), 4, 0}));
  EXPECT_EQ(own.position(), Offset(71));
}

TEST(LastOwnBatch, IsOneThatTheMapKnowsUnderAProducerThatIsForgotten) {
  constexpr ProducerState kForgotten{ProducerId(1), 0, 0};
  const auto log = batch(60, 4, kForgotten) + batch(64, 2, kForgotten);
  LastOwnBatch own({.stored = {kProducer}, .shard = {}}, {{0, {{Offset(0), Offset(60), 4}}}}, Offset(60), {});
  ASSERT_TRUE(own.add(log));
  ASSERT_TRUE(own.last());
  EXPECT_EQ(own.last()->base, Offset(60));
  EXPECT_TRUE(own.saw_others());
  LastOwnBatch nobodys({.stored = {kProducer}, .shard = {}}, {{0, {{Offset(0), Offset(60), 4}}}}, Offset(60),
                       {});
  ASSERT_TRUE(nobodys.add(batch(60, 4, {})));
  EXPECT_FALSE(nobodys.last()) << "a batch without producer cannot be compared by its sequence";
}

TEST(LastOwnBatch, HasItsSourceWhereTheMapSaysOrBehindWhatStandsBeforeIt) {
  const std::vector<MapSegment> map = {{0, {{Offset(0), Offset(10), 5}}},
                                       {1, {{Offset(7), Offset(16), 4}, {Offset(20), Offset(20), 9}}}};
  EXPECT_EQ(source_of(Offset(12), map), Offset(2));
  EXPECT_EQ(source_of(Offset(16), map), Offset(7));
  EXPECT_EQ(source_of(Offset(21), map), Offset(21));
  EXPECT_EQ(source_of(Offset(15), map), Offset(5)) << "the source has forgotten it, or it is a marker";
  EXPECT_EQ(source_of(Offset(40), map), Offset(29));
  EXPECT_FALSE(source_of(Offset(9), map));
  const auto known = [&](std::int64_t base, std::int32_t records) {
    return overlaps({.base = Offset(base), .records = records, .producer = {}}, map);
  };
  EXPECT_TRUE(known(14, 2));
  EXPECT_TRUE(known(8, 3));
  EXPECT_FALSE(known(15, 1));
  EXPECT_FALSE(known(29, 4));
}

}  // namespace
}  // namespace longhaul::replicator
