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

TEST(Resume, ContinuesOwnRecordWhetherMm2sRecordWasWrittenYetOrNot) {
  for (const std::int64_t mm2 : {50, 99}) {
    const auto decision = decide_resume(stored(), mm2, facts());
    EXPECT_EQ(decision.kind, Kind::look_at_tail);
    EXPECT_TRUE(decision.continues);
    EXPECT_EQ(decision.progress, stored().progress);
    EXPECT_TRUE(decision.note.empty());
  }
}

TEST(Resume, ChangesTheProducerOnlyWhereTheFormerOneCanWriteNoMore) {
  struct Row {
    bool fenced, drained, keeps;
    ProducerState fresh;
    const char* what;
  };
  const std::vector<Row> rows = {
      {true, false, false, {ProducerId(5), 2, 0}, "the next epoch of the same id: fenced by our marker"},
      {true, false, true, {ProducerId(77), 0, 0}, "another id: its marker holds nobody back"},
      {true, false, true, {ProducerId(5), 1, 0}, "no later epoch"},
      {true, true, false, {ProducerId(77), 0, 0}, "another id, but the former one had drained"},
      {false, false, true, {ProducerId(77), 0, 0}, "not fenced"},
      {false, true, true, {ProducerId(77), 0, 0}, "not fenced: sequences go on"},
  };
  for (const auto& row : rows) {
    auto f = facts();
    f.fresh_producer = row.fresh;
    if (row.fenced) f.guard = ProducerEpoch{row.fresh.id, row.fresh.epoch};
    auto position = stored();
    position.drained = row.drained;
    EXPECT_EQ(decide_resume(position, 99, f).keeps_producer, row.keeps) << row.what;
  }
}

TEST(Resume, InTransactionsTheGuardDecidesWhoIsFenced) {
  auto f = facts();
  f.fresh_producer = {ProducerId(900), 4, 0};
  f.guard = ProducerEpoch{ProducerId(5), 2};
  EXPECT_FALSE(decide_resume(stored(), 99, f).keeps_producer) << "our marker fenced who wrote last";
  f.guard = ProducerEpoch{ProducerId(77), 2};
  EXPECT_TRUE(decide_resume(stored(), 99, f).keeps_producer) << "it fenced somebody else";
  auto transactional = stored();
  transactional.transactional = true;
  EXPECT_FALSE(decide_resume(transactional, 99, f).keeps_producer)
      << "behind it nothing was written outside of transactions";
}

TEST(Resume, LooksAtNothingWhereBatchesCarryNoProducer) {
  auto f = facts();
  f.fresh_producer = {};
  auto decision = decide_resume(stored(), 99, f);
  EXPECT_EQ(decision.kind, Kind::go);
  EXPECT_EQ(decision.progress.producer, ProducerState());
  auto without = stored();
  without.producers.clear();
  without.progress.producer = {};
  decision = decide_resume(without, 99, facts());
  EXPECT_EQ(decision.kind, Kind::go) << "what the predecessor appended cannot be told from others'";
  EXPECT_EQ(decision.progress.producer, facts().fresh_producer);
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

TEST(Resume, TakesMm2sRecordForMovedOnlyWhereSomebodyElseWroteIt) {
  auto f = facts();
  f.mm2_is_ours = true;
  const auto decision = decide_resume(stored(), 5'000, f);
  EXPECT_TRUE(decision.continues);
  EXPECT_EQ(decision.progress.source_offset, Offset(100));
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

TEST(Resume, FencesNobodyForARecordThatItMustNotUse) {
  auto f = facts();
  EXPECT_FALSE(why_not_take_over(stored(), 99, f));
  EXPECT_FALSE(why_not_take_over(std::nullopt, std::nullopt, f));
  f.selection = "read_committed";
  EXPECT_TRUE(why_not_take_over(stored(), 99, f));
  EXPECT_FALSE(why_not_take_over(stored(), 299, f)) << "the position was moved: the record does not count";
  f = facts();
  f.source_cluster_id = "another";
  EXPECT_TRUE(why_not_take_over(stored(), 99, f));
}

TEST(Resume, ReportsWhatRetentionDeletedBeforeItWasReplicated) {
  auto f = facts();
  f.source_start = Offset(150);
  auto decision = within_source(decide_resume(stored(), 99, f), f);
  EXPECT_EQ(decision.progress.source_offset, Offset(150));
  EXPECT_NE(decision.note.find("100..149 (50)"), std::string::npos) << decision.note;
  EXPECT_EQ(decision.lost, 50);
  f.reset = OffsetReset::none;
  EXPECT_EQ(within_source(decide_resume(stored(), 99, f), f).kind, Kind::stop);
}

TEST(Resume, StopsWhenTheSourceEndsBelowThePosition) {
  auto f = facts();
  f.source_end = Offset(99);
  const auto decision = within_source(decide_resume(stored(), 99, f), f);
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
  EXPECT_NE(decision.kind, Kind::stop);
  EXPECT_FALSE(decision.note.empty());
}

}  // namespace
}  // namespace longhaul::replicator
