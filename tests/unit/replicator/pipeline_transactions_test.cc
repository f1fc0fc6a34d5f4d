#include <gtest/gtest.h>

#include "replicator/partition_pipeline.h"
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

constexpr std::int64_t kDay = 86'400'000;
const ProducerState kFirst{.id = ProducerId(500), .epoch = 3, .next_sequence = 0};
const ProducerState kNext{.id = ProducerId(500), .epoch = 4, .next_sequence = 0};

PipelineOptions transactional() {
  PipelineOptions options;
  options.regime = Regime::transactional;
  return options;
}

/// Six batches of two records each, a day old, at source offsets 0 to 11.
PartitionPipeline waiting() {
  PartitionPipeline pipeline(start_at(0), transactional());
  std::vector<SourceBatch> batches;
  for (int i = 0; i < 6; ++i) batches.push_back({.base = i * 2, .records = 2, .timestamp = kNow - kDay});
  pipeline.on_fetched(fetched(batches));
  return pipeline;
}

bool is_transactional(const PartitionPipeline::Outgoing& sent) {
  const auto attributes = load_be<std::int16_t>(sent.header, protocol::batch_layout::kAttributesAt);
  return (attributes & protocol::batch_layout::kTransactionalBit) != 0;
}

TEST(PipelineTransactions, SendsOnlyWhileATransactionIsOpen) {
  auto pipeline = waiting();
  EXPECT_TRUE(pipeline.wants_transaction());
  EXPECT_FALSE(pipeline.can_send(kStart, kNow));
  pipeline.open_transaction(kFirst);
  EXPECT_FALSE(pipeline.wants_transaction());
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 1U) << "the target does not know the producer yet";
  EXPECT_TRUE(is_transactional(sent[0]));
  EXPECT_EQ(load_be<std::int64_t>(sent[0].header, protocol::batch_layout::kProducerIdAt), 500);
  EXPECT_EQ(base_sequence(sent[0]), 0);
}

TEST(PipelineTransactions, KeepsAWindowOfOldRecordsUnderWay) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  EXPECT_EQ(send_all(pipeline).size(), 5U);
  EXPECT_TRUE(pipeline.take_sent_old());
  EXPECT_FALSE(pipeline.take_sent_old());
}

TEST(PipelineTransactions, BringsToAnEndWhatWasSentBeforeItWasClosed) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  auto second = pipeline.take_next(kNow);
  pipeline.close_transaction();
  EXPECT_FALSE(pipeline.is_settled());
  EXPECT_FALSE(pipeline.can_send(kStart, kNow)) << "nothing is begun any more";
  pipeline.on_failed(second.number, kUnknown, kStart);
  EXPECT_FALSE(pipeline.is_settled()) << "its fate is unknown";
  ASSERT_TRUE(pipeline.can_send(kStart, kNow));
  second = pipeline.take_next(kNow);
  EXPECT_EQ(base_sequence(second), 2) << "the same again";
  pipeline.on_acknowledged(second.number, Offset(2));
  EXPECT_TRUE(pipeline.is_settled());
  EXPECT_TRUE(pipeline.is_certain());
  EXPECT_EQ(pipeline.progress().source_offset, Offset(4));
  pipeline.end_transaction();
  pipeline.on_fetched(fetched({{.base = 4, .records = 2}}));
  EXPECT_TRUE(pipeline.wants_transaction());
}

TEST(PipelineTransactions, SequencesGoOnUnderTheSameProducerAndBeginAnewUnderAnother) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  pipeline.close_transaction();
  pipeline.end_transaction();

  pipeline.open_transaction(kFirst);
  auto sent = pipeline.take_next(kNow);
  EXPECT_EQ(base_sequence(sent), 2);
  pipeline.on_acknowledged(sent.number, Offset(3));
  pipeline.close_transaction();
  pipeline.end_transaction();

  pipeline.open_transaction(kNext);
  sent = pipeline.take_next(kNow);
  EXPECT_EQ(base_sequence(sent), 0);
  EXPECT_EQ(load_be<std::int16_t>(sent.header, protocol::batch_layout::kProducerEpochAt), 4);
  EXPECT_FALSE(pipeline.can_send(kStart, kNow)) << "one batch until the target knows the new epoch";
  pipeline.on_acknowledged(sent.number, Offset(6));
  EXPECT_EQ(base_sequence(pipeline.take_next(kNow)), 2);
  EXPECT_EQ(pipeline.progress().producer.next_sequence, 2);
}

TEST(PipelineTransactions, IsNotCertainOfABatchThatItGaveUp) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  const auto sent = send_all(pipeline).at(0);
  pipeline.stop({StopReason::transaction_aborted, Offset(0), {}});
  EXPECT_FALSE(pipeline.is_settled()) << "it is under way";
  pipeline.on_failed(sent.number, kUnknown, kStart);
  pipeline.close_transaction();
  EXPECT_TRUE(pipeline.is_settled());
  EXPECT_FALSE(pipeline.is_certain());
}

TEST(PipelineTransactions, IsNotCertainWhenItStoppedBeforeAnAcknowledgementCame) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  const auto sent = send_all(pipeline).at(0);
  pipeline.stop({StopReason::transaction_aborted, Offset(0), {}});
  pipeline.on_acknowledged(sent.number, Offset(0));
  EXPECT_FALSE(pipeline.is_certain()) << "the target holds it, progress() does not";
}

TEST(PipelineTransactions, IsCertainOfWhatStandsBeforeARefusedBatch) {
  auto pipeline = waiting();
  pipeline.open_transaction(kFirst);
  pipeline.on_acknowledged(send_all(pipeline).at(0).number, Offset(0));
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 5U);
  pipeline.on_refused(sent[0].number, StopReason::target_refused, "no");
  for (std::size_t i = 1; i < sent.size(); ++i) pipeline.on_failed(sent[i].number, kNotStored, kStart);
  pipeline.close_transaction();
  EXPECT_TRUE(pipeline.is_settled());
  EXPECT_TRUE(pipeline.is_certain());
  EXPECT_EQ(pipeline.progress().source_offset, Offset(2));
}

TEST(PipelineTransactions, ALivePartitionStopsInFrontOfRecordsThatAreTooOld) {
  PipelineOptions options;
  options.old_needs_transaction = true;
  PartitionPipeline pipeline(start_at(0), options);
  pipeline.on_fetched(fetched({{.base = 0, .records = 1}, {.base = 1, .timestamp = kNow - kDay}}));
  EXPECT_FALSE(pipeline.look_at_times(kNow)) << "the first one is recent";
  const auto sent = send_all(pipeline);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(is_transactional(sent[0]));
  EXPECT_FALSE(pipeline.look_at_times(kNow)) << "it is under way";
  pipeline.on_acknowledged(sent[0].number, Offset(0));
  EXPECT_FALSE(pipeline.can_send(kStart, kNow));
  ASSERT_TRUE(pipeline.look_at_times(kNow));
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::needs_transaction);
  EXPECT_EQ(pipeline.progress().source_offset, Offset(1));
}

TEST(PipelineTransactions, ABatchInDoubtThatHasBecomeOldIsLookedFor) {
  PipelineOptions options;
  options.old_needs_transaction = true;
  PartitionPipeline pipeline(start_at(0), options);
  pipeline.on_fetched(fetched({{.base = 0, .records = 1}}));
  pipeline.on_failed(send_all(pipeline).at(0).number, kUnknown, kStart);
  ASSERT_TRUE(pipeline.look_at_times(kNow + 2 * kDay));
  EXPECT_EQ(pipeline.stopped()->reason, StopReason::write_in_doubt);
}

}  // namespace
}  // namespace longhaul::replicator
