#include "replicator/verify.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"

namespace longhaul::replicator {
namespace {

using codecs::Compression;
using testing::batch_builder;
using testing::joined;
using testing::TestBatch;
using Need = PartitionVerifier::Need;

struct Log {
  Bytes bytes;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Slice slice(const Bytes& bytes) {
  return Slice::copy_of(bytes);
}

/// A verifier over two logs that do not change, run until it wants something that only a driver can know.
struct Comparison {
  Comparison(const Log& source, const Log& target, PartitionVerifier::Options options = {})
      : verifier([&] {
          options.source = {Offset(source.begin), Offset(source.end)};
          options.target = {Offset(target.begin), Offset(target.end)};
          return options;
        }()) {
    add(VerifySide::source, source.bytes);
    add(VerifySide::target, target.bytes);
  }
  void add(VerifySide side, const Bytes& bytes) {
    if (bytes.empty()) {
      verifier.stream(side).nothing_left();
    } else {
      EXPECT_TRUE(verifier.stream(side).feed(slice(bytes), {}).has_value());
    }
  }
  Need need() {
    for (;;) {
      const auto need = verifier.run(3);
      if (!need) {
        error = need.error().message();
        return Need::done;
      }
      if (*need != Need::turn) return *need;
    }
  }
  /// As a driver does when no end ever moves.
  std::optional<Difference> outcome() {
    while (need() == Need::later_end) verifier.give_up();
    return verifier.difference();
  }

  PartitionVerifier verifier;
  std::string error;
};

Log ten(const TestBatch& builder = batch_builder()) {
  return {TestBatch(builder).records(10).build(), 0, 10};
}

Log with_record(testing::TestRecord record) {
  return {batch_builder().records(4).record(std::move(record)).records(2).build(), 0, 7};
}

TEST(Verify, FindsEqualRecordsWhateverTheCodecAndTheBatches) {
  const Log source = ten(batch_builder().codec(Compression::zstd));
  Comparison same(source, {joined({batch_builder().records(10).build()}), 0, 10});
  EXPECT_EQ(same.outcome(), std::nullopt);
  EXPECT_EQ(same.verifier.counts().records, 10);
}

TEST(Verify, ComparesAcrossHolesAndDifferentOffsets) {
  const Log source = {batch_builder()
                          .record({.key = "a", .offset_delta = 0})
                          .record({.key = "b", .offset_delta = 7})
                          .last_offset_delta(20)
                          .base_offset(100)
                          .build(),
                      0, 121};
  const Log target = {joined({batch_builder().record({.key = "a"}).build(),
                              batch_builder().control(protocol::ControlType::abort).base_offset(1).build(),
                              batch_builder().record({.key = "b"}).base_offset(2).build()}),
                      0, 3};
  Comparison run(source, target);
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 2);
}

TEST(Verify, NamesTheFirstFieldThatDiffersWithBothOffsets) {
  struct Case {
    RecordField field;
    testing::TestRecord source;
    testing::TestRecord target;
    std::string source_text;
    std::string target_text;
  };
  for (const auto& [field, source, target, source_text, target_text] : {
           Case{RecordField::key, {.key = "a"}, {.key = "b"}, "'a' (1 bytes)", "'b' (1 bytes)"},
           Case{RecordField::key, {.key = ""}, {}, "'' (0 bytes)", "null"},
           Case{RecordField::value, {.value = "x\n"}, {.value = "x"}, "'x\\x0a' (2 bytes)", "'x' (1 bytes)"},
           Case{RecordField::value, {}, {.value = ""}, "null", "'' (0 bytes)"},
           Case{RecordField::headers,
                {.headers = {{"h", "1"}}},
                {},
                "1 headers: 'h' (1 bytes)='1' (1 bytes)",
                "0 headers"},
           Case{RecordField::headers,
                {.headers = {{"h", "1"}, {"h", "2"}}},
                {.headers = {{"h", "2"}, {"h", "1"}}},
                "2 headers: 'h' (1 bytes)='1' (1 bytes), 'h' (1 bytes)='2' (1 bytes)",
                "2 headers: 'h' (1 bytes)='2' (1 bytes), 'h' (1 bytes)='1' (1 bytes)"},
           Case{RecordField::headers,
                {.headers = {{"h", std::nullopt}}},
                {.headers = {{"h", ""}}},
                "1 headers: 'h' (1 bytes)=null",
                "1 headers: 'h' (1 bytes)='' (0 bytes)"},
           Case{RecordField::timestamp, {.timestamp = 5}, {.timestamp = 6}, "5", "6"},
       }) {
    Comparison run(with_record(source), with_record(target));
    const auto difference = run.outcome();
    ASSERT_TRUE(difference.has_value()) << to_string(field);
    EXPECT_EQ(difference->kind, Difference::Kind::record);
    EXPECT_EQ(difference->field, field);
    EXPECT_EQ(difference->source_offset, Offset(4));
    EXPECT_EQ(difference->target_offset, Offset(4));
    EXPECT_EQ(difference->source_text, source_text);
    EXPECT_EQ(difference->target_text, target_text);
    EXPECT_EQ(run.verifier.counts().records, 4);
  }
}

TEST(Verify, SeesALostRecordAsADifferenceInPlace) {
  const Log source = {batch_builder().records(10).build(), 0, 10};
  const Log target = {joined({batch_builder().records(5).build(),
                              batch_builder().records(10).record({}).base_offset(5).build()}),
                      0, 16};
  Comparison run(source, target);
  const auto difference = run.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->source_offset, Offset(5));
  EXPECT_EQ(difference->target_offset, Offset(5));
}

TEST(Verify, SeesWhatTheTargetMisses) {
  Comparison run(ten(), {batch_builder().records(7).build(), 0, 7});
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.lacking(), VerifySide::target);
  const auto difference = run.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->kind, Difference::Kind::missing_on_target);
  EXPECT_EQ(difference->source_offset, Offset(7));
  EXPECT_EQ(difference->target_offset, Offset(7));
}

TEST(Verify, SeesWhatTheTargetHasTooMuch) {
  Comparison run({batch_builder().records(7).build(), 0, 7}, ten());
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.lacking(), VerifySide::source);
  const auto difference = run.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->kind, Difference::Kind::extra_on_target);
  EXPECT_EQ(difference->source_offset, Offset(7));
  EXPECT_EQ(difference->target_offset, Offset(7));
}

TEST(Verify, ComparesAnEmptySourceWithAnEmptyTarget) {
  Comparison run({{}, 0, 0}, {{}, 0, 0});
  EXPECT_EQ(run.outcome(), std::nullopt);
  Comparison only_source({batch_builder().records(1).build(), 0, 1}, {{}, 0, 0});
  EXPECT_EQ(only_source.outcome()->kind, Difference::Kind::missing_on_target);
  Comparison only_target({{}, 0, 0}, {batch_builder().records(1).build(), 0, 1});
  EXPECT_EQ(only_target.outcome()->kind, Difference::Kind::extra_on_target);
}

TEST(Verify, GoesOnWhenTheTargetHasGrown) {
  Comparison run(ten(), {batch_builder().records(7).build(), 0, 7});
  ASSERT_EQ(run.need(), Need::later_end);
  auto& target = run.verifier.stream(VerifySide::target);
  target.extend(Offset(20));
  ASSERT_EQ(run.need(), Need::more_records);
  EXPECT_EQ(target.fetch_offset(), Offset(7));
  // Records "key-7" to "key-9" with the numbers they have in the source, then one that came later.
  auto rest = batch_builder().base_offset(7);
  for (int i = 7; i < 12; ++i) {
    rest.record({.key = fmt::format("key-{}", i),
                 .value = fmt::format("value-{}", i),
                 .timestamp = 1'700'000'000'000 + i});
  }
  run.add(VerifySide::target, rest.build());
  // The source was compared to the end it had; what the target has beyond its own first end is not asked for.
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 10);
}

TEST(Verify, GoesOnWhenTheSourceHasGrown) {
  Comparison run({batch_builder().records(7).build(), 0, 7}, ten());
  ASSERT_EQ(run.need(), Need::later_end);
  run.verifier.stream(VerifySide::source).extend(Offset(12));
  ASSERT_EQ(run.need(), Need::more_records);
  auto rest = batch_builder().base_offset(7);
  for (int i = 7; i < 12; ++i) {
    rest.record({.key = fmt::format("key-{}", i),
                 .value = fmt::format("value-{}", i),
                 .timestamp = 1'700'000'000'000 + i});
  }
  run.add(VerifySide::source, rest.build());
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 10);
}

TEST(Verify, LeavesOutWhatTheSourceHasDeletedAtItsStart) {
  Comparison run({batch_builder().records(10).build(), 6, 10}, ten());
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 4);
  EXPECT_EQ(run.verifier.counts().skipped_on_target, 6);
}

TEST(Verify, LeavesOutWhatTheTargetHasDeletedAtItsStart) {
  Comparison run(ten(), {batch_builder().records(10).build(), 6, 10});
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 4);
  EXPECT_EQ(run.verifier.counts().skipped_on_source, 6);
}

TEST(Verify, ReadsTheOlderSideOnWhereBothHaveDeleted) {
  const auto log = batch_builder().records(10).build();
  Comparison source_later({log, 6, 10}, {log, 4, 10});
  EXPECT_EQ(source_later.outcome(), std::nullopt);
  EXPECT_EQ(source_later.verifier.counts().skipped_on_target, 2);
  Comparison target_later({log, 4, 10}, {log, 6, 10});
  EXPECT_EQ(target_later.outcome(), std::nullopt);
  EXPECT_EQ(target_later.verifier.counts().skipped_on_source, 2);
}

TEST(Verify, LeavesNothingOutWhereNothingWasDeleted) {
  const Log source = ten();
  const Log target = {joined({batch_builder().record({.key = "stranger"}).build(),
                              batch_builder().records(10).base_offset(1).build()}),
                      0, 11};
  Comparison run(source, target);
  ASSERT_TRUE(run.outcome().has_value());
  EXPECT_EQ(run.verifier.difference()->field, RecordField::key);
  EXPECT_EQ(run.verifier.counts().skipped_on_target, 0);
}

TEST(Verify, ReportsTheStartWhereTheLogsNeverMeet) {
  const Log source = {batch_builder().records(10).build(), 6, 10};
  const Log target = {batch_builder().record({.key = "x"}).record({.key = "y"}).build(), 0, 2};
  Comparison run(source, target);
  const auto difference = run.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->kind, Difference::Kind::record);
  EXPECT_EQ(difference->source_offset, Offset(6));
  EXPECT_EQ(difference->target_offset, Offset(0));
}

TEST(Verify, DoesNotSkipAgainOnceRecordsWereEqual) {
  const auto log = batch_builder().records(10).build();
  auto changed = batch_builder().records(8).record({.key = "other"}).records(1).build();
  Comparison run({log, 6, 10}, {changed, 0, 10});
  const auto difference = run.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->source_offset, Offset(8));
  EXPECT_EQ(difference->target_offset, Offset(8));
  EXPECT_EQ(run.verifier.counts().records, 2);
}

TEST(Verify, TakesTheAppendTimeOfTheSourceForItsTimestamp) {
  const Log source = {batch_builder().records(3).log_append_time(99).build(), 0, 3};
  auto copy = batch_builder();
  for (int i = 0; i < 3; ++i) {
    copy.record({.key = fmt::format("key-{}", i), .value = fmt::format("value-{}", i), .timestamp = 99});
  }
  Comparison run(source, {copy.build(), 0, 3});
  EXPECT_EQ(run.outcome(), std::nullopt);
}

TEST(Verify, DoesNotCompareAppendTimesOfTheTarget) {
  Comparison run(ten(), {batch_builder().records(10).log_append_time(99).build(), 0, 10});
  EXPECT_EQ(run.outcome(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().append_times, 10);
}

TEST(Verify, SaysOnWhichSideItCannotRead) {
  auto damaged = batch_builder().records(10).build();
  damaged.back() ^= std::byte{1};
  Comparison run(ten(), {damaged, 0, 10});
  EXPECT_EQ(run.need(), Need::done);
  EXPECT_EQ(run.error.rfind("target: batch at offset 0", 0), 0u) << run.error;
}

/// Records "0", "1", ... at the given times.
Bytes at_times(std::initializer_list<std::int64_t> times, std::int64_t base = 0) {
  auto batch = batch_builder().base_offset(base);
  int number = 0;
  for (const auto time : times) batch.record({.key = fmt::format("{}", number++), .timestamp = time});
  return batch.build();
}

TEST(VerifySample, BeginsAtTheFirstRecordThatIsLateEnoughOnBothSides) {
  // The source was found at an earlier offset: a marker there has a later time than the records behind it.
  const Log source = {at_times({10, 20, 5, 30, 25, 40}), 1, 5};
  const Log target = {at_times({10, 20, 5, 30, 25, 40}, 100), 103, 106};
  Comparison sample(source, target, {.from_timestamp = 28});
  EXPECT_EQ(sample.outcome(), std::nullopt);
  EXPECT_EQ(sample.error, "");
  EXPECT_EQ(sample.verifier.counts().records, 2) << "to the end of the source's range, not of the target's";
}

TEST(VerifySample, FindsADifferenceAndAMissingRecord) {
  const Log source = {at_times({10, 20, 30}), 0, 3};
  auto changed = at_times({10, 20, 31}, 7);
  Comparison differs(source, {changed, 7, 10}, {.from_timestamp = 15});
  ASSERT_TRUE(differs.outcome());
  EXPECT_EQ(differs.outcome()->field, RecordField::timestamp);
  Comparison lacks(source, {at_times({10, 20}, 7), 8, 9}, {.from_timestamp = 15});
  ASSERT_TRUE(lacks.outcome());
  EXPECT_EQ(lacks.outcome()->kind, Difference::Kind::missing_on_target);
  Comparison nothing(source, {{}, 7, 7}, {.from_timestamp = 15});
  ASSERT_TRUE(nothing.outcome());
  EXPECT_EQ(nothing.outcome()->kind, Difference::Kind::missing_on_target);
}

TEST(VerifySample, CannotBeTakenOfATargetWithTimesOfItsOwn) {
  const Log source = ten();
  Comparison sample(source, ten(batch_builder().log_append_time(5)), {.from_timestamp = 0});
  EXPECT_EQ(sample.outcome(), std::nullopt);
  EXPECT_NE(sample.error.find("append times"), std::string::npos) << sample.error;
}

TEST(Verify, ComparesTheProducersTimesWhereTheFlowCopiesThem) {
  const Log source = ten(batch_builder().log_append_time(1'800'000'000'000));
  EXPECT_TRUE(Comparison(source, ten()).outcome());
  Comparison passed(source, ten(), {.append_times = AppendTimes::passthrough});
  EXPECT_EQ(passed.outcome(), std::nullopt);
  EXPECT_EQ(passed.verifier.counts().records, 10);
}

Bytes numbered(int from, int to) {
  auto batch = batch_builder().base_offset(from);
  for (int i = from; i < to; ++i) batch.record({.key = fmt::format("{}", i)});
  return batch.build();
}

TEST(VerifyFollow, NeitherEndsNorMissesWhatIsStillToArrive) {
  Comparison run({numbered(0, 10), 0, 10}, {numbered(0, 7), 0, 7}, {.follow = true});
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(run.need(), Need::later_end);
    EXPECT_EQ(run.verifier.lacking(), VerifySide::target);
    EXPECT_EQ(run.verifier.doubt(), RecordComparer::Doubt::on_its_way);
  }
  run.verifier.release();
  EXPECT_EQ(run.verifier.stream(VerifySide::source).fetch_offset(), Offset(7)) << "read and not yet compared";
  run.add(VerifySide::source, numbered(0, 10));
  run.verifier.stream(VerifySide::target).extend(Offset(10));
  run.add(VerifySide::target, numbered(7, 10));
  ASSERT_EQ(run.need(), Need::later_end) << "both have come to their ends, and that is not the end";
  EXPECT_EQ(run.verifier.doubt(), RecordComparer::Doubt::on_its_way);
  EXPECT_EQ(run.verifier.counts().records, 10);
  EXPECT_EQ(run.verifier.stream(VerifySide::source).resume_offset(), Offset(10));
}

TEST(VerifyFollow, ReadsAgainWhatCameFromBehindTheEnd) {
  Comparison run({numbered(0, 4), 0, 2}, {joined({numbered(0, 2), numbered(2, 4)}), 0, 2}, {.follow = true});
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.counts().records, 2);
  run.verifier.release();
  for (const auto side : {VerifySide::source, VerifySide::target}) {
    EXPECT_EQ(run.verifier.stream(side).fetch_offset(), Offset(2));
    run.verifier.stream(side).extend(Offset(4));
    run.add(side, numbered(2, 4));
  }
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.counts().records, 4);
}

TEST(VerifyFollow, FindsTheGapOnceLaterRecordsArrive) {
  auto target = batch_builder();
  for (const int i : {0, 1, 3}) target.record({.key = fmt::format("{}", i)});
  Comparison run({numbered(0, 4), 0, 4}, {target.build(), 0, 3}, {.follow = true});
  ASSERT_EQ(run.need(), Need::done);
  ASSERT_TRUE(run.verifier.difference());
  EXPECT_EQ(run.verifier.difference()->source_offset, Offset(2));
  EXPECT_EQ(run.verifier.difference()->target_offset, Offset(2));
}

TEST(VerifyFollow, ARecordTooMuchIsOverdueOnTheSource) {
  Comparison run({numbered(0, 2), 0, 2}, {numbered(0, 3), 0, 3}, {.follow = true});
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.lacking(), VerifySide::source);
  EXPECT_EQ(run.verifier.doubt(), RecordComparer::Doubt::overdue);
  run.verifier.give_up();
  ASSERT_EQ(run.need(), Need::done);
  EXPECT_EQ(run.verifier.difference()->kind, Difference::Kind::extra_on_target);
}

TEST(Verify, GoesOnWhereALogBeginsThatLostItsStartMeanwhile) {
  Comparison run({numbered(0, 3), 0, 3}, {numbered(0, 3), 0, 3}, {.follow = true});
  ASSERT_EQ(run.need(), Need::later_end);
  run.verifier.stream(VerifySide::source).extend(Offset(10));
  run.verifier.stream(VerifySide::target).extend(Offset(10));
  run.verifier.lost_start(VerifySide::source, Offset(6));
  EXPECT_EQ(run.verifier.stream(VerifySide::source).fetch_offset(), Offset(6));
  run.add(VerifySide::source, numbered(6, 10));
  run.add(VerifySide::target, numbered(3, 10));
  ASSERT_EQ(run.need(), Need::later_end);
  EXPECT_EQ(run.verifier.difference(), std::nullopt);
  EXPECT_EQ(run.verifier.counts().records, 7);
  EXPECT_EQ(run.verifier.counts().skipped_on_target, 3);
}

}  // namespace
}  // namespace longhaul::replicator
