#include "replicator/record_stream.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"
#include "tests/support/legacy.h"

namespace longhaul::replicator {
namespace {

using codecs::Compression;
using protocol::ControlType;
using testing::batch_builder;
using testing::joined;

constexpr std::size_t kPlenty = 1 << 20;

RecordStream stream_of(std::int64_t begin, std::int64_t end) {
  return {{Offset(begin), Offset(end)}, kPlenty};
}

/// Offsets of all records that can be read now, or the error.
std::string offsets(RecordStream& stream) {
  std::string text;
  for (;;) {
    const auto found = stream.advance();
    if (!found) return text + "! " + found.error().message();
    if (!*found) return text;
    text += fmt::format("{} ", stream.current().offset);
  }
}

void feed(RecordStream& stream, const Bytes& set, std::vector<AbortedTransaction> aborted = {}) {
  const auto fed = stream.feed(Slice::copy_of(set), std::move(aborted));
  ASSERT_TRUE(fed.has_value()) << fed.error().message();
}

TEST(RecordStream, ReadsRecordsOfEveryCodecInOrder) {
  auto stream = stream_of(0, 10);
  feed(stream, joined({batch_builder().records(2).codec(Compression::zstd).build(),
                       batch_builder().records(2).base_offset(2).codec(Compression::snappy).build(),
                       batch_builder().records(2).base_offset(4).codec(Compression::none).build()}));
  EXPECT_EQ(stream.fetch_offset(), Offset(6));
  EXPECT_EQ(offsets(stream), "0 1 2 3 4 5 ");
  EXPECT_FALSE(stream.finished());
  EXPECT_TRUE(stream.wants_fetch());
  feed(stream, joined({batch_builder().records(2).base_offset(6).codec(Compression::gzip).build(),
                       batch_builder().records(2).base_offset(8).codec(Compression::lz4).build()}));
  EXPECT_EQ(offsets(stream), "6 7 8 9 ");
  EXPECT_TRUE(stream.finished());
  EXPECT_FALSE(stream.wants_fetch());
}

TEST(RecordStream, StartsAndEndsInTheMiddleOfABatch) {
  auto stream = stream_of(3, 6);
  feed(stream, batch_builder().records(10).build());
  EXPECT_EQ(offsets(stream), "3 4 5 ");
  EXPECT_TRUE(stream.finished());
  stream.extend(Offset(8));
  EXPECT_FALSE(stream.finished());
  EXPECT_EQ(stream.fetch_offset(), Offset(6));
  feed(stream, batch_builder().records(10).build());
  EXPECT_EQ(offsets(stream), "6 7 ");
  EXPECT_TRUE(stream.finished());
}

TEST(RecordStream, SkipsMarkersEmptiedBatchesAndHoles) {
  auto stream = stream_of(0, 100);
  feed(stream, joined({batch_builder()
                           .record({.offset_delta = 1})
                           .record({.offset_delta = 5})
                           .last_offset_delta(9)
                           .build(),
                       batch_builder().control(ControlType::commit).base_offset(10).producer(1, 0, 0).build(),
                       batch_builder().base_offset(20).last_offset_delta(4).build(),
                       batch_builder().records(1).base_offset(99).build()}));
  EXPECT_EQ(offsets(stream), "1 5 99 ");
  EXPECT_TRUE(stream.finished());
}

TEST(RecordStream, LeavesAbortedTransactionsOut) {
  auto stream = stream_of(0, 6);
  feed(stream,
       joined({batch_builder().records(2).transactional().producer(7, 0, 0).build(),
               batch_builder().control(ControlType::abort).base_offset(2).producer(7, 0, -1).build(),
               batch_builder().records(2).base_offset(3).transactional().producer(7, 0, 2).build(),
               batch_builder().control(ControlType::commit).base_offset(5).producer(7, 0, -1).build()}),
       {{ProducerId(7), Offset(0)}});
  EXPECT_EQ(offsets(stream), "3 4 ");
  EXPECT_TRUE(stream.finished());
}

TEST(RecordStream, EndsWhereCompactionLeftNothing) {
  auto stream = stream_of(0, 50);
  feed(stream, batch_builder().records(2).build());
  EXPECT_EQ(offsets(stream), "0 1 ");
  stream.nothing_left();
  EXPECT_TRUE(stream.finished());
  stream.extend(Offset(52));
  EXPECT_EQ(stream.fetch_offset(), Offset(50));
  feed(stream, batch_builder().records(2).base_offset(50).build());
  EXPECT_EQ(offsets(stream), "50 51 ");
}

TEST(RecordStream, AsksForNoMoreThanTwoSetsAhead) {
  auto stream = stream_of(0, 50);
  EXPECT_TRUE(stream.wants_fetch());
  feed(stream, batch_builder().records(1).build());
  EXPECT_TRUE(stream.wants_fetch());
  feed(stream, batch_builder().records(1).base_offset(1).build());
  EXPECT_FALSE(stream.wants_fetch());
  EXPECT_EQ(offsets(stream), "0 1 ");
  EXPECT_TRUE(stream.wants_fetch());
}

TEST(RecordStream, ReadsOnBehindACutBatch) {
  const auto second = batch_builder().records(2).base_offset(2).build();
  auto set = joined({batch_builder().records(2).build(), second});
  set.pop_back();
  auto stream = stream_of(0, 4);
  feed(stream, set);
  EXPECT_EQ(stream.fetch_offset(), Offset(2));
  feed(stream, second);
  EXPECT_EQ(offsets(stream), "0 1 2 3 ");
}

TEST(RecordStream, RefusesAnAnswerWithoutAnyCompleteBatch) {
  auto set = batch_builder().records(2).build();
  set.pop_back();
  auto stream = stream_of(0, 4);
  const auto fed = stream.feed(Slice::copy_of(set), {});
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().code, protocol::RecordErrc::truncated);
}

TEST(RecordStream, NamesWhereABatchIsDamaged) {
  auto bad = batch_builder().records(2).base_offset(2).build();
  bad.back() ^= std::byte{1};
  auto stream = stream_of(0, 9);
  feed(stream, joined({batch_builder().records(2).build(), bad}));
  EXPECT_EQ(offsets(stream),
            "0 1 ! batch at offset 2: the checksum of a record batch does not match its bytes");
}

TEST(RecordStream, LeavesNothingOutBecauseOfADamagedHeader) {
  const auto whole = batch_builder().records(1).base_offset(2).build();
  for (std::size_t at = protocol::batch_layout::kAttributesAt; at < protocol::batch_layout::kHeaderSize;
       ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = whole;
      bad[at] ^= static_cast<std::byte>(1 << bit);
      auto stream = stream_of(0, 4);
      feed(stream, joined({batch_builder().records(2).build(), bad,
                           batch_builder().records(1).base_offset(3).build()}));
      const auto found = offsets(stream);
      EXPECT_TRUE(found.starts_with("0 1 ! ")) << at << ' ' << bit << ": " << found;
    }
  }
}

TEST(RecordStream, ReadsOldFormatsBesideNewOnes) {
  auto stream = stream_of(1, 9);
  feed(stream, joined({testing::legacy_message({.magic = 0, .offset = 0}),
                       testing::legacy_message({.magic = 0, .offset = 1}),
                       testing::legacy_wrapper({.magic = 1, .offset = 6}, Compression::gzip,
                                               {{.offset = 0}, {.offset = 1}, {.offset = 3}}),
                       batch_builder().records(2).base_offset(7).build()}));
  EXPECT_EQ(stream.fetch_offset(), Offset(9));
  EXPECT_EQ(offsets(stream), "1 3 4 6 7 8 ");
  EXPECT_TRUE(stream.finished());
}

TEST(RecordStream, NamesADamagedMessageOfAnOldFormat) {
  auto old = testing::legacy_message({.magic = 0, .offset = 2});
  old.back() ^= std::byte{1};
  auto stream = stream_of(0, 9);
  feed(stream, joined({batch_builder().records(2).build(), old}));
  EXPECT_EQ(offsets(stream),
            "0 1 ! batch at offset 2: the checksum of a record batch does not match its bytes");
}

TEST(RecordStream, RefusesABatchThatUnpacksToTooMuch) {
  RecordStream stream({Offset(0), Offset(9)}, 1000);
  feed(stream, batch_builder().record({.value = std::string(5000, 'x')}).codec(Compression::zstd).build());
  EXPECT_NE(offsets(stream).find("batch at offset 0: zstd: more bytes"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::replicator
