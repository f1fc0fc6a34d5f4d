#include "replicator/tail_match.h"

#include <gtest/gtest.h>

#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

using testing::SourceBatch;

constexpr ProducerState kProducer{ProducerId(9000), 3, 40};

Progress stored() {
  Progress progress;
  progress.source_offset = Offset(100);
  progress.target_offset = Offset(70);
  progress.producer = kProducer;
  return progress;
}

const std::vector<SourceBatch> kSource = {
    {.base = 100, .records = 3}, {.base = 103, .records = 2}, {.base = 107, .records = 4}};

/// The batch as a target stores it: restamped, at its own offset.
Bytes forwarded(const SourceBatch& source, std::int64_t target_base, std::int32_t sequence,
                std::int64_t producer_id = kProducer.id.value()) {
  auto wire = testing::encode(source);
  const auto view = protocol::RecordBatchView::parse(wire);
  auto header = protocol::restamped(*view, {ProducerId(producer_id), kProducer.epoch, sequence});
  store_be(header, protocol::batch_layout::kBaseOffsetAt, target_base);
  std::ranges::copy(header, wire.begin());
  return wire;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(TailMatch, FindsHowFarThePredecessorGot) {
  TailMatch match(stored());
  const auto foreign = forwarded({.base = 0, .records = 6}, 73, 0, 1);
  ASSERT_TRUE(
      match.add_target(joined({forwarded(kSource[0], 70, 40), foreign, forwarded(kSource[1], 79, 43)}))
          .has_value());
  EXPECT_EQ(match.target_position(), Offset(81));
  ASSERT_TRUE(match.wants_source());
  EXPECT_EQ(match.source_position(), Offset(100));
  match.add_source(testing::fetched(kSource));
  EXPECT_FALSE(match.stopped());
  EXPECT_FALSE(match.wants_source());
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().target_offset, Offset(81));
  EXPECT_EQ(match.progress().producer.next_sequence, 45);
  EXPECT_EQ(match.runs(),
            (std::vector{OffsetRun{Offset(100), Offset(70), 3}, OffsetRun{Offset(103), Offset(79), 2}}));
}

TEST(TailMatch, ReadsTheSourceInPiecesAndTheTargetWithoutCountingTwice) {
  TailMatch match(stored());
  const auto tail = joined({forwarded(kSource[0], 70, 40), forwarded(kSource[1], 73, 43)});
  ASSERT_TRUE(match.add_target(tail).has_value());
  ASSERT_TRUE(match.add_target(tail).has_value()) << "a fetch may begin with batches below its offset";
  match.add_source(testing::fetched({kSource[0]}));
  EXPECT_TRUE(match.wants_source());
  EXPECT_EQ(match.source_position(), Offset(103));
  match.add_source(testing::fetched({kSource[1], kSource[2]}));
  EXPECT_FALSE(match.wants_source());
  EXPECT_EQ(match.progress().source_offset, Offset(105));
}

TEST(TailMatch, NeedsNoSourceWhenNothingOfOursWasAppended) {
  TailMatch match(stored());
  ASSERT_TRUE(match.add_target(forwarded({.base = 0, .records = 6}, 70, 0, 1)).has_value());
  EXPECT_FALSE(match.wants_source());
  EXPECT_EQ(match.progress(), stored());
}

TEST(TailMatch, StopsWhenPayloadCountOrSequenceDiffer) {
  auto damaged = forwarded(kSource[0], 70, 40);
  auto other = kSource[0];
  other.value = "other";
  const std::vector<Bytes> wrong = {forwarded(other, 70, 40), forwarded(kSource[0], 70, 41),
                                    forwarded({.base = 100, .records = 2}, 70, 40)};
  for (const auto& tail : wrong) {
    TailMatch match(stored());
    ASSERT_TRUE(match.add_target(tail).has_value());
    match.add_source(testing::fetched(kSource));
    ASSERT_TRUE(match.stopped());
    EXPECT_EQ(match.stopped()->reason, StopReason::state_mismatch);
    EXPECT_EQ(match.progress().source_offset, Offset(100));
  }
}

TEST(TailMatch, StopsWhenASourceBatchOnTheWayCannotBeCompared) {
  TailMatch match(stored());
  ASSERT_TRUE(match.add_target(forwarded(kSource[0], 70, 40)).has_value());
  match.add_source(testing::fetched({{.base = 100, .records = 3, .attribute_bits = 6}}));
  ASSERT_TRUE(match.stopped());
  EXPECT_EQ(match.stopped()->reason, StopReason::state_mismatch);
}

TEST(TailMatch, PairsBatchesThatWereWrittenAnew) {
  TailMatch match(stored());
  ASSERT_TRUE(match.add_target(forwarded(kSource[0], 70, 40)).has_value());
  match.add_source(testing::fetched({{.base = 100, .records = 3, .holes_at_end = 5}}));
  EXPECT_FALSE(match.stopped());
  EXPECT_EQ(match.progress().source_offset, Offset(108));
  EXPECT_EQ(match.progress().target_offset, Offset(73));
}

}  // namespace
}  // namespace longhaul::replicator
