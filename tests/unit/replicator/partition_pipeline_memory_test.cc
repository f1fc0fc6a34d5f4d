// What the target remembers of a producer, and what that means for what is sent.

#include <gtest/gtest.h>

#include "replicator/partition_pipeline.h"
#include "tests/unit/replicator/batches.h"
#include "tests/unit/replicator/pipelines.h"

namespace longhaul::replicator {
namespace {

using testing::base_sequence;
using testing::fetched;
using testing::kNow;
using testing::send_all;
using testing::start_at;

TEST(PartitionPipeline, SendsOneBatchFirstAfterASilenceInWhichTheTargetForgetsTheProducer) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .timestamp = kNow - 86'400'000}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  pipeline.on_fetched(fetched({{.base = 1, .timestamp = kNow}, {.base = 2, .timestamp = kNow}}));
  const auto first = send_all(pipeline);
  ASSERT_EQ(first.size(), 1U) << "of two, the second could be stored although the first was refused";
  pipeline.on_acknowledged(first[0].number, Offset(1));
  EXPECT_EQ(send_all(pipeline).size(), 1U);
}

TEST(PartitionPipeline, StopsForALookWhenTheFateOfAnOldBatchIsUnknown) {
  for (const auto fate : {PartitionPipeline::Fate::unknown, PartitionPipeline::Fate::not_stored}) {
    PartitionPipeline pipeline(start_at(0), {});
    pipeline.on_fetched(fetched({{.base = 0, .timestamp = kNow - 86'400'000}}));
    pipeline.on_failed(send_all(pipeline).at(0).number, fate, SteadyTime{});
    if (fate == PartitionPipeline::Fate::not_stored) {
      EXPECT_FALSE(pipeline.stopped());
      EXPECT_EQ(send_all(pipeline).size(), 1U);
      continue;
    }
    ASSERT_TRUE(pipeline.stopped());
    EXPECT_EQ(pipeline.stopped()->reason, StopReason::write_in_doubt);
    EXPECT_EQ(pipeline.settled_offset(), Offset(0));
  }
}

TEST(PartitionPipeline, RemembersADoubtWhenALaterAttemptIsRefused) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .timestamp = kNow}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  pipeline.on_fetched(fetched({{.base = 1, .timestamp = kNow}, {.base = 2, .timestamp = kNow}}));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 2U);
  // Both are stored, but no answer comes.
  for (const auto& batch : sent) pipeline.on_failed(batch.number, testing::kUnknown, SteadyTime{});
  // The target refuses the first for now, by a rule that it applies before it looks for duplicates.
  pipeline.on_failed(send_all(pipeline).at(0).number, testing::kNotStored, SteadyTime{});
  const auto first = send_all(pipeline);
  ASSERT_EQ(first.size(), 1U);
  pipeline.on_acknowledged(first[0].number, Offset(1));
  const auto second = send_all(pipeline);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].number, sent[1].number);
  pipeline.on_acknowledged(second[0].number, Offset(2));
  EXPECT_FALSE(pipeline.stopped());
  EXPECT_EQ(pipeline.settled_offset(), Offset(3));
}

TEST(PartitionPipeline, TakesABatchBehindAnOldDoubtForStored) {
  PartitionPipeline pipeline(start_at(0), {});
  pipeline.on_fetched(fetched({{.base = 0, .timestamp = kNow}}));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  pipeline.on_fetched(fetched(
      {{.base = 1, .timestamp = kNow}, {.base = 2, .timestamp = kNow}, {.base = 3, .timestamp = kNow}}));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 3U);
  for (const auto& batch : sent) pipeline.on_failed(batch.number, testing::kUnknown, SteadyTime{});
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(1));
  const auto again = send_all(pipeline);
  ASSERT_EQ(again.size(), 2U);
  // Refused by a rule that comes before the search for duplicates; the one behind it is found to be one.
  pipeline.on_failed(again[0].number, testing::kNotStored, SteadyTime{});
  pipeline.on_acknowledged(again[1].number, Offset(3));
  ASSERT_FALSE(pipeline.stopped()) << pipeline.stopped()->detail;
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(2));
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(3));
  EXPECT_FALSE(pipeline.stopped());
  EXPECT_EQ(pipeline.settled_offset(), Offset(4));
}

TEST(PartitionPipeline, CarriesNoProducerAndRepeatsWhateverFailedWhereAtLeastOnceWillDo) {
  PipelineOptions options;
  options.idempotent = false;
  PartitionPipeline pipeline(start_at(0), options);
  pipeline.on_fetched(fetched({{.base = 0}, {.base = 1, .timestamp = kNow - 86'400'000}, {.base = 2}}));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(load_be<std::int64_t>(sent[0].header, protocol::batch_layout::kProducerIdAt), -1);
  EXPECT_EQ(base_sequence(sent[0]), -1);
  pipeline.on_failed(sent[0].number, PartitionPipeline::Fate::not_stored, SteadyTime{});
  pipeline.on_failed(sent[1].number, PartitionPipeline::Fate::unknown, SteadyTime{});
  pipeline.on_acknowledged(sent[2].number, Offset(0));
  EXPECT_FALSE(pipeline.stopped());
  EXPECT_EQ(send_all(pipeline).size(), 3U);
}

}  // namespace
}  // namespace longhaul::replicator
