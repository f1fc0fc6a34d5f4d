#include "replicator/reencode.h"

#include <gtest/gtest.h>

#include <array>

#include "codecs/crc32c.h"
#include "replicator/passthrough.h"
#include "tests/support/batches.h"
#include "tests/support/legacy.h"

namespace longhaul::replicator {
namespace {

using codecs::Compression;
using longhaul::testing::batch_builder;
using longhaul::testing::joined;
using longhaul::testing::legacy_message;
using longhaul::testing::legacy_wrapper;
using longhaul::testing::TestMessage;
using protocol::RecordBatchView;

constexpr std::int64_t kTime = 1'700'000'000'000;
constexpr std::array kCodecs = {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4,
                                Compression::zstd};

PassPlan plan(const Bytes& set, std::int64_t position = 0, const PassLimits& limits = {}) {
  return plan_passthrough({.records = Slice::copy_of(set),
                           .high_watermark = Offset(1'000'000),
                           .last_stable_offset = Offset(1'000'000)},
                          Offset(position), LeaderEpoch(), limits);
}

std::string shown(const protocol::NullableBytes& bytes) {
  if (!bytes) return "null";
  return bytes->size() > 20 ? fmt::format("{}B", bytes->size()) : fmt::format("'{}'", as_text(*bytes));
}

/// Every record of the batches with the source offset it stands for: "3@+5 'key'='value' h=null; ...", times
/// from kTime on, a bar between batches.
std::string described(const std::vector<PlannedBatch>& batches) {
  std::string text;
  for (const auto& batch : batches) {
    if (!text.empty()) text += "| ";
    const auto view = RecordBatchView::parse(batch.bytes.bytes());
    EXPECT_TRUE(view && view->is_dense() && view->records_count() == batch.records);
    std::vector<Offset> sources;
    for_each_run(batch, Offset(0), [&](const OffsetRun& run) {
      EXPECT_EQ(run.target.value(), static_cast<std::int64_t>(sources.size()));
      for (std::int64_t i = 0; i < run.records; ++i) sources.push_back(run.source + i);
    });
    EXPECT_EQ(sources.size(), static_cast<std::size_t>(batch.records));
    EXPECT_GE(sources.front(), batch.base);
    EXPECT_LT(sources.back(), batch.next);
    EntryReader reader(1 << 20);
    EXPECT_TRUE(reader.open(*view).has_value()) << "a right checksum";
    for (const auto& source : sources) {
      const auto record = reader.next();
      if (!record || !*record) return text + "unreadable";
      text += fmt::format("{}@{:+} {}={}", source, (*record)->timestamp - kTime, shown((*record)->key),
                          shown((*record)->value));
      for (const auto& header : (*record)->headers) {
        text += fmt::format(" {}={}", as_text(header.key), shown(header.value));
      }
      text += "; ";
    }
    const auto end = reader.next();
    EXPECT_TRUE(end && !*end);
  }
  return text;
}

TEST(Reencode, ClosesTheHolesOfACompactedBatchInItsOwnCodec) {
  for (const auto codec : kCodecs) {
    const auto result =
        plan(batch_builder()
                 .record({.key = "a", .value = "1", .timestamp = kTime + 9, .offset_delta = 2})
                 .record({.key = "b",
                          .timestamp = kTime,
                          .headers = {{"n", std::nullopt}, {"n", ""}, {"", "x"}},
                          .offset_delta = 3})
                 .record({.key = "", .value = "", .timestamp = -1, .offset_delta = 7})
                 .record({.value = "null key", .timestamp = 0, .offset_delta = 8})
                 .codec(codec)
                 .base_offset(100)
                 .leader_epoch(4)
                 .producer(77, 3, 12)
                 .transactional()
                 .attribute_bits(protocol::batch_layout::kDeleteHorizonBit)
                 .last_offset_delta(12)
                 .build());
    ASSERT_EQ(result.batches.size(), 1U);
    const auto& batch = result.batches[0];
    EXPECT_EQ(described(result.batches),
              "102@+9 'a'='1'; 103@+0 'b'=null n=null n='' ='x'; 107@-1700000000001 ''=''; "
              "108@-1700000000000 null='null key'; ");
    EXPECT_TRUE(batch.reencoded);
    EXPECT_EQ(batch.base, Offset(100));
    EXPECT_EQ(batch.next, Offset(113));
    EXPECT_EQ(batch.leader_epoch, LeaderEpoch(4));
    EXPECT_EQ(batch.max_timestamp, kTime + 9);
    EXPECT_EQ(batch.runs, (std::vector<OffsetBreak>{{0, Offset(102)}, {2, Offset(107)}}));
    const auto view = RecordBatchView::parse(batch.bytes.bytes());
    EXPECT_EQ(view->attributes(), static_cast<std::int16_t>(codec));
    EXPECT_EQ(view->producer_id(), ProducerId(-1));
    EXPECT_EQ(result.next_position, Offset(113));
    EXPECT_EQ(result.leader_epoch, LeaderEpoch(4));
  }
}

TEST(Reencode, TakesTheRestOfABatchFromThePositionOn) {
  const auto result = plan(batch_builder().records(5).codec(Compression::lz4).base_offset(10).build(), 13);
  EXPECT_EQ(described(result.batches), "13@+3 'key-3'='value-3'; 14@+4 'key-4'='value-4'; ");
  EXPECT_EQ(result.batches.at(0).base, Offset(13));
  EXPECT_TRUE(result.batches.at(0).runs.empty());
  EXPECT_EQ(result.next_position, Offset(15));
}

TEST(Reencode, MovesOverTheEndOfABatchThatHasNoRecordsLeft) {
  const auto result = plan(batch_builder().records(2).last_offset_delta(9).build(), 5);
  EXPECT_TRUE(result.batches.empty());
  EXPECT_EQ(result.next_position, Offset(10));
}

TEST(Reencode, GivesEveryRecordTheTimeOfAppending) {
  const auto source =
      batch_builder().records(3).log_append_time(kTime + 500).codec(Compression::zstd).build();
  const auto kept = plan(source);
  EXPECT_EQ(described(kept.batches),
            "0@+500 'key-0'='value-0'; 1@+500 'key-1'='value-1'; 2@+500 'key-2'='value-2'; ");
  EXPECT_EQ(kept.batches.at(0).max_timestamp, kTime + 500);
  const auto passed = plan(source, 0, {.append_times = AppendTimes::passthrough});
  EXPECT_FALSE(passed.batches.at(0).reencoded);
  const auto cut = plan(source, 1, {.append_times = AppendTimes::passthrough});
  EXPECT_EQ(described(cut.batches), "1@+1 'key-1'='value-1'; 2@+2 'key-2'='value-2'; ")
      << "written anew for another reason, it has the producer's times";
}

TEST(Reencode, SplitsABatchThatIsTooLargeForTheTarget) {
  for (const auto codec : {Compression::none, Compression::snappy}) {
    auto source = batch_builder().codec(codec).base_offset(20);
    std::string text;
    for (int i = 0; i < 9; ++i) {
      std::string value;
      for (int j = 0; j < 40; ++j) value += fmt::format("{}", (i * 7919 + j * 104729) % 9973);
      source.record({.key = fmt::format("{}", i), .value = value, .timestamp = kTime + i});
      text += fmt::format("{}@+{} '{}'={}B; ", 20 + i, i, i, value.size());
    }
    const auto whole = source.build();
    const auto limit = static_cast<std::int64_t>(whole.size() / 2);
    const auto result = plan(whole, 0, {.max_batch_bytes = limit});
    EXPECT_FALSE(result.stop);
    EXPECT_GT(result.batches.size(), 1U);
    auto expected = Offset(20);
    for (const auto& batch : result.batches) {
      EXPECT_LE(static_cast<std::int64_t>(batch.bytes.size()), limit);
      EXPECT_EQ(batch.base, expected);
      EXPECT_TRUE(batch.runs.empty());
      expected = batch.next;
    }
    EXPECT_EQ(expected, Offset(29));
    auto without_bars = described(result.batches);
    while (without_bars.contains("| ")) without_bars.erase(without_bars.find("| "), 2);
    EXPECT_EQ(without_bars, text);
    EXPECT_FALSE(
        plan(whole, 0, {.max_batch_bytes = static_cast<std::int64_t>(whole.size())}).batches.at(0).reencoded);
    // Whoever goes on inside the batch meets the same records.
    const auto rest = plan(whole, result.batches[1].base.value(), {.max_batch_bytes = limit});
    EXPECT_EQ(described(rest.batches).substr(0, 8), described({result.batches[1]}).substr(0, 8));
  }
}

TEST(Reencode, StopsAtARecordThatIsTooLargeAloneAndKeepsThoseBeforeIt) {
  const auto source = batch_builder()
                          .records(2)
                          .record({.value = std::string(5000, 'x'), .timestamp = kTime, .offset_delta = 5})
                          .record({.value = "behind", .timestamp = kTime})
                          .build();
  const auto result = plan(source, 0, {.max_batch_bytes = 4000});
  EXPECT_EQ(described(result.batches), "0@+0 'key-0'='value-0'; 1@+1 'key-1'='value-1'; ");
  ASSERT_TRUE(result.stop);
  EXPECT_EQ(result.stop->reason, StopReason::batch_too_large);
  EXPECT_EQ(result.stop->source_offset, Offset(5));
  EXPECT_EQ(result.next_position, Offset(5));
  EXPECT_TRUE(result.stop->detail.contains("max.message.bytes is 4000")) << result.stop->detail;
}

TEST(Reencode, ABatchOfVeryManyRecordsBecomesSeveral) {
  constexpr int kRecords = (1 << 18) + 2;
  auto builder = batch_builder();
  for (int i = 0; i < kRecords; ++i) builder.record({.timestamp = kTime});
  const auto result = plan(builder.last_offset_delta(kRecords + 4).build());
  ASSERT_EQ(result.batches.size(), 2U);
  EXPECT_EQ(result.batches[0].records, 1 << 18);
  EXPECT_EQ(result.batches[1].records, 2);
  EXPECT_EQ(result.batches[0].next, Offset(1 << 18));
  EXPECT_EQ(result.batches[1].base, Offset(1 << 18));
  EXPECT_EQ(result.batches[1].next, Offset(kRecords + 5));
  EXPECT_EQ(result.next_position, Offset(kRecords + 5));
}

TEST(Reencode, LaundersNoDamage) {
  const auto whole = batch_builder().records(3).last_offset_delta(6).codec(Compression::none).build();
  for (std::size_t at = protocol::batch_layout::kAttributesAt; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = whole;
      damaged[at] ^= static_cast<std::byte>(1 << bit);
      const auto result = plan(damaged);
      for (const auto& batch : result.batches) EXPECT_FALSE(batch.reencoded) << at << ' ' << bit;
      EXPECT_TRUE(!result.batches.empty() || result.anomaly || result.damaged) << at << ' ' << bit;
    }
  }
  const auto good = batch_builder().records(1).build();
  auto damaged = batch_builder().records(3).last_offset_delta(6).base_offset(1).build();
  damaged.back() ^= std::byte{1};
  const auto result = plan(joined({good, damaged, batch_builder().records(1).base_offset(5).build()}));
  EXPECT_EQ(result.batches.size(), 1U);
  ASSERT_TRUE(result.damaged);
  EXPECT_EQ(result.next_position, Offset(1));
  EXPECT_EQ(result.damaged->next, Offset(5))
      << "the next batch says where the damaged one ends at the latest";
}

TEST(Reencode, StopsAtABatchWhoseChecksumIsRightButWhoseRecordsAreNone) {
  const std::string nonsense(40, 'x');
  auto batch = batch_builder().records(3).last_offset_delta(6).build();
  std::ranges::copy(as_bytes(nonsense), batch.begin() + 61);
  store_be(batch, protocol::batch_layout::kCrcAt, codecs::crc32c::value(ConstBytes(batch).subspan(21)));
  const auto result = plan(batch);
  ASSERT_TRUE(result.stop);
  EXPECT_EQ(result.stop->reason, StopReason::malformed_batch);
}

TEST(Reencode, StopsAtABatchThatUnpacksToTooMuch) {
  const auto bomb = batch_builder()
                        .record({.value = std::string(1 << 20, 'x')})
                        .last_offset_delta(3)
                        .codec(Compression::zstd)
                        .build();
  const auto result = plan(bomb, 0, {.unpacked_max = 100'000});
  ASSERT_TRUE(result.stop);
  EXPECT_EQ(result.stop->reason, StopReason::malformed_batch);
}

TEST(Reencode, IsTheSameEachTime) {
  const auto source = batch_builder().records(50).last_offset_delta(99).codec(Compression::gzip).build();
  const auto first = plan(source, 3, {.max_batch_bytes = 300});
  const auto second = plan(source, 3, {.max_batch_bytes = 300});
  ASSERT_EQ(first.batches.size(), second.batches.size());
  for (std::size_t i = 0; i < first.batches.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(first.batches[i].bytes.bytes(), second.batches[i].bytes.bytes()));
  }
}

TEST(Reencode, CountsWhatItKeepsInTheBudget) {
  SlabPool pool(std::size_t{1} << 20U);
  {
    const auto result = plan(batch_builder().records(2).last_offset_delta(5).build(), 0, {.pool = &pool});
    EXPECT_EQ(result.batches.size(), 1U);
    EXPECT_GT(pool.used(), 0U);
  }
  EXPECT_EQ(pool.used(), 0U);
}

TEST(Reencode, EndsAPlanThatUnpacksALotAndIsFetchedAgainForTheRest) {
  Bytes set;
  for (int i = 0; i < 12; ++i) {
    const auto one = batch_builder()
                         .record({.value = std::string(1 << 20, 'x')})
                         .last_offset_delta(1)
                         .base_offset(2 * i)
                         .codec(Compression::zstd)
                         .build();
    set.insert(set.end(), one.begin(), one.end());
  }
  const auto result = plan(set);
  EXPECT_EQ(result.batches.size(), 8U);
  EXPECT_EQ(result.next_position, Offset(16));
  EXPECT_EQ(plan(set, 16).batches.size(), 4U);
  EXPECT_EQ(plan(set, 16).next_position, Offset(24));
}

TEST(ReencodeOldFormats, PutsMessagesOfBothMagicsTogether) {
  const auto result =
      plan(joined({legacy_message({.magic = 0, .offset = 3, .key = std::nullopt, .value = "zero"}),
                   legacy_message({.magic = 1, .offset = 4, .key = "", .timestamp = kTime + 1}),
                   legacy_message({.magic = 1, .offset = 9, .value = std::nullopt, .timestamp = -1}),
                   batch_builder().records(1).base_offset(10).leader_epoch(2).build(),
                   legacy_message({.magic = 1, .offset = 11, .value = "last"})}));
  EXPECT_EQ(described(result.batches),
            "3@-1700000000001 null='zero'; 4@+1 ''='value'; 9@-1700000000001 'key'=null; | "
            "10@+0 'key-0'='value-0'; | 11@+0 'key'='last'; ");
  EXPECT_EQ(result.batches.at(0).runs, (std::vector<OffsetBreak>{{0, Offset(3)}, {2, Offset(9)}}));
  EXPECT_EQ(result.batches.at(0).next, Offset(10));
  EXPECT_FALSE(result.batches.at(1).reencoded);
  EXPECT_EQ(result.next_position, Offset(12));
  EXPECT_EQ(result.leader_epoch, LeaderEpoch(2));
}

TEST(ReencodeOldFormats, UnpacksWrappersWithAbsoluteOffsetsInMagic0) {
  for (const auto codec : {Compression::gzip, Compression::snappy, Compression::lz4}) {
    const auto set = legacy_wrapper({.magic = 0, .offset = 12}, codec,
                                    {{.magic = 0, .offset = 7, .value = "a"},
                                     {.magic = 0, .offset = 9, .value = "b"},
                                     {.magic = 0, .offset = 12, .value = "c"}});
    const auto result = plan(set, 8);
    EXPECT_EQ(described(result.batches), "9@-1700000000001 'key'='b'; 12@-1700000000001 'key'='c'; ");
    EXPECT_EQ(RecordBatchView::parse(result.batches.at(0).bytes.bytes())->compression(), codec);
    EXPECT_EQ(result.batches[0].base, Offset(9));
    EXPECT_EQ(result.next_position, Offset(13));
  }
}

TEST(ReencodeOldFormats, UnpacksWrappersWithRelativeAndWithAbsoluteOffsetsInMagic1) {
  const std::vector<std::vector<TestMessage>> sets = {
      {{.offset = 0, .value = "a"}, {.offset = 1, .value = "b"}, {.offset = 4, .value = "c"}},
      {{.offset = 8, .value = "a"}, {.offset = 9, .value = "b"}, {.offset = 12, .value = "c"}}};
  for (const auto& inner : sets) {
    const auto result = plan(legacy_wrapper({.magic = 1, .offset = 12}, Compression::gzip, inner));
    EXPECT_EQ(described(result.batches), "8@+0 'key'='a'; 9@+0 'key'='b'; 12@+0 'key'='c'; ");
  }
}

TEST(ReencodeOldFormats, TakesTheTimeOfAppendingFromTheWrapper) {
  constexpr std::int8_t kLogAppendTime = 0x08;
  const auto set = joined(
      {legacy_wrapper({.magic = 1, .offset = 1, .timestamp = kTime + 70, .attributes = kLogAppendTime},
                      Compression::gzip, {{.offset = 0}, {.offset = 1, .timestamp = kTime + 1}}),
       legacy_message({.magic = 1, .offset = 2, .timestamp = kTime + 80, .attributes = kLogAppendTime})});
  EXPECT_EQ(described(plan(set).batches),
            "0@+70 'key'='value'; 1@+70 'key'='value'; | 2@+80 'key'='value'; ");
  EXPECT_EQ(described(plan(set, 0, {.append_times = AppendTimes::passthrough}).batches),
            "0@+0 'key'='value'; 1@+1 'key'='value'; | 2@+80 'key'='value'; ")
      << "a message alone has no other time";
}

TEST(ReencodeOldFormats, FindsDamageInsideAndOutside) {
  auto outside = legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {{.offset = 0}});
  outside.back() ^= std::byte{1};
  auto inner = legacy_message({.offset = 0});
  inner.back() ^= std::byte{1};
  const auto packed = *codecs::compress(Compression::gzip, inner);
  const auto inside = legacy_message(
      {.offset = 5, .value = std::string(as_text(packed)), .attributes = static_cast<std::int8_t>(1)});
  for (const auto& damaged : {outside, inside}) {
    const auto result = plan(joined({legacy_message({.offset = 4}), damaged}));
    EXPECT_EQ(described(result.batches), "4@+0 'key'='value'; ");
    ASSERT_TRUE(result.damaged);
    EXPECT_EQ(result.damaged->next, Offset(6));
    EXPECT_EQ(result.next_position, Offset(5));
  }
}

TEST(ReencodeOldFormats, RefusesWrappersThatContradictThemselves) {
  const std::vector<Bytes> sets = {
      legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {}),
      legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {{.offset = 1}, {.offset = 1}}),
      legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {{.offset = 9}}),
      legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {{.magic = 0, .offset = 0}}),
      legacy_wrapper({.magic = 1, .offset = 5}, Compression::gzip, {{.offset = 0, .attributes = 2}}),
      legacy_message({.offset = 5, .value = std::nullopt, .attributes = 1}),
      legacy_message({.offset = 5, .attributes = 7})};
  for (const auto& set : sets) {
    const auto result = plan(set);
    ASSERT_TRUE(result.stop);
    EXPECT_EQ(result.stop->reason, StopReason::malformed_batch);
    EXPECT_TRUE(result.batches.empty());
  }
}

TEST(ReencodeOldFormats, UsesNothingOfASetWhoseOffsetsFall) {
  EXPECT_TRUE(plan(joined({legacy_message({.offset = 5}), legacy_message({.offset = 5})})).anomaly);
  EXPECT_TRUE(plan(joined({legacy_message({.offset = 5}),
                           legacy_wrapper({.magic = 0, .offset = 9}, Compression::gzip,
                                          {{.magic = 0, .offset = 5}, {.magic = 0, .offset = 9}})}))
                  .anomaly);
  EXPECT_TRUE(plan(legacy_message({.offset = 2'000'000})).anomaly) << "beyond the high watermark";
}

TEST(ReencodeOldFormats, CutsGroupsToWhatTheTargetTakes) {
  Bytes set;
  for (int i = 0; i < 20; ++i) {
    const auto one = legacy_message({.offset = i, .value = std::string(100, 'v')});
    set.insert(set.end(), one.begin(), one.end());
  }
  const auto result = plan(set, 0, {.max_batch_bytes = 700});
  EXPECT_GT(result.batches.size(), 3U);
  for (const auto& batch : result.batches) EXPECT_LE(batch.bytes.size(), 700U);
  EXPECT_EQ(result.batches.back().next, Offset(20));
  const auto too_large = plan(
      joined({legacy_message({.offset = 0}), legacy_message({.offset = 1, .value = std::string(900, 'v')})}),
      0, {.max_batch_bytes = 700});
  EXPECT_EQ(described(too_large.batches), "0@+0 'key'='value'; ");
  ASSERT_TRUE(too_large.stop);
  EXPECT_EQ(too_large.stop->source_offset, Offset(1));
  EXPECT_EQ(too_large.next_position, Offset(1));
}

}  // namespace
}  // namespace longhaul::replicator
