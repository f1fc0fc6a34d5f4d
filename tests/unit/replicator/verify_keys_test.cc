#include "replicator/verify_keys.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "tests/support/batches.h"

namespace longhaul::replicator {
namespace {

using testing::batch_builder;
using testing::TestRecord;
using Doubt = RecordComparer::Doubt;
using Need = RecordComparer::Need;

/// A record of a cleaned log: offset, key, value (a tombstone without), time.
struct Kept {
  std::int64_t offset;
  const char* key;
  std::optional<std::string> value = std::nullopt;
  std::int64_t time = 1000;
};

Slice log_of(std::initializer_list<Kept> records) {
  auto batch = batch_builder().base_offset(records.begin()->offset);
  for (const auto& kept : records) {
    batch.record({.key = kept.key,
                  .value = kept.value,
                  .timestamp = kept.time,
                  .offset_delta = static_cast<std::int32_t>(kept.offset - records.begin()->offset)});
  }
  return Slice::copy_of(batch.build());
}

/// A comparison of two logs, and what a driver would do.
struct Logs {
  explicit Logs(KeyVerifier::Options options = {}) : verifier(options) {}
  void add(VerifySide side, std::int64_t end, std::initializer_list<Kept> records) {
    auto& stream = verifier.stream(side);
    stream.extend(Offset(end));
    EXPECT_TRUE(stream.feed(log_of(records), {}).has_value());
    if (stream.wants_fetch()) stream.nothing_left();
  }
  void source(std::int64_t end, std::initializer_list<Kept> records) {
    add(VerifySide::source, end, records);
  }
  void target(std::int64_t end, std::initializer_list<Kept> records) {
    add(VerifySide::target, end, records);
  }
  /// Runs until only a later end can help; the source is not growing by itself.
  Need need() {
    for (;;) {
      const auto need = verifier.run(3);
      EXPECT_TRUE(need.has_value()) << need.error().message();
      if (!need) return Need::done;
      if (*need == Need::turn) continue;
      if (*need != Need::later_end || verifier.doubt() != Doubt::asked_only) return *need;
      EXPECT_EQ(verifier.lacking(), VerifySide::source);
      verifier.give_up();
    }
  }
  std::optional<Difference> outcome() {
    while (need() == Need::later_end) verifier.give_up();
    return verifier.difference();
  }

  KeyVerifier verifier;
};

TEST(VerifyKeys, LogsThatWereCleanedAtDifferentTimesAreTheSame) {
  Logs logs;
  logs.source(6, {{0, "a", "1"}, {3, "b", "2"}, {5, "a", "3"}});
  logs.target(9, {{4, "b", "2"}, {8, "a", "3"}});
  EXPECT_EQ(logs.outcome(), std::nullopt);
  EXPECT_EQ(logs.verifier.counts().keys, 2);
  EXPECT_EQ(logs.verifier.counts().source_records, 3);
  EXPECT_EQ(logs.verifier.counts().records, 2);
}

TEST(VerifyKeys, ATombstoneAndNothingAreTheSame) {
  Logs removed_on_target;
  removed_on_target.source(3, {{0, "a", "1"}, {1, "b"}, {2, "c", "3"}});
  removed_on_target.target(3, {{0, "a", "1"}, {2, "c", "3"}});
  EXPECT_EQ(removed_on_target.outcome(), std::nullopt);
  Logs removed_on_source;
  removed_on_source.source(3, {{0, "a", "1"}, {2, "c", "3"}});
  removed_on_source.target(3, {{0, "a", "1"}, {1, "b"}, {2, "c", "3"}});
  EXPECT_EQ(removed_on_source.outcome(), std::nullopt);
}

TEST(VerifyKeys, FindsAnotherLastRecordOfAKey) {
  struct Case {
    const char* what;
    Kept target;
  };
  for (const auto& [what, target] : {Case{"value", {1, "b", "x"}}, Case{"time", {1, "b", "2", 1001}},
                                     Case{"older one", {1, "b", "1"}}, Case{"deleted", {1, "b"}}}) {
    Logs logs;
    logs.source(6, {{0, "a", "1"}, {4, "b", "1"}, {5, "b", "2"}});
    logs.target(2, {{0, "a", "1"}, target});
    const auto difference = logs.outcome();
    ASSERT_TRUE(difference.has_value()) << what;
    EXPECT_EQ(difference->kind, Difference::Kind::latest_of_key) << what;
    EXPECT_EQ(difference->source_offset, Offset(5)) << what;
    EXPECT_EQ(difference->target_offset, Offset(1)) << what;
    EXPECT_EQ(difference->source_text, "'b' (1 bytes)") << what;
  }
}

TEST(VerifyKeys, FindsAKeyThatOneSideLacks) {
  Logs missing;
  missing.source(2, {{0, "a", "1"}, {1, "b", "2"}});
  missing.target(1, {{0, "a", "1"}});
  ASSERT_TRUE(missing.outcome().has_value());
  EXPECT_EQ(missing.outcome()->source_offset, Offset(1));
  EXPECT_EQ(missing.outcome()->target_offset, Offset());
  Logs surplus;
  surplus.source(1, {{0, "a", "1"}});
  surplus.target(2, {{0, "a", "1"}, {1, "b", "2"}});
  ASSERT_TRUE(surplus.outcome().has_value());
  EXPECT_EQ(surplus.outcome()->source_offset, Offset());
  EXPECT_EQ(surplus.outcome()->target_offset, Offset(1));
}

TEST(VerifyKeys, CountsKeysThatRetentionTook) {
  Logs logs({.source = {Offset(7), Offset(7)}});
  logs.source(8, {{7, "a", "1"}});
  logs.target(2, {{0, "b", "2"}, {1, "a", "1"}});
  EXPECT_EQ(logs.outcome(), std::nullopt);
  EXPECT_EQ(logs.verifier.counts().skipped_on_target, 1);
}

TEST(VerifyKeys, FindsKeysThatChangedPlaces) {
  Logs logs;
  logs.source(3, {{0, "a", "1"}, {1, "b", "2"}, {2, "c", "3"}});
  logs.target(3, {{0, "a", "1"}, {1, "c", "3"}, {2, "b", "2"}});
  const auto difference = logs.outcome();
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->kind, Difference::Kind::order_of_keys);
  EXPECT_EQ(difference->source_text, "'c' (1 bytes)");
  EXPECT_EQ(difference->target_text, "'b' (1 bytes)");
}

TEST(VerifyKeys, WaitsForWhatTheTargetIsStillToGet) {
  Logs logs;
  logs.source(3, {{0, "a", "1"}, {2, "b", "2"}});
  logs.target(1, {{0, "a", "1"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  EXPECT_EQ(logs.verifier.lacking(), VerifySide::target);
  EXPECT_EQ(logs.verifier.doubt(), Doubt::on_its_way);
  EXPECT_EQ(logs.verifier.waiting(), 1);
  logs.target(2, {{1, "b", "2"}});
  EXPECT_EQ(logs.outcome(), std::nullopt);
}

TEST(VerifyKeys, AKeyThatIsWrittenAllTheTimeAgreesOnceTheTargetPassedThere) {
  Logs logs;
  logs.source(1, {{0, "a", "1"}});
  logs.target(0, {{0, "x"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  // Whenever both are read, the source is one record ahead.
  logs.source(3, {{1, "a", "2"}, {2, "a", "3"}});
  logs.target(2, {{0, "a", "2"}});
  EXPECT_EQ(logs.need(), Need::done) << "the record of that moment was cleaned away, and a later one came";
  EXPECT_EQ(logs.verifier.difference(), std::nullopt);
}

TEST(VerifyKeys, FollowingSaysNothingOfWhatHasNotArrived) {
  Logs logs({.follow = true});
  logs.source(2, {{0, "a", "1"}, {1, "b", "2"}});
  logs.target(1, {{0, "a", "1"}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(logs.need(), Need::later_end);
    EXPECT_EQ(logs.verifier.doubt(), Doubt::on_its_way);
    EXPECT_EQ(logs.verifier.waiting(), 1);
  }
  logs.target(2, {{1, "b", "2"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  EXPECT_EQ(logs.verifier.waiting(), 0);
}

TEST(VerifyKeys, FollowingFindsWhatWasPassedOver) {
  Logs logs({.follow = true});
  logs.source(2, {{0, "a", "1"}, {1, "b", "2"}});
  logs.target(1, {{0, "a", "1"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  logs.source(3, {{2, "c", "3"}});
  logs.target(2, {{1, "c", "3"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  ASSERT_EQ(logs.verifier.doubt(), Doubt::overdue);
  logs.verifier.give_up();
  ASSERT_EQ(logs.need(), Need::done);
  EXPECT_EQ(logs.verifier.difference()->source_text, "'b' (1 bytes)");
}

TEST(VerifyKeys, FollowingGoesOnFromRoundToRound) {
  Logs logs({.follow = true});
  logs.source(1, {{0, "a", "1"}});
  logs.target(1, {{0, "a", "1"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  EXPECT_EQ(logs.verifier.waiting(), 0);
  logs.verifier.release();
  logs.source(2, {{1, "a", "2"}});
  logs.target(2, {{1, "a", "other"}});
  ASSERT_EQ(logs.need(), Need::later_end);
  EXPECT_EQ(logs.verifier.waiting(), 1);
}

TEST(VerifyKeys, KeysThatDoNotFitAreLeftForOtherPasses) {
  std::vector<KeySlice> slices = {{}};
  std::int64_t keys = 0;
  int passes = 0;
  while (!slices.empty()) {
    Logs logs({.slice = slices.back(), .memory_max = 5000});
    slices.pop_back();
    auto batch = batch_builder().records(100).build();
    for (const auto side : {VerifySide::source, VerifySide::target}) {
      logs.verifier.stream(side).extend(Offset(100));
      ASSERT_TRUE(logs.verifier.stream(side).feed(Slice::copy_of(batch), {}).has_value());
    }
    EXPECT_EQ(logs.outcome(), std::nullopt);
    keys += logs.verifier.counts().keys;
    for (const auto& slice : logs.verifier.left_over()) slices.push_back(slice);
    ASSERT_LT(++passes, 100);
  }
  EXPECT_EQ(keys, 100) << "each key in exactly one pass";
  EXPECT_GT(passes, 3);
}

TEST(VerifyKeys, TooManyKeysToFollowAreAnError) {
  Logs logs({.follow = true, .memory_max = 5000});
  logs.verifier.stream(VerifySide::source).extend(Offset(100));
  ASSERT_TRUE(logs.verifier.stream(VerifySide::source)
                  .feed(Slice::copy_of(batch_builder().records(100).build()), {})
                  .has_value());
  const auto need = logs.verifier.run(1000);
  ASSERT_FALSE(need.has_value());
  EXPECT_NE(need.error().message().find("too many to follow"), std::string::npos) << need.error().message();
}

TEST(VerifyKeys, RecordsWithoutKeyAreCountedOnly) {
  Logs logs;
  logs.verifier.stream(VerifySide::source).extend(Offset(1));
  ASSERT_TRUE(logs.verifier.stream(VerifySide::source)
                  .feed(Slice::copy_of(batch_builder().record({.value = "v"}).build()), {})
                  .has_value());
  EXPECT_EQ(logs.outcome(), std::nullopt);
  EXPECT_EQ(logs.verifier.counts().without_key, 1);
}

}  // namespace
}  // namespace longhaul::replicator
