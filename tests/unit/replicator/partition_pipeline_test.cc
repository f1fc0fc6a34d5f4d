#include "replicator/partition_pipeline.h"

#include <gtest/gtest.h>

#include "tests/unit/replicator/batches.h"
#include "tests/unit/replicator/pipelines.h"

namespace longhaul::replicator {
namespace {

using testing::base_sequence;
using testing::fetched;
using testing::kNotStored;
using testing::kNow;
using testing::kStart;
using testing::kUnknown;
using testing::send_all;
using testing::SourceBatch;
using testing::start_at;

/// Ten batches of two records each at source offsets 0 to 19, of which the first is acknowledged at target
/// offset 0.
PartitionPipeline established() {
  PartitionPipeline pipeline(start_at(0), {});
  std::vector<SourceBatch> batches;
  for (int i = 0; i < 10; ++i) batches.push_back({.base = i * 2, .records = 2});
  pipeline.on_fetched(fetched(batches));
  const auto first = send_all(pipeline);
  EXPECT_EQ(first.size(), 1U) << "until the target knows the producer, one batch at a time";
  pipeline.on_acknowledged(first.at(0).number, Offset(0));
  return pipeline;
}

TEST(PartitionPipeline, StampsProducerAndSequencesThatCountRecords) {
  PartitionPipeline pipeline(start_at(0, -1, 40), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 3}, {.base = 3, .records = 2}}));
  const auto first = send_all(pipeline);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(base_sequence(first[0]), 40);
  EXPECT_EQ(load_be<std::int64_t>(first[0].header, protocol::batch_layout::kProducerIdAt), 9000);
  pipeline.on_acknowledged(first[0].number, Offset(0));
  const auto second = send_all(pipeline);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(base_sequence(second[0]), 43);
}

TEST(PartitionPipeline, WrapsSequencesAfterTheLargest) {
  PartitionPipeline pipeline(start_at(0, -1, INT32_MAX - 1), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 3}, {.base = 3, .records = 1}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  EXPECT_EQ(base_sequence(send_all(pipeline).at(0)), 1);
}

TEST(PartitionPipeline, KeepsAtMostFiveBatchesUnderWay) {
  auto pipeline = established();
  EXPECT_EQ(send_all(pipeline).size(), 5U);
  EXPECT_EQ(pipeline.in_flight(), 5);
}

TEST(PartitionPipeline, SendsOldRecordsOneByOne) {
  PartitionPipeline pipeline(start_at(0), {});
  std::vector<SourceBatch> batches;
  for (int i = 0; i < 4; ++i) batches.push_back({.base = i, .timestamp = kNow - 86'400'000});
  pipeline.on_fetched(fetched(batches));
  for (int i = 0; i < 4; ++i) {
    const auto sent = send_all(pipeline);
    ASSERT_EQ(sent.size(), 1U);
    pipeline.on_acknowledged(sent[0].number, Offset(i));
  }
  EXPECT_TRUE(pipeline.idle());
}

TEST(PartitionPipeline, ProgressFollowsAcknowledgementsInOrderOnly) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  pipeline.on_acknowledged(sent[1].number, Offset(4));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(2));
  pipeline.on_acknowledged(sent[0].number, Offset(2));
  const auto progress = pipeline.progress();
  EXPECT_EQ(progress.source_offset, Offset(6));
  EXPECT_EQ(progress.target_offset, Offset(6));
  EXPECT_EQ(progress.producer.next_sequence, 6);
  ASSERT_TRUE(progress.anchor);
  EXPECT_EQ(progress.anchor->target_base, Offset(4));
}

TEST(PartitionPipeline, ResendsTheWholeWindowInOrderWithTheSameSequencesAfterAFailure) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  const auto later = kStart + milliseconds(100);
  pipeline.on_acknowledged(sent[0].number, Offset(2));
  pipeline.on_failed(sent[1].number, kNotStored, later);
  EXPECT_TRUE(send_all(pipeline, later).empty()) << "others are still under way";
  for (std::size_t i = 2; i < 5; ++i) pipeline.on_failed(sent[i].number, kNotStored, kStart);
  EXPECT_TRUE(send_all(pipeline, kStart).empty()) << "not before the back-off ends";
  EXPECT_EQ(pipeline.retry_at(), later);
  const auto again = send_all(pipeline, later);
  ASSERT_EQ(again.size(), 1U) << "one first: the target may have forgotten the producer";
  EXPECT_EQ(base_sequence(again[0]), base_sequence(sent[1]));
  EXPECT_EQ(again[0].number, sent[1].number);
  pipeline.on_acknowledged(again[0].number, Offset(4));
  const auto rest = send_all(pipeline, later);
  ASSERT_EQ(rest.size(), 3U) << "what was not sent before is read again";
  EXPECT_EQ(base_sequence(rest[0]), base_sequence(sent[2]));
  EXPECT_EQ(pipeline.fetch_offset(), Offset(12));
}

TEST(PartitionPipeline, StopsWhenALaterBatchWasStoredButAnEarlierOneWasNot) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  pipeline.on_failed(sent[0].number, kNotStored, kStart);
  pipeline.on_acknowledged(sent[1].number, Offset(2));
  for (std::size_t i = 2; i < 5; ++i) pipeline.on_failed(sent[i].number, kNotStored, kStart);
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::target_order_broken);
  EXPECT_EQ(pipeline.progress().source_offset, Offset(2));
}

TEST(PartitionPipeline, SendsAWindowAgainWhenABatchBehindOneInDoubtWasStored) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  pipeline.on_failed(sent[0].number, kUnknown, kStart);
  pipeline.on_acknowledged(sent[1].number, Offset(4));
  for (std::size_t i = 2; i < 5; ++i) pipeline.on_failed(sent[i].number, kNotStored, kStart);
  ASSERT_FALSE(pipeline.stopped());
  const std::vector<std::int64_t> bases = {2, 4, 6};
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const auto again = send_all(pipeline);
    ASSERT_FALSE(again.empty());
    EXPECT_EQ(base_sequence(again[0]), base_sequence(sent[i]));
    pipeline.on_acknowledged(again[0].number, Offset(bases[i]));
    if (i == 0) continue;
    break;
  }
  EXPECT_EQ(pipeline.progress().source_offset, Offset(6));
  EXPECT_FALSE(pipeline.stopped());
}

TEST(PartitionPipeline, HoldsNoSlabOnceItIsStopped) {
  SlabPool pool(std::size_t{1} << 20U);
  const auto bytes = testing::encode({{.base = 0}, {.base = 1}, {.base = 2}});
  {
    PartitionPipeline pipeline(start_at(0), {});
    std::optional<Slab> slab;
    pool.request(bytes.size(), [&](Slab granted) { slab = std::move(granted); });
    std::ranges::copy(bytes, slab->bytes().begin());
    pipeline.on_fetched(
        {.records = std::move(*slab).share(), .high_watermark = Offset(3), .last_stable_offset = Offset(3)});
    const auto number = send_all(pipeline).at(0).number;
    EXPECT_GT(pool.used(), 0U);
    pipeline.stop({StopReason::target_deleted, Offset(0), {}});
    pipeline.on_failed(number, kUnknown, kStart);
    EXPECT_EQ(pool.used(), 0U);
    EXPECT_EQ(pipeline.progress().source_offset, Offset(0)) << "what was read and dropped is not settled";
    EXPECT_FALSE(pipeline.idle());
    EXPECT_EQ(pipeline.retry_at(), std::nullopt);
  }
}

TEST(PartitionPipeline, StopsWhenATargetOffsetWasAcknowledgedBefore) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  pipeline.on_acknowledged(sent[0].number, Offset(1));
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::target_order_broken);
}

TEST(PartitionPipeline, StopsAtARefusedBatchAndCountsOnlyWhatWasStored) {
  auto pipeline = established();
  const auto sent = send_all(pipeline);
  pipeline.on_acknowledged(sent[0].number, Offset(2));
  pipeline.on_refused(sent[1].number, StopReason::target_refused, "MESSAGE_TOO_LARGE");
  for (std::size_t i = 2; i < 5; ++i) pipeline.on_failed(sent[i].number, kNotStored, kStart);
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->source_offset, Offset(4));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(4));
  EXPECT_EQ(pipeline.counters().records, 4);
  EXPECT_FALSE(pipeline.wants_fetch());
  EXPECT_TRUE(send_all(pipeline).empty());
}

TEST(PartitionPipeline, WritesWhatPrecedesABatchThatCannotPassBeforeItStops) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2}, {.base = 2, .records = 1, .attribute_bits = 6}}));
  EXPECT_FALSE(pipeline.stopped());
  EXPECT_FALSE(pipeline.wants_fetch());
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::unknown_codec);
  EXPECT_EQ(pipeline.progress().source_offset, Offset(2));
}

TEST(PartitionPipeline, MovesItsPositionOverControlBatchesOnceNothingWaits) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched(
      {{.base = 0, .records = 2},
       {.base = 2,
        .records = 1,
        .producer_id = 5,
        .attribute_bits = protocol::batch_layout::kControlBit | protocol::batch_layout::kTransactionalBit,
        .control_type = 1}}));
  EXPECT_EQ(pipeline.settled_offset(), Offset(0));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  EXPECT_EQ(pipeline.settled_offset(), Offset(3));
  EXPECT_EQ(pipeline.progress().source_offset, Offset(3));
}

TEST(PartitionPipeline, StopsReadingAtAFullWindowAndResumesWhenHalfOfItIsFree) {
  PipelineOptions options;
  options.window_bytes = 4000;
  PartitionPipeline pipeline(start_at(0), options);
  std::vector<SourceBatch> batches;
  for (int i = 0; i < 4; ++i) batches.push_back({.base = i, .value = std::string(1000, 'x')});
  pipeline.on_fetched(fetched(batches));
  EXPECT_FALSE(pipeline.wants_fetch());
  for (int i = 0; i < 3; ++i) {
    const auto sent = send_all(pipeline);
    for (const auto& batch : sent) {
      pipeline.on_acknowledged(batch.number, Offset(static_cast<std::int64_t>(batch.number)));
    }
  }
  EXPECT_TRUE(pipeline.wants_fetch());
}

TEST(PartitionPipeline, FetchesAContradictingSetAgainTwiceThenStops) {
  PartitionPipeline pipeline(start_at(0), {});
  const auto wrong = fetched({{.base = 5, .records = 2}, {.base = 3, .records = 2}});
  pipeline.on_fetched(wrong);
  pipeline.on_fetched(wrong);
  EXPECT_TRUE(pipeline.wants_fetch());
  EXPECT_EQ(pipeline.fetch_offset(), Offset(0));
  pipeline.on_fetched(wrong);
  ASSERT_TRUE(pipeline.stopped());
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::inconsistent_source);
}

TEST(PartitionPipeline, MapsEveryAcknowledgedBatchAndBreaksRunsAtGaps) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(
      fetched({{.base = 0, .records = 2}, {.base = 2, .records = 2}, {.base = 7, .records = 1}}));
  std::int64_t target = 100;
  for (int i = 0; i < 3; ++i) {
    for (const auto& batch : send_all(pipeline)) {
      pipeline.on_acknowledged(batch.number, Offset(target));
      target += batch.number == 2 ? 1 : 2;
    }
  }
  const auto segments = pipeline.offset_map().take_unsaved();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].runs,
            (std::vector{OffsetRun{Offset(0), Offset(100), 4}, OffsetRun{Offset(7), Offset(104), 1}}));
}

TEST(PartitionPipeline, KeepsOnlyWhatTheTargetMayHaveSeenWhileItCannotWrite) {
  SlabPool pool(1 << 20);
  PartitionPipeline pipeline(start_at(0), {.pool = &pool});
  std::vector<SourceBatch> batches;
  for (int i = 0; i < 10; ++i) batches.push_back({.base = i * 2, .records = 2});
  pipeline.on_fetched(fetched(batches));
  auto sent = send_all(pipeline);
  pipeline.on_acknowledged(sent.at(0).number, Offset(100));
  sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 5U);
  EXPECT_EQ(pool.used(), 0U);
  EXPECT_TRUE(pipeline.wants_fetch());
  for (const auto& batch : sent) pipeline.on_failed(batch.number, kUnknown, kStart);

  EXPECT_EQ(pool.used(), 5U * 4096U) << "five batches in slabs of the smallest size";
  EXPECT_FALSE(pipeline.wants_fetch());
  EXPECT_EQ(pipeline.fetch_offset(), Offset(12));
  EXPECT_EQ(pipeline.settled_offset(), Offset(2));

  // The five are sent again as they were, and the rest goes on with the sequences that follow.
  for (int i = 0; i < 5; ++i) {
    const auto again = send_all(pipeline);
    ASSERT_EQ(again.size(), i == 0 ? 1U : 4U);
    for (std::size_t j = 0; j < again.size(); ++j) {
      EXPECT_EQ(base_sequence(again[j]), base_sequence(sent[static_cast<std::size_t>(i) + j]));
      EXPECT_TRUE(std::ranges::equal(again[j].payload.bytes(),
                                     sent[static_cast<std::size_t>(i) + j].payload.bytes()));
      pipeline.on_acknowledged(again[j].number, Offset(102 + 2 * (i + static_cast<int>(j))));
    }
    if (i == 1) break;
  }
  EXPECT_TRUE(pipeline.wants_fetch());
  EXPECT_TRUE(pipeline.idle());
  EXPECT_EQ(pool.used(), 0U);
  sent.clear();
  pipeline.on_fetched(fetched({{.base = 12, .records = 2}, {.base = 14, .records = 2}}));
  const auto rest = send_all(pipeline);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(base_sequence(rest[0]), 12);
  EXPECT_EQ(base_sequence(rest[1]), 14);
}

TEST(PartitionPipeline, KeepsOneBatchWhenNoneWasSentYet) {
  SlabPool pool(1 << 20);
  PartitionPipeline pipeline(start_at(0), {.pool = &pool});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2}, {.base = 2, .records = 2}}));
  pipeline.hold_back();
  EXPECT_EQ(pool.used(), 4096U);
  EXPECT_TRUE(pipeline.has_unsent());
  EXPECT_EQ(pipeline.fetch_offset(), Offset(2));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 1U);
  pipeline.on_acknowledged(sent[0].number, Offset(0));
  EXPECT_TRUE(pipeline.wants_fetch());
}

TEST(PartitionPipeline, DropsNothingWhenReadingHasEnded) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .records = 2}, {.base = 2, .records = 2}}));
  pipeline.stop_reading();
  pipeline.hold_back();
  EXPECT_EQ(pipeline.fetch_offset(), Offset(4));
  for (int i = 0; i < 2; ++i) {
    const auto sent = send_all(pipeline);
    ASSERT_EQ(sent.size(), 1U);
    pipeline.on_acknowledged(sent[0].number, Offset(2 * i));
  }
  EXPECT_TRUE(pipeline.idle());
  EXPECT_EQ(pipeline.settled_offset(), Offset(4));
}

}  // namespace
}  // namespace longhaul::replicator