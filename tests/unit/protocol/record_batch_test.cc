#include "protocol/record_batch.h"

#include <gtest/gtest.h>

#include <limits>

#include "codecs/crc32c.h"
#include "tests/support/batches.h"

namespace longhaul::protocol {
namespace {

using codecs::Compression;
using testing::batch_builder;
using testing::joined;
using testing::overwrite;
using namespace batch_layout;

std::uint32_t computed_crc(ConstBytes batch) {
  return codecs::crc32c::value(batch.subspan(kChecksummedFrom));
}
std::uint32_t stored_crc(ConstBytes batch) {
  return load_be<std::uint32_t>(batch, kCrcAt);
}

ErrorCode parse_error(ConstBytes bytes) {
  const auto batch = RecordBatchView::parse(bytes);
  return batch ? ErrorCode{} : batch.error().code;
}

const RecordBatchView* as_batch(const std::optional<RecordSetEntry>& entry) {
  return entry ? std::get_if<RecordBatchView>(&*entry) : nullptr;
}
const LegacyEntry* as_legacy(const std::optional<RecordSetEntry>& entry) {
  return entry ? std::get_if<LegacyEntry>(&*entry) : nullptr;
}
const MalformedEntry* as_malformed(const std::optional<RecordSetEntry>& entry) {
  return entry ? std::get_if<MalformedEntry>(&*entry) : nullptr;
}

/// A message of magic 0 or 1 with neither key nor value.
Bytes legacy_entry(std::int8_t magic, std::int64_t offset) {
  const std::size_t body = magic == 0 ? 14 : 22;
  Bytes entry(kLengthEndsAt + body, std::byte{0xFF});
  store_be(entry, kBaseOffsetAt, offset);
  store_be(entry, kLengthAt, static_cast<std::int32_t>(body));
  store_be(entry, kMagicAt, magic);
  return entry;
}

TEST(RecordBatchView, ReadsEveryHeaderField) {
  const auto wire = batch_builder()
                        .records(3)
                        .base_offset(1000)
                        .leader_epoch(7)
                        .producer(4711, 3, 77)
                        .codec(Compression::zstd)
                        .transactional()
                        .build();
  const auto batch = RecordBatchView::parse(wire);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->base_offset(), Offset(1000));
  EXPECT_EQ(batch->last_offset(), Offset(1002));
  EXPECT_EQ(batch->next_offset(), Offset(1003));
  EXPECT_EQ(batch->last_offset_delta(), 2);
  EXPECT_EQ(batch->records_count(), 3);
  EXPECT_EQ(batch->leader_epoch(), LeaderEpoch(7));
  EXPECT_EQ(batch->producer_id(), ProducerId(4711));
  EXPECT_EQ(batch->producer_epoch(), 3);
  EXPECT_EQ(batch->base_sequence(), 77);
  EXPECT_EQ(batch->compression(), Compression::zstd);
  EXPECT_EQ(batch->base_timestamp(), 1'700'000'000'000);
  EXPECT_EQ(batch->max_timestamp(), 1'700'000'000'002);
  EXPECT_TRUE(batch->is_transactional());
  EXPECT_FALSE(batch->is_control());
  EXPECT_FALSE(batch->is_log_append_time());
  EXPECT_FALSE(batch->has_delete_horizon());
  EXPECT_TRUE(batch->is_dense());
  EXPECT_TRUE(batch->has_valid_crc());
  EXPECT_EQ(batch->size(), wire.size());
  EXPECT_EQ(batch->payload().size(), wire.size() - kHeaderSize);
}

TEST(RecordBatchView, LeavesWhatFollowsTheBatchAlone) {
  const auto first = batch_builder().records(3).build();
  const auto batch = RecordBatchView::parse(joined({first, batch_builder().records(1).build()}));
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->size(), first.size());
}

TEST(RecordBatchView, RefusesEveryTruncation) {
  const auto wire = batch_builder().records(5).build();
  for (std::size_t size = 0; size < wire.size(); ++size) {
    EXPECT_EQ(parse_error(ConstBytes(wire).first(size)), RecordErrc::truncated) << size;
  }
}

TEST(RecordBatchView, RefusesImpossibleHeaders) {
  const auto good = batch_builder().records(5).build();
  const auto with = [&](auto value, std::size_t at) {
    auto bad = good;
    store_be(bad, at, value);
    return parse_error(bad);
  };
  EXPECT_EQ(with(std::int32_t{-1}, kLengthAt), RecordErrc::bad_length);
  EXPECT_EQ(with(std::int32_t{48}, kLengthAt), RecordErrc::bad_length);
  EXPECT_EQ(with(std::numeric_limits<std::int32_t>::max(), kLengthAt), RecordErrc::truncated);
  EXPECT_EQ(with(std::int8_t{1}, kMagicAt), RecordErrc::unsupported_magic);
  EXPECT_EQ(with(std::int8_t{3}, kMagicAt), RecordErrc::unsupported_magic);
  EXPECT_EQ(with(std::int32_t{-1}, kLastOffsetDeltaAt), RecordErrc::bad_offset);
  EXPECT_EQ(with(std::int64_t{-1}, kBaseOffsetAt), RecordErrc::bad_offset);
  EXPECT_EQ(with(std::numeric_limits<std::int64_t>::max() - 4, kBaseOffsetAt), RecordErrc::bad_offset);
  EXPECT_EQ(with(std::numeric_limits<std::int64_t>::max() - 5, kBaseOffsetAt), ErrorCode{});
  EXPECT_EQ(with(std::int32_t{-1}, kRecordsCountAt), RecordErrc::bad_count);
  EXPECT_EQ(with(std::int32_t{6}, kRecordsCountAt), RecordErrc::bad_count);
}

TEST(RecordBatchView, KnowsHolesAndEmptiedBatches) {
  const auto sparse = batch_builder().records(5).last_offset_delta(9).build();
  EXPECT_FALSE(RecordBatchView::parse(sparse)->is_dense());
  const auto emptied = batch_builder().last_offset_delta(0).build();
  const auto batch = RecordBatchView::parse(emptied);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->records_count(), 0);
  EXPECT_FALSE(batch->is_dense());
}

TEST(RecordBatchView, CarriesUnknownCompressionTypes) {
  auto wire = batch_builder().records(1).build();
  store_be(wire, kAttributesAt, std::int16_t{6});
  EXPECT_FALSE(codecs::is_known(RecordBatchView::parse(wire)->compression()));
}

TEST(RestampedHeader, ChangesWhatTheTargetAssignsAndKeepsTheRest) {
  constexpr std::int16_t kSourceBits = kLogAppendTimeBit | kTransactionalBit | kDeleteHorizonBit | 0x0100;
  const auto wire = batch_builder()
                        .records(20)
                        .codec(Compression::lz4)
                        .base_offset(123456789)
                        .leader_epoch(5)
                        .producer(1, 2, 3)
                        .attribute_bits(kSourceBits)
                        .build();
  const auto before = RecordBatchView::parse(wire);
  ASSERT_TRUE(before.has_value());
  auto patched = wire;
  overwrite(patched,
            restamped(*before, {.producer_id = ProducerId(9000), .producer_epoch = 3, .base_sequence = 42}));

  const auto after = RecordBatchView::parse(patched);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->base_offset(), Offset(0));
  EXPECT_EQ(after->leader_epoch(), LeaderEpoch(-1));
  EXPECT_EQ(after->attributes(), static_cast<std::int16_t>(Compression::lz4));
  EXPECT_EQ(after->producer_id(), ProducerId(9000));
  EXPECT_EQ(after->producer_epoch(), 3);
  EXPECT_EQ(after->base_sequence(), 42);
  EXPECT_EQ(after->last_offset_delta(), before->last_offset_delta());
  EXPECT_EQ(after->records_count(), before->records_count());
  EXPECT_EQ(after->base_timestamp(), before->base_timestamp());
  EXPECT_EQ(after->max_timestamp(), before->max_timestamp());
  EXPECT_EQ(after->size(), before->size());
  EXPECT_TRUE(std::ranges::equal(after->payload(), before->payload()));
  EXPECT_TRUE(after->has_valid_crc());
}

TEST(RestampedHeader, IsTransactionalWhereTheStampIsWhateverTheSourceWas) {
  for (const std::int16_t source_bits : {std::int16_t{0}, kTransactionalBit}) {
    for (const bool transactional : {false, true}) {
      auto wire = batch_builder().records(20).codec(Compression::zstd).attribute_bits(source_bits).build();
      const auto before = RecordBatchView::parse(wire);
      ASSERT_TRUE(before.has_value());
      overwrite(wire, restamped(*before, {.producer_id = ProducerId(9000),
                                          .producer_epoch = 3,
                                          .base_sequence = 42,
                                          .transactional = transactional}));

      const auto after = RecordBatchView::parse(wire);
      ASSERT_TRUE(after.has_value());
      EXPECT_EQ(after->is_transactional(), transactional);
      EXPECT_EQ(after->compression(), Compression::zstd);
      EXPECT_FALSE(after->is_control());
      EXPECT_TRUE(after->has_valid_crc());
    }
  }
}

TEST(RestampedHeader, PatchesTheChecksumForEveryPayloadSize) {
  for (int value_size = 0; value_size < 3000; value_size += value_size < 300 ? 1 : 113) {
    auto wire =
        batch_builder().record({.value = std::string(static_cast<std::size_t>(value_size), 'x')}).build();
    const auto batch = RecordBatchView::parse(wire);
    const auto header = restamped(*batch, {ProducerId(value_size), 1, value_size});
    overwrite(wire, header);
    ASSERT_EQ(stored_crc(wire), computed_crc(wire)) << value_size;
  }
}

TEST(RestampedHeader, LeavesPayloadDamageDetectable) {
  auto wire = batch_builder().records(20).codec(Compression::zstd).build();
  wire.back() ^= std::byte{1};
  const auto batch = RecordBatchView::parse(wire);
  ASSERT_TRUE(batch.has_value());
  overwrite(wire,
            restamped(*batch, {.producer_id = ProducerId(9000), .producer_epoch = 3, .base_sequence = 42}));
  EXPECT_NE(stored_crc(wire), computed_crc(wire));
}

TEST(RestampedHeader, LeavesHeaderDamageDetectable) {
  const auto good = batch_builder().records(20).build();
  for (std::size_t at = kAttributesAt; at < kHeaderSize; ++at) {
    auto wire = good;
    wire[at] ^= std::byte{0x40};
    const auto batch = RecordBatchView::parse(wire);
    if (!batch) continue;
    overwrite(wire,
              restamped(*batch, {.producer_id = ProducerId(1), .producer_epoch = 0, .base_sequence = 0}));
    EXPECT_NE(stored_crc(wire), computed_crc(wire)) << at;
  }
}

TEST(RecordSetReader, WalksBatchesAndOldEntriesInTurn) {
  const auto set = joined({batch_builder().records(3).build(), legacy_entry(0, 3), legacy_entry(1, 4),
                           batch_builder().records(2).base_offset(5).build()});
  RecordSetReader reader(set);
  auto entry = reader.next();
  ASSERT_NE(as_batch(entry), nullptr);
  EXPECT_EQ(as_batch(entry)->records_count(), 3);
  entry = reader.next();
  ASSERT_NE(as_legacy(entry), nullptr);
  EXPECT_EQ(as_legacy(entry)->magic, 0);
  EXPECT_EQ(as_legacy(entry)->offset, Offset(3));
  EXPECT_EQ(as_legacy(entry)->size(), 26u);
  entry = reader.next();
  ASSERT_NE(as_legacy(entry), nullptr);
  EXPECT_EQ(as_legacy(entry)->magic, 1);
  EXPECT_EQ(as_legacy(entry)->size(), 34u);
  entry = reader.next();
  ASSERT_NE(as_batch(entry), nullptr);
  EXPECT_EQ(as_batch(entry)->base_offset(), Offset(5));
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_EQ(reader.consumed(), set.size());
  EXPECT_EQ(reader.incomplete_size(), 0u);
}

TEST(RecordSetReader, EndsInFrontOfACutEntry) {
  const auto first = batch_builder().records(3).build();
  const auto second = batch_builder().records(4).base_offset(3).build();
  const auto set = joined({first, second});
  for (std::size_t size = first.size(); size < set.size(); ++size) {
    RecordSetReader reader(ConstBytes(set).first(size));
    ASSERT_NE(as_batch(reader.next()), nullptr) << size;
    ASSERT_FALSE(reader.next().has_value()) << size;
    EXPECT_EQ(reader.consumed(), first.size()) << size;
    EXPECT_EQ(reader.incomplete_size(), size - first.size() < kLengthEndsAt ? 0 : second.size()) << size;
  }
}

TEST(RecordSetReader, IsEmptyForNothing) {
  RecordSetReader reader({});
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_FALSE(reader.next().has_value());
}

TEST(RecordSetReader, StopsForGoodAtAMalformedEntry) {
  const auto good = batch_builder().records(1).build();
  struct Case {
    RecordErrc reason;
    Bytes bad;
  };
  const auto with = [&](auto value, std::size_t at) {
    auto bad = batch_builder().records(2).base_offset(77).build();
    store_be(bad, at, value);
    return bad;
  };
  for (const auto& [reason, bad] : {Case{RecordErrc::bad_length, with(std::int32_t{-1}, kLengthAt)},
                                    Case{RecordErrc::bad_length, with(std::int32_t{0}, kLengthAt)},
                                    Case{RecordErrc::bad_length, with(std::int32_t{13}, kLengthAt)},
                                    Case{RecordErrc::bad_length, with(std::int32_t{48}, kLengthAt)},
                                    Case{RecordErrc::unsupported_magic, with(std::int8_t{3}, kMagicAt)},
                                    Case{RecordErrc::unsupported_magic, with(std::int8_t{-1}, kMagicAt)},
                                    Case{RecordErrc::bad_count, with(std::int32_t{-5}, kRecordsCountAt)}}) {
    const auto set = joined({good, bad, good});
    RecordSetReader reader(set);
    ASSERT_NE(as_batch(reader.next()), nullptr);
    const auto entry = reader.next();
    ASSERT_NE(as_malformed(entry), nullptr);
    EXPECT_EQ(as_malformed(entry)->error.code, reason);
    EXPECT_EQ(as_malformed(entry)->at, good.size());
    EXPECT_EQ(as_malformed(entry)->offset, Offset(77));
    EXPECT_FALSE(reader.next().has_value());
    EXPECT_EQ(reader.consumed(), good.size());
  }
}

TEST(RecordSetReader, NamesABrokenLengthEvenWhenTheEntryIsCut) {
  auto set = batch_builder().records(1).build();
  store_be(set, kLengthAt, std::int32_t{-7});
  RecordSetReader reader(ConstBytes(set).first(kLengthEndsAt));
  const auto entry = reader.next();
  ASSERT_NE(as_malformed(entry), nullptr);
  EXPECT_EQ(as_malformed(entry)->error.code, RecordErrc::bad_length);
}

}  // namespace
}  // namespace longhaul::protocol
