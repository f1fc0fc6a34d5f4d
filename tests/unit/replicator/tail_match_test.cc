#include "replicator/tail_match.h"

#include <gtest/gtest.h>

#include <limits>

#include "codecs/codec.h"
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

/// A batch as a target stores it: restamped, at its own offset.
Bytes stamped(Bytes wire, std::int64_t target_base, std::int32_t sequence,
              std::int64_t producer_id = kProducer.id.value(), std::int16_t epoch = kProducer.epoch) {
  const auto view = protocol::RecordBatchView::parse(wire);
  auto header = protocol::restamped(*view, {ProducerId(producer_id), epoch, sequence});
  store_be(header, protocol::batch_layout::kBaseOffsetAt, target_base);
  std::ranges::copy(header, wire.begin());
  return wire;
}

Bytes forwarded(const SourceBatch& source, std::int64_t target_base, std::int32_t sequence,
                std::int64_t producer_id = kProducer.id.value(), std::int16_t epoch = kProducer.epoch) {
  return stamped(testing::encode(source), target_base, sequence, producer_id, epoch);
}

/// Source offsets `from` to before `to` in one batch, as a predecessor with other limits might have cut them.
Bytes recut(std::int64_t from, std::int64_t to, std::int64_t target_base, std::int32_t sequence,
            const std::string& value = "value", codecs::Compression codec = codecs::Compression::none) {
  protocol::BatchBuilder builder;
  for (auto offset = from; offset < to; ++offset) {
    const auto text = value + std::to_string(offset);
    EXPECT_TRUE(builder.add({.timestamp = SourceBatch{}.timestamp, .value = as_bytes(text)}).has_value());
  }
  protocol::BatchOptions options;
  options.compression = codec;
  Bytes payload(builder.payload().begin(), builder.payload().end());
  if (codec != codecs::Compression::none) payload = *codecs::compress(codec, payload);
  const auto header = builder.finish(options, payload);
  Bytes batch(header->begin(), header->end());
  batch.insert(batch.end(), payload.begin(), payload.end());
  return stamped(std::move(batch), target_base, sequence);
}

Slice joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return Slice::copy_of(all);
}

TailMatch::Options options(std::int64_t end = 200) {
  return {.stored = stored(),
          .ours = {.stored = {kProducer}, .shard = {}},
          .begin = Offset(70),
          .end = Offset(end)};
}

/// Walks `target` beside `source`, each given whole.
TailMatch walked(TailMatch::Options options, const std::vector<Bytes>& target,
                 const std::vector<SourceBatch>& source = kSource) {
  TailMatch match(std::move(options));
  EXPECT_TRUE(match.add_target(joined(target)).has_value());
  if (match.wants_source()) match.add_source(testing::fetched(source));
  match.nothing_left_on_target();
  return match;
}

TEST(TailMatch, FindsHowFarThePredecessorGot) {
  const auto foreign = forwarded({.base = 0, .records = 6}, 73, 0, 1);
  const auto match =
      walked(options(), {forwarded(kSource[0], 70, 40), foreign, forwarded(kSource[1], 79, 43)});
  EXPECT_FALSE(match.stopped());
  EXPECT_FALSE(match.wants_source());
  EXPECT_EQ(match.records(), 5);
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().target_offset, Offset(81));
  EXPECT_EQ(match.progress().producer.next_sequence, 45);
  EXPECT_EQ(match.runs(),
            (std::vector{OffsetRun{Offset(100), Offset(70), 3}, OffsetRun{Offset(103), Offset(79), 2}}));
  ASSERT_TRUE(match.progress().anchor);
  EXPECT_EQ(match.progress().anchor->target_base, Offset(79));
  EXPECT_EQ(match.progress().anchor->producer, (ProducerState{kProducer.id, kProducer.epoch, 43}));
}

TEST(TailMatch, ReadsBothSidesInPiecesAndNothingTwice) {
  TailMatch match(options(75));
  const auto tail = joined({forwarded(kSource[0], 70, 40)});
  ASSERT_TRUE(match.wants_target());
  ASSERT_TRUE(match.add_target(tail).has_value());
  EXPECT_EQ(match.target_position(), Offset(73));
  ASSERT_TRUE(match.wants_source());
  match.add_source(testing::fetched({kSource[0]}));
  EXPECT_FALSE(match.wants_source());
  ASSERT_TRUE(match.wants_target());
  ASSERT_TRUE(
      match.add_target(joined({forwarded(kSource[0], 70, 40), forwarded(kSource[1], 73, 43)})).has_value())
      << "a fetch may begin with batches below its offset";
  EXPECT_FALSE(match.wants_target());
  EXPECT_EQ(match.source_position(), Offset(103));
  match.add_source(testing::fetched({kSource[1], kSource[2]}));
  EXPECT_FALSE(match.wants_source() || match.wants_target());
  EXPECT_EQ(match.progress().source_offset, Offset(105));
}

TEST(TailMatch, FollowsSequencesThatBeginAgain) {
  constexpr std::int32_t kLast = std::numeric_limits<std::int32_t>::max();
  auto near_the_end = options();
  near_the_end.stored.producer.next_sequence = kLast - 1;
  near_the_end.ours.stored = {near_the_end.stored.producer};
  const auto match =
      walked(near_the_end, {forwarded(kSource[0], 70, kLast - 1), forwarded(kSource[1], 73, 1)});
  EXPECT_FALSE(match.stopped());
  EXPECT_EQ(match.records(), 5);
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().producer.next_sequence, 3);

  EXPECT_TRUE(
      walked(near_the_end, {forwarded(kSource[0], 70, kLast - 1), forwarded(kSource[1], 73, 2)}).stopped())
      << "one is missing";
}

TEST(TailMatch, NeedsNoSourceWhenNothingOfOursWasAppended) {
  TailMatch match(options(76));
  ASSERT_TRUE(match.add_target(joined({forwarded({.base = 0, .records = 6}, 70, 0, 1)})).has_value());
  EXPECT_FALSE(match.wants_source() || match.wants_target());
  EXPECT_EQ(match.progress(), stored());
}

TEST(TailMatch, EndsAtOurMarkerAndLeavesWhatStandsBehindIt) {
  const auto match = walked(options(73), {forwarded(kSource[0], 70, 40), forwarded(kSource[1], 73, 43)});
  EXPECT_EQ(match.progress().source_offset, Offset(103));
}

TEST(TailMatch, TakesForOursTheShardUnderAnyEpochButNothingAbortedAndNoMarkers) {
  auto with_shard = options();
  with_shard.ours.shard = {kProducer.id};
  auto transactional = forwarded(kSource[1], 73, 43);
  store_be(transactional, protocol::batch_layout::kAttributesAt, std::int16_t{0x10});
  const SourceBatch marker{.base = 75, .records = 1, .attribute_bits = 0x20, .control_type = 0};
  auto control = stamped(testing::encode(marker), 75, -1);
  store_be(control, protocol::batch_layout::kAttributesAt, std::int16_t{0x30});
  const std::vector<Bytes> target = {forwarded(kSource[0], 70, 40), transactional, control,
                                     forwarded(kSource[1], 76, 0, kProducer.id.value(), 4)};
  EXPECT_TRUE(walked(with_shard, target).stopped()) << "counts, and so it stands there twice";
  with_shard.aborted = {{kProducer.id, Offset(73)}};
  auto match = walked(with_shard, target);
  EXPECT_FALSE(match.stopped()) << match.stopped()->detail;
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().producer, (ProducerState{kProducer.id, 4, 2}))
      << "sequences of another epoch begin at 0";
  auto without = walked(options(), {forwarded(kSource[0], 70, 40, 1)});
  EXPECT_EQ(without.records(), 0);
}

TEST(TailMatch, GoesOnUnderTheEpochOfTheLastMarkerBecauseEarlierOnesAreRefused) {
  const auto marker = [](std::int64_t offset, std::int64_t producer_id, std::int16_t epoch) {
    const SourceBatch one{.base = offset, .records = 1, .attribute_bits = 0x20, .control_type = 0};
    auto control = stamped(testing::encode(one), offset, -1, producer_id, epoch);
    store_be(control, protocol::batch_layout::kAttributesAt, std::int16_t{0x30});
    return control;
  };
  const auto id = kProducer.id.value();
  // Two successors came no further than their markers; another producer's marker says nothing about ours.
  const auto fenced = walked(
      options(), {forwarded(kSource[0], 70, 40), marker(73, id, 4), marker(74, id, 6), marker(75, 1, 9)});
  EXPECT_FALSE(fenced.stopped());
  EXPECT_EQ(fenced.records(), 3);
  EXPECT_EQ(fenced.progress().producer, (ProducerState{kProducer.id, 6, 0}));
  // One that has written since goes on where it is.
  const auto wrote = walked(options(), {marker(70, id, 4), forwarded(kSource[0], 71, 0, id, 4)});
  EXPECT_FALSE(wrote.stopped());
  EXPECT_EQ(wrote.progress().producer, (ProducerState{kProducer.id, 4, 3}));
  EXPECT_EQ(walked(options(), {marker(70, id, kProducer.epoch)}).progress().producer, kProducer);
}

TEST(TailMatch, ComparesRecordsWhereBatchesWereCutDifferently) {
  // Two source batches in one of the target; the next source batch only in part.
  const std::vector<SourceBatch> source = {
      {.base = 100, .records = 3}, {.base = 103, .records = 2}, {.base = 105, .records = 4}};
  for (const auto codec : {codecs::Compression::none, codecs::Compression::gzip, codecs::Compression::zstd}) {
    const auto match =
        walked(options(), {recut(100, 105, 70, 40, "value", codec), recut(105, 107, 75, 45, "value", codec)},
               source);
    EXPECT_FALSE(match.stopped()) << match.stopped()->detail;
    EXPECT_EQ(match.progress().source_offset, Offset(107)) << "inside the third batch";
    EXPECT_EQ(match.progress().target_offset, Offset(77));
    EXPECT_EQ(match.records(), 7);
    ASSERT_FALSE(match.runs().empty());
    EXPECT_EQ(match.runs().back(), (OffsetRun{Offset(105), Offset(75), 2}));
  }
}

TEST(TailMatch, PassesOverWhatIsGoneFromTheSourceWhereItHasAHole) {
  // The target holds records 100 to 108; of these the source's cleaner took 100, 103, 104 and 106.
  auto cleaned = options();
  cleaned.source_cleaned = true;
  const std::vector<SourceBatch> source = {
      {.base = 101, .records = 2}, {.base = 105, .records = 1}, {.base = 107, .records = 4}};
  const auto match = walked(cleaned, {recut(100, 104, 70, 40), recut(104, 109, 74, 44)}, source);
  EXPECT_FALSE(match.stopped()) << match.stopped()->detail;
  EXPECT_EQ(match.records(), 9);
  EXPECT_EQ(match.progress().source_offset, Offset(109));
  EXPECT_EQ(match.progress().target_offset, Offset(79));
  EXPECT_EQ(match.progress().producer.next_sequence, 49);
  std::vector<OffsetRun> merged;
  OffsetMap map;
  for (const auto& run : match.runs()) map.add(run);
  for (const auto& segment : map.segments()) {
    for (const auto& run : segment.runs) merged.push_back(run);
  }
  EXPECT_EQ(merged, (std::vector{OffsetRun{Offset(101), Offset(71), 2}, OffsetRun{Offset(105), Offset(75), 1},
                                 OffsetRun{Offset(107), Offset(77), 2}}));
}

TEST(TailMatch, StopsAtWhatIsGoneFromTheSourceWhereItHasNoHole) {
  auto cleaned = options();
  cleaned.source_cleaned = true;
  const std::vector<SourceBatch> source = {{.base = 101, .records = 9}};
  // One hole, in front of 101, and two records that are not there.
  EXPECT_TRUE(walked(cleaned, {recut(99, 104, 70, 40)}, source).stopped());
  EXPECT_FALSE(walked(cleaned, {recut(100, 104, 70, 40)}, source).stopped());
  EXPECT_TRUE(walked(options(), {recut(100, 104, 70, 40)}, source).stopped()) << "nothing cleans this source";
}

TEST(TailMatch, GoesOnWhereWhatWasFoundWasDeletedFromTheSource) {
  auto deleted = options();
  deleted.source_cleaned = true;
  deleted.source_start = Offset(108);
  TailMatch all(deleted);
  ASSERT_TRUE(all.add_target(joined({recut(100, 105, 70, 40)})).has_value());
  ASSERT_TRUE(all.wants_source());
  EXPECT_EQ(all.source_position(), Offset(108));
  all.nothing_left_on_source();
  all.nothing_left_on_target();
  EXPECT_FALSE(all.stopped() || all.wants_source());
  EXPECT_EQ(all.progress().source_offset, Offset(105)) << "what lies between is lost, and has to be told";
  // Three of the source's deleted records were control batches: the target has fewer.
  const auto some = walked(deleted, {recut(103, 110, 70, 40)}, {{.base = 108, .records = 4}});
  EXPECT_FALSE(some.stopped()) << some.stopped()->detail;
  EXPECT_EQ(some.progress().source_offset, Offset(110));
}

TEST(TailMatch, KnowsNoLeaderEpochBehindAHole) {
  auto deleted = options();
  deleted.source_cleaned = true;
  deleted.stored.source_leader_epoch = LeaderEpoch(3);
  TailMatch match(deleted);
  ASSERT_TRUE(match.add_target(joined({recut(100, 105, 70, 40)})).has_value());
  // All five records are gone from the source, whatever epoch they were of.
  match.add_source(testing::fetched({{.base = 108, .records = 4, .leader_epoch = 5}}));
  match.nothing_left_on_target();
  EXPECT_FALSE(match.stopped());
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().source_leader_epoch, LeaderEpoch());
}

TEST(TailMatch, StopsAtADifferenceInContentOrSequence) {
  auto other = kSource[0];
  other.value = "other";
  const std::vector<Bytes> wrong = {
      forwarded(other, 70, 40),            // other values
      forwarded(kSource[0], 70, 41),       // a record of ours is missing in front of it
      forwarded(kSource[0], 70, 39),       // one that was counted already
      recut(100, 102, 70, 40, "another"),  // in other pieces, and other values
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto match = walked(options(), {wrong[i]});
    ASSERT_TRUE(match.stopped()) << i;
    EXPECT_EQ(match.stopped()->reason, StopReason::state_mismatch);
    EXPECT_EQ(match.progress().source_offset, Offset(100)) << i;
  }
}

TEST(TailMatch, PassesOverWhatACleanerRemoved) {
  // The first batch is gone, of the second only its range is left.
  auto holed = options();
  holed.cleaned = true;
  auto second = forwarded({.base = 103, .records = 1, .holes_at_end = 1}, 73, 43);
  const auto match = walked(holed, {second});
  EXPECT_FALSE(match.stopped()) << match.stopped()->detail;
  EXPECT_EQ(match.progress().source_offset, Offset(105));
  EXPECT_EQ(match.progress().producer.next_sequence, 45);
  const auto strict = walked(options(), {second});
  EXPECT_TRUE(strict.stopped()) << "where nothing is cleaned, a gap is a loss";
}

TEST(TailMatch, StopsWhenASourceBatchOnTheWayCannotBeCompared) {
  const auto match =
      walked(options(), {forwarded(kSource[0], 70, 40)}, {{.base = 100, .records = 3, .attribute_bits = 6}});
  ASSERT_TRUE(match.stopped());
  EXPECT_EQ(match.stopped()->reason, StopReason::state_mismatch);
}

/// Adds the source's batches as a broker answers, from the one that holds the position on, with one of them
/// damaged in the first `damaged_looks` answers; returns how often it was asked.
int feed_with_damage(TailMatch& match, std::size_t damaged, int damaged_looks) {
  int answers = 0;
  while (match.wants_source() && answers < 20) {
    std::vector<Bytes> parts;
    for (std::size_t i = 0; i < kSource.size(); ++i) {
      if (Offset(kSource[i].base + kSource[i].records) <= match.source_position()) continue;
      parts.push_back(testing::encode(kSource[i]));
      if (i == damaged && answers < damaged_looks) parts.back().back() ^= std::byte{1};
    }
    match.add_source(
        {.records = joined(parts), .high_watermark = Offset(1000), .last_stable_offset = Offset(1000)});
    ++answers;
  }
  return answers;
}

TEST(TailMatch, LeavesOutDamagedBatchesWhereThePredecessorDid) {
  for (const bool skips : {true, false}) {
    auto with = options();
    with.skip_corrupt = skips;
    TailMatch match(std::move(with));
    const auto target = joined({forwarded(kSource[0], 70, 40), forwarded(kSource[2], 73, 43)});
    ASSERT_TRUE(match.add_target(target).has_value());
    EXPECT_LT(feed_with_damage(match, 1, 99), 6);
    if (!skips) {
      ASSERT_TRUE(match.stopped());
      EXPECT_EQ(match.stopped()->reason, StopReason::corrupt_batch);
      EXPECT_EQ(match.stopped()->source_offset, Offset(103));
      continue;
    }
    EXPECT_FALSE(match.stopped());
    EXPECT_EQ(match.records(), 7);
    EXPECT_EQ(match.progress().source_offset, Offset(111));
    EXPECT_EQ(match.progress().target_offset, Offset(77));
  }
}

TEST(TailMatch, ReadsAgainWhatMayHaveBeenDamagedOnTheWay) {
  for (const bool skips : {true, false}) {
    auto with = options();
    with.skip_corrupt = skips;
    TailMatch match(std::move(with));
    // Cut elsewhere, so that the records have to be compared.
    const auto target =
        joined({forwarded(kSource[0], 70, 40), recut(103, 104, 73, 43), recut(104, 105, 74, 44)});
    ASSERT_TRUE(match.add_target(target).has_value());
    EXPECT_EQ(feed_with_damage(match, 1, 2), 3);
    EXPECT_FALSE(match.stopped());
    EXPECT_EQ(match.progress().source_offset, Offset(105));
  }
}

TEST(TailMatch, KnowsABatchThatWasDamagedOnTheSourceSinceItWasForwarded) {
  TailMatch match(options());
  const auto target = joined({forwarded(kSource[0], 70, 40), forwarded(kSource[1], 73, 43)});
  ASSERT_TRUE(match.add_target(target).has_value());
  EXPECT_EQ(feed_with_damage(match, 1, 99), 1);
  EXPECT_FALSE(match.stopped());
  EXPECT_EQ(match.progress().source_offset, Offset(105));
}

TEST(TailMatch, PairsBatchesThatWereWrittenAnew) {
  const auto match =
      walked(options(), {forwarded(kSource[0], 70, 40)}, {{.base = 100, .records = 3, .holes_at_end = 5}});
  EXPECT_FALSE(match.stopped());
  EXPECT_EQ(match.progress().source_offset, Offset(108));
  EXPECT_EQ(match.progress().target_offset, Offset(73));
}

}  // namespace
}  // namespace longhaul::replicator
