#include "replicator/resume.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

using Kind = ResumeDecision::Kind;

TopicId id(std::uint8_t value) {
  TopicId made;
  made.bytes.fill(value);
  return made;
}

ResumeFacts facts() {
  return {.source_cluster_id = "S",
          .target_cluster_id = "T",
          .source_topic_id = id(1),
          .target_topic_id = id(2),
          .target_topic = "A.t",
          .selection = "read_uncommitted",
          .source_start = Offset(10),
          .source_end = Offset(500),
          .target_end = Offset(90),
          .fresh_producer = {ProducerId(77), 0, 0}};
}

StoredPosition stored() {
  StoredPosition position;
  position.source_cluster_id = "S";
  position.target_cluster_id = "T";
  position.source_topic_id = id(1);
  position.target_topic_id = id(2);
  position.target_topic = "A.t";
  position.selection = "read_uncommitted";
  position.progress.source_offset = Offset(100);
  position.progress.source_leader_epoch = LeaderEpoch(3);
  position.progress.target_offset = Offset(90);
  position.progress.producer = {ProducerId(5), 1, 42};
  position.producers = {position.progress.producer};
  position.mm2_before = 50;
  position.mm2_after = 99;
  return position;
}

TEST(Resume, BeginsWhereAutoOffsetResetSaysWithoutAnyPosition) {
  auto f = facts();
  auto decision = decide_resume(std::nullopt, std::nullopt, f);
  EXPECT_EQ(decision.kind, Kind::go);
  EXPECT_EQ(decision.progress.source_offset, Offset(10));
  EXPECT_EQ(decision.progress.producer, f.fresh_producer);
  EXPECT_EQ(decision.progress.target_offset, Offset(90)) << "what the target holds so far is not ours";
  EXPECT_FALSE(decision.continues);
  f.reset = OffsetReset::latest;
  EXPECT_EQ(decide_resume(std::nullopt, std::nullopt, f).progress.source_offset, Offset(500));
  f.reset = OffsetReset::none;
  EXPECT_EQ(decide_resume(std::nullopt, std::nullopt, f).kind, Kind::stop);
}

TEST(Resume, TakesOverFromMirrorMakerBehindItsLastOffset) {
  const auto decision = decide_resume(std::nullopt, 199, facts());
  EXPECT_EQ(decision.progress.source_offset, Offset(200));
  EXPECT_EQ(decision.progress.producer.id, ProducerId(77));
  EXPECT_NE(decision.note.find("MirrorMaker 2"), std::string::npos);
}

TEST(Resume, ContinuesOwnRecordUnderItsProducerWhetherMm2sRecordWasWrittenYetOrNot) {
  for (const std::int64_t mm2 : {50, 99}) {
    const auto decision = decide_resume(stored(), mm2, facts());
    EXPECT_EQ(decision.kind, Kind::go);
    EXPECT_TRUE(decision.continues);
    EXPECT_EQ(decision.progress.source_offset, Offset(100));
    EXPECT_EQ(decision.progress.producer, (ProducerState{ProducerId(5), 1, 42}));
    EXPECT_TRUE(decision.note.empty());
  }
}

TEST(Resume, LetsAPositionThatSomebodyMovedWin) {
  auto decision = decide_resume(stored(), 299, facts());
  EXPECT_EQ(decision.progress.source_offset, Offset(300));
  EXPECT_EQ(decision.progress.producer.id, ProducerId(77))
      << "the old sequences do not describe these records";
  EXPECT_FALSE(decision.continues);
  decision = decide_resume(stored(), std::nullopt, facts());
  EXPECT_EQ(decision.progress.source_offset, Offset(10)) << "reset: the record was deleted";
}

TEST(Resume, StopsForAnotherSourceCluster) {
  auto f = facts();
  f.source_cluster_id = "S2";
  const auto decision = decide_resume(stored(), 99, f);
  ASSERT_EQ(decision.kind, Kind::stop);
  EXPECT_NE(decision.stop->detail.find("S2"), std::string::npos);
}

TEST(Resume, BeginsAnewForTopicsThatWereCreatedAnew) {
  auto f = facts();
  f.target_topic_id = id(9);
  auto decision = decide_resume(stored(), 99, f);
  EXPECT_EQ(decision.progress.source_offset, Offset(10));
  EXPECT_NE(decision.note.find("target topic was created anew"), std::string::npos);
  f = facts();
  f.source_topic_id = id(9);
  decision = decide_resume(stored(), 99, f);
  EXPECT_EQ(decision.progress.source_offset, Offset(10));
  EXPECT_NE(decision.note.find("source topic was created anew"), std::string::npos);
  f.source_topic_id = TopicId();
  EXPECT_TRUE(decide_resume(stored(), 99, f).continues) << "a broker without topic ids";
}

TEST(Resume, LooksAtTheTailAfterAnEndWithoutDraining) {
  auto f = facts();
  f.target_end = Offset(95);
  EXPECT_EQ(decide_resume(stored(), 99, f).kind, Kind::look_at_tail);
  auto drained = stored();
  drained.drained = true;
  EXPECT_EQ(decide_resume(drained, 99, f).kind, Kind::go) << "what follows was written by others";
}

TEST(Resume, LooksAtTheTailOfATargetThatHadNothingAcknowledgedYet) {
  auto position = stored();
  position.progress.target_offset = Offset();
  auto f = facts();
  f.target_end = Offset(3);
  EXPECT_EQ(decide_resume(position, 99, f).kind, Kind::look_at_tail);
  f.target_end = Offset(0);
  EXPECT_EQ(decide_resume(position, 99, f).kind, Kind::go);
}

TEST(Resume, StopsWhenTheTargetLostAcknowledgedRecords) {
  auto f = facts();
  f.target_end = Offset(89);
  const auto decision = decide_resume(stored(), 99, f);
  ASSERT_EQ(decision.kind, Kind::stop);
  EXPECT_EQ(decision.stop->reason, StopReason::state_mismatch);
}

TEST(Resume, ReportsWhatRetentionDeletedBeforeItWasReplicated) {
  auto f = facts();
  f.source_start = Offset(150);
  auto decision = decide_resume(stored(), 99, f);
  EXPECT_EQ(decision.kind, Kind::go);
  EXPECT_EQ(decision.progress.source_offset, Offset(150));
  EXPECT_NE(decision.note.find("100..149 (50)"), std::string::npos) << decision.note;
  f.reset = OffsetReset::none;
  EXPECT_EQ(decide_resume(stored(), 99, f).kind, Kind::stop);
}

TEST(Resume, StopsWhenTheSourceEndsBelowThePosition) {
  auto f = facts();
  f.source_end = Offset(99);
  const auto decision = decide_resume(stored(), 99, f);
  ASSERT_EQ(decision.kind, Kind::stop);
  EXPECT_EQ(decision.stop->reason, StopReason::source_offset_out_of_range);
}

TEST(Resume, RefusesToReadATailThatWasSelectedByOtherRules) {
  auto f = facts();
  f.selection = "read_committed";
  EXPECT_EQ(decide_resume(stored(), 99, f).kind, Kind::stop);
  auto drained = stored();
  drained.drained = true;
  const auto decision = decide_resume(drained, 99, f);
  EXPECT_EQ(decision.kind, Kind::go);
  EXPECT_FALSE(decision.note.empty());
}

}  // namespace
}  // namespace longhaul::replicator
