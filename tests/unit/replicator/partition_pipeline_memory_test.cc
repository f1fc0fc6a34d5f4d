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
