#include <gtest/gtest.h>

#include "replicator/partition_pipeline.h"
#include "tests/support/batches.h"
#include "tests/unit/replicator/batches.h"

/// Batches that are written anew, refused or damaged, on their way through a pipeline.
namespace longhaul::replicator {
namespace {

using longhaul::testing::batch_builder;
using testing::SourceBatch;

constexpr std::int64_t kNow = 1'700'000'000'000;
const SteadyTime kStart{};
constexpr auto kNotStored = PartitionPipeline::Fate::not_stored;
constexpr auto kUnknown = PartitionPipeline::Fate::unknown;

Progress start_at(std::int64_t source) {
  Progress progress;
  progress.source_offset = Offset(source);
  progress.producer = {ProducerId(9000), 3, 0};
  return progress;
}

std::vector<PartitionPipeline::Outgoing> send_all(PartitionPipeline& pipeline) {
  std::vector<PartitionPipeline::Outgoing> sent;
  while (pipeline.can_send(kStart, kNow)) sent.push_back(pipeline.take_next());
  return sent;
}

std::int32_t base_sequence(const PartitionPipeline::Outgoing& batch) {
  return load_be<std::int32_t>(batch.header, protocol::batch_layout::kBaseSequenceAt);
}

TEST(PipelineOfOddBatches, MapsTheBreaksOfABatchThatHadHoles) {
  PartitionPipeline pipeline(start_at(0), {});
  auto sparse = [] {
    return batch_builder()
        .record({.value = "a", .timestamp = kNow, .offset_delta = 1})
        .record({.value = "b", .timestamp = kNow, .offset_delta = 2})
        .record({.value = "c", .timestamp = kNow, .offset_delta = 6})
        .last_offset_delta(9)
        .build();
  }();
  pipeline.on_fetched(
      {.records = Slice::copy_of(sparse), .high_watermark = Offset(10), .last_stable_offset = Offset(10)});
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 1U);
  pipeline.on_acknowledged(sent[0].number, Offset(50));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(10));
  EXPECT_EQ(pipeline.progress().target_offset, Offset(53));
  EXPECT_EQ(pipeline.progress().producer.next_sequence, 3);
  const auto segments = pipeline.offset_map().take_unsaved();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].runs,
            (std::vector{OffsetRun{Offset(1), Offset(50), 2}, OffsetRun{Offset(6), Offset(52), 1}}));
  EXPECT_EQ(pipeline.counters().reencoded_batches, 1);
  EXPECT_EQ(pipeline.counters().reencoded_records, 3);
}

TEST(PipelineOfOddBatches, StopsAtABatchThatIsStillDamagedAfterTwoMoreFetches) {
  PartitionPipeline pipeline(start_at(0), {});
  auto bytes = testing::encode({{.base = 0, .records = 2}, {.base = 2, .records = 2, .holes_at_end = 1}});
  bytes.back() ^= std::byte{1};
  const auto set = [&] {
    return FetchedSet{
        .records = Slice::copy_of(bytes), .high_watermark = Offset(5), .last_stable_offset = Offset(5)};
  };
  pipeline.on_fetched(set());
  EXPECT_EQ(pipeline.fetch_offset(), Offset(2));
  pipeline.on_fetched(set());
  pipeline.on_fetched(set());
  EXPECT_TRUE(pipeline.wants_fetch());
  pipeline.on_fetched(set());
  EXPECT_FALSE(pipeline.wants_fetch());
  EXPECT_FALSE(pipeline.stopped()) << "what stands before it is written first";
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::corrupt_batch);
  EXPECT_EQ(pipeline.stopped()->source_offset, Offset(2));
}

TEST(PipelineOfOddBatches, GoesOnWhenABatchWasDamagedOnTheWayOnly) {
  PartitionPipeline pipeline(start_at(0), {});
  const auto whole = testing::encode(SourceBatch{.base = 0, .records = 2, .holes_at_end = 1});
  auto damaged = whole;
  damaged.back() ^= std::byte{1};
  for (const auto& bytes : {damaged, damaged, whole}) {
    pipeline.on_fetched(
        {.records = Slice::copy_of(bytes), .high_watermark = Offset(3), .last_stable_offset = Offset(3)});
  }
  EXPECT_EQ(send_all(pipeline).size(), 1U);
  EXPECT_FALSE(pipeline.stopped());
}

/// Four batches of two records each; `damaged` counts them from 0.
Bytes four_batches(std::optional<int> damaged = std::nullopt) {
  Bytes all;
  for (int i = 0; i < 4; ++i) {
    auto one = testing::encode(SourceBatch{.base = 2 * i, .records = 2});
    if (damaged == i) one.back() ^= std::byte{1};
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

FetchedSet set_of(const Bytes& bytes) {
  return {.records = Slice::copy_of(bytes), .high_watermark = Offset(8), .last_stable_offset = Offset(8)};
}

/// The third batch is damaged, the first is stored, and the target has answered for the others of the round.
PartitionPipeline after_a_corrupt_answer(PipelineOptions options = {}) {
  PartitionPipeline pipeline(start_at(0), options);
  pipeline.on_fetched(set_of(four_batches(2)));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  const auto sent = send_all(pipeline);
  EXPECT_EQ(sent.size(), 3U);
  pipeline.on_acknowledged(sent[0].number, Offset(2));
  pipeline.on_corrupt(sent[1].number, StopReason::target_corrupt, "CORRUPT_MESSAGE", kStart);
  EXPECT_TRUE(pipeline.follows_failure(sent[2].number));
  pipeline.on_failed(sent[2].number, kNotStored, kStart);
  return pipeline;
}

TEST(PipelineOfOddBatches, FetchesADamagedBatchAgainThatTheTargetFound) {
  auto pipeline = after_a_corrupt_answer();
  EXPECT_FALSE(pipeline.stopped());
  EXPECT_TRUE(pipeline.wants_fetch());
  EXPECT_EQ(pipeline.fetch_offset(), Offset(4));
  pipeline.on_fetched(set_of(four_batches()));
  const auto again = send_all(pipeline);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(base_sequence(again[0]), 4) << "it was damaged on the way: nothing is skipped";
  pipeline.on_acknowledged(again[0].number, Offset(4));
  EXPECT_EQ(base_sequence(send_all(pipeline).at(0)), 6);
}

TEST(PipelineOfOddBatches, StopsAtABatchThatTheSourceHoldsDamaged) {
  auto pipeline = after_a_corrupt_answer();
  for (int i = 0; i < 3; ++i) pipeline.on_fetched(set_of(four_batches(2)));
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::corrupt_batch);
  EXPECT_EQ(pipeline.stopped()->source_offset, Offset(4));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(4));
  EXPECT_TRUE(pipeline.take_skipped().empty());
}

TEST(PipelineOfOddBatches, SkipsADamagedBatchOnPurposeAndGivesLaterOnesItsSequences) {
  auto pipeline = after_a_corrupt_answer({.corrupt_batches = CorruptBatches::skip});
  for (int i = 0; i < 3; ++i) pipeline.on_fetched(set_of(four_batches(2)));
  EXPECT_FALSE(pipeline.stopped());
  const auto skipped = pipeline.take_skipped();
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_EQ(skipped[0].begin, Offset(4));
  EXPECT_EQ(skipped[0].end, Offset(6));
  EXPECT_TRUE(pipeline.take_skipped().empty());
  EXPECT_EQ(pipeline.counters().corrupt_batches_skipped, 1);
  EXPECT_EQ(pipeline.fetch_offset(), Offset(6));
  pipeline.on_fetched(set_of(four_batches(2)));
  const auto rest = send_all(pipeline);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(base_sequence(rest[0]), 4);
  pipeline.on_acknowledged(rest[0].number, Offset(4));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(8));
  EXPECT_EQ(pipeline.progress().target_offset, Offset(6));
  EXPECT_EQ(pipeline.offset_map().to_target(Offset(4)), Offset(4)) << "the first record behind the gap";
}

TEST(PipelineOfOddBatches, SkipsDamagedBatchesInARowOnceEach) {
  PartitionPipeline pipeline(start_at(0), {.corrupt_batches = CorruptBatches::skip});
  auto bytes = four_batches(0);
  const auto second = bytes.size() / 4 * 2 - 1;
  bytes[second] ^= std::byte{1};
  for (int i = 0; i < 2; ++i) {
    pipeline.on_fetched(set_of(bytes));
    pipeline.on_corrupt(send_all(pipeline).at(0).number, StopReason::target_corrupt, "CORRUPT_MESSAGE",
                        kStart);
    EXPECT_EQ(pipeline.fetch_offset(), Offset(2 * i)) << "not what was skipped before";
    for (int j = 0; j < 3; ++j) pipeline.on_fetched(set_of(bytes));
    EXPECT_EQ(pipeline.counters().corrupt_batches_skipped, i + 1);
  }
  pipeline.on_fetched(set_of(bytes));
  EXPECT_EQ(base_sequence(send_all(pipeline).at(0)), 0);
  EXPECT_EQ(pipeline.take_skipped().size(), 2U);
}

/// The first batch is damaged, and nobody knows what became of the second.
PartitionPipeline with_doubt_behind_damage(CorruptBatches corrupt) {
  PartitionPipeline pipeline(start_at(0), {.corrupt_batches = corrupt});
  const auto whole = four_batches();
  pipeline.on_fetched(
      set_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 4))));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  pipeline.on_fetched(set_of(four_batches(1)));
  const auto sent = send_all(pipeline);
  EXPECT_EQ(sent.size(), 3U);
  pipeline.on_corrupt(sent[0].number, StopReason::target_corrupt, "CORRUPT_MESSAGE", kStart);
  pipeline.on_failed(sent[1].number, kUnknown, kStart);
  pipeline.on_failed(sent[2].number, kNotStored, kStart);
  return pipeline;
}

TEST(PipelineOfOddBatches, GivesNoSequenceAnewThatABatchInDoubtMayStillUse) {
  const auto skips = with_doubt_behind_damage(CorruptBatches::skip);
  ASSERT_TRUE(skips.stopped());
  EXPECT_EQ(skips.stopped()->reason, StopReason::write_in_doubt);
  EXPECT_EQ(skips.stopped()->source_offset, Offset(2));
  EXPECT_FALSE(with_doubt_behind_damage(CorruptBatches::stop).stopped())
      << "if it arrives whole, each batch keeps its sequence";
}

TEST(PipelineOfOddBatches, KnowsNoEpochOfAPlaceThatItHasSkippedTo) {
  auto skips = after_a_corrupt_answer({.corrupt_batches = CorruptBatches::skip});
  for (int i = 0; i < 3; ++i) skips.on_fetched(set_of(four_batches(2)));
  ASSERT_TRUE(skips.idle());
  EXPECT_EQ(skips.progress().source_offset, Offset(6));
  EXPECT_EQ(skips.progress().source_leader_epoch, LeaderEpoch());

  PartitionPipeline deleted(start_at(0), {});
  deleted.on_fetched(set_of(four_batches()));
  for (const auto& one : send_all(deleted)) deleted.on_acknowledged(one.number, Offset(0));
  for (const auto& one : send_all(deleted))
    deleted.on_acknowledged(one.number, Offset(2 * static_cast<std::int64_t>(one.number)));
  ASSERT_TRUE(deleted.idle());
  EXPECT_EQ(deleted.progress().source_leader_epoch, LeaderEpoch(0));
  deleted.skip_to(Offset(50));
  EXPECT_EQ(deleted.progress().source_offset, Offset(50));
  EXPECT_EQ(deleted.progress().source_leader_epoch, LeaderEpoch());
  EXPECT_EQ(deleted.fetched_leader_epoch(), LeaderEpoch());
}

TEST(PipelineOfOddBatches, StopsWhenABatchBehindADamagedOneWasStored) {
  PartitionPipeline pipeline(start_at(0), {.corrupt_batches = CorruptBatches::skip});
  pipeline.on_fetched(set_of(four_batches(2)));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  const auto sent = send_all(pipeline);
  pipeline.on_failed(sent[0].number, kUnknown, kStart);
  pipeline.on_corrupt(sent[1].number, StopReason::target_corrupt, "CORRUPT_MESSAGE", kStart);
  pipeline.on_acknowledged(sent[2].number, Offset(4));
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::target_order_broken);
}

TEST(PipelineOfOddBatches, WritesWhatWasReadBeforeItStopsBehindIt) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(set_of(four_batches()));
  const auto sent = send_all(pipeline);
  pipeline.stop_behind({StopReason::source_deleted, pipeline.fetch_offset(), "gone"});
  EXPECT_FALSE(pipeline.wants_fetch());
  pipeline.hold_back();
  pipeline.on_failed(sent[0].number, kNotStored, kStart);
  EXPECT_FALSE(pipeline.stopped());
  std::int64_t target = 0;
  while (!pipeline.stopped()) {
    const auto again = send_all(pipeline);
    ASSERT_FALSE(again.empty());
    for (const auto& one : again)
      pipeline.on_acknowledged(one.number, Offset(std::exchange(target, target + 2)));
  }
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::source_deleted);
  EXPECT_EQ(pipeline.progress().source_offset, pipeline.stopped()->source_offset);
  EXPECT_EQ(pipeline.counters().batches, 4);
  PartitionPipeline empty(start_at(7), {});
  empty.stop_behind({StopReason::source_deleted, empty.fetch_offset(), "gone"});
  EXPECT_TRUE(empty.stopped()) << "nothing waits";
}

TEST(PipelineOfOddBatches, CountsWhatTheSourceDeletedBeforeItWasRead) {
  PartitionPipeline pipeline(start_at(10), {});
  pipeline.count_lost(3);
  pipeline.skip_to(Offset(25));
  EXPECT_EQ(pipeline.counters().lost_offsets, 18);
}

TEST(PipelineOfOddBatches, SendsABatchAgainThatIsWholeHereAndStopsAfterTheThirdCorruptAnswer) {
  PartitionPipeline pipeline(start_at(0), {.corrupt_batches = CorruptBatches::skip});
  pipeline.on_fetched(set_of(four_batches()));
  for (int i = 0; i < 3; ++i) {
    const auto sent = send_all(pipeline);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(base_sequence(sent[0]), 0);
    EXPECT_FALSE(pipeline.stopped());
    pipeline.on_corrupt(sent[0].number, StopReason::target_corrupt, "CORRUPT_MESSAGE", kStart);
  }
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::target_corrupt);
}

TEST(PipelineOfOddBatches, EndsADrainAtADamagedBatch) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(set_of(four_batches(0)));
  pipeline.stop_reading();
  pipeline.on_corrupt(send_all(pipeline).at(0).number, StopReason::target_corrupt, "CORRUPT_MESSAGE", kStart);
  EXPECT_TRUE(pipeline.idle());
  EXPECT_EQ(pipeline.progress().source_offset, Offset(0));
}

TEST(PipelineOfOddBatches, NamesTheRecordWithoutKeyThatACompactedTargetRefuses) {
  PartitionPipeline pipeline(start_at(0), {.target_cleanup = TargetCleanup::compact});
  auto batch = batch_builder()
                   .record({.key = "a", .timestamp = kNow, .offset_delta = 0})
                   .record({.key = "", .timestamp = kNow, .offset_delta = 4})
                   .record({.timestamp = kNow, .offset_delta = 7})
                   .build();
  pipeline.on_fetched(
      {.records = Slice::copy_of(batch), .high_watermark = Offset(8), .last_stable_offset = Offset(8)});
  pipeline.on_refused(send_all(pipeline).at(0).number, StopReason::target_refused, "INVALID_RECORD");
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::key_missing);
  EXPECT_EQ(pipeline.stopped()->detail, "source offset 7: INVALID_RECORD");
  EXPECT_EQ(pipeline.stopped()->source_offset, Offset(0)) << "nothing of the batch was stored";
}

}  // namespace
}  // namespace longhaul::replicator
