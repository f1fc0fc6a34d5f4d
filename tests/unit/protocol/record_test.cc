#include "protocol/record.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/batches.h"

namespace longhaul::protocol {
namespace {

using testing::batch_builder;
using testing::nullable_bytes;
using testing::TestRecord;

/// A record of `TestRecord`'s shape, so that both sides of a comparison own their bytes.
TestRecord owned(const RecordBatchView& batch, const RecordView& record) {
  const auto text = [](const NullableBytes& bytes) {
    return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
  };
  TestRecord out{
      text(record.key), text(record.value), record_timestamp(batch, record), {}, record.offset_delta};
  for (const auto& header : record.headers) {
    out.headers.emplace_back(std::string(as_text(header.key)), text(header.value));
  }
  return out;
}

void expect_equal(const TestRecord& got, const TestRecord& expected) {
  EXPECT_EQ(got.key, expected.key);
  EXPECT_EQ(got.value, expected.value);
  EXPECT_EQ(got.timestamp, expected.timestamp);
  EXPECT_EQ(got.headers, expected.headers);
}

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

ErrorCode read_error(ConstBytes payload, std::int32_t count = 1, std::int32_t last_delta = 0) {
  RecordReader reader(payload, count, last_delta);
  for (;;) {
    const auto record = reader.next();
    if (!record) return record.error().code;
    if (!*record) return {};
  }
}

TEST(BatchBuilder, WritesWhatTheReaderReads) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const std::vector<TestRecord> records = {
      {.key = "key", .value = "value", .timestamp = 1000, .headers = {}, .offset_delta = {}},
      {.key = {}, .value = {}, .timestamp = 5, .headers = {}, .offset_delta = {}},
      {.key = "",
       .value = "",
       .timestamp = -1,
       .headers = {{"", ""}, {"a", std::nullopt}, {"a", "b"}},
       .offset_delta = {}},
      {.key = std::string(64, 'k'),
       .value = std::string(20000, 'v'),
       .timestamp = kMax,
       .headers = {},
       .offset_delta = {}},
      {.key = "last",
       .value = {},
       .timestamp = -kMax,
       .headers = {{std::string(200, 'h'), "x"}},
       .offset_delta = {}}};
  auto builder = batch_builder();
  for (const auto& record : records) builder.record(record);
  const auto wire = builder.build();

  const auto batch = RecordBatchView::parse(wire);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->has_valid_crc());
  EXPECT_TRUE(batch->is_dense());
  EXPECT_EQ(batch->max_timestamp(), kMax);
  RecordReader reader(*batch, batch->payload());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto record = reader.next();
    ASSERT_TRUE(record.has_value() && record->has_value()) << i;
    EXPECT_EQ((*record)->offset_delta, static_cast<std::int32_t>(i));
    EXPECT_EQ((*record)->headers.count(), static_cast<std::int32_t>(records[i].headers.size()));
    expect_equal(owned(*batch, **record), records[i]);
  }
  EXPECT_FALSE(reader.next()->has_value());
}

TEST(BatchBuilder, StartsAnewAfterClear) {
  BatchBuilder builder;
  const NewRecord record{.timestamp = 5, .key = {}, .value = as_bytes("v"), .headers = {}};
  ASSERT_TRUE(builder.add(record).has_value());
  const Bytes once(builder.payload().begin(), builder.payload().end());
  const auto header = builder.finish({}, builder.payload());
  builder.clear();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size(), batch_layout::kHeaderSize);
  ASSERT_TRUE(builder.add(record).has_value());
  EXPECT_TRUE(std::ranges::equal(builder.payload(), once));
  EXPECT_EQ(*builder.finish({}, builder.payload()), *header);
}

TEST(BatchBuilder, MarksTheBatchOfATransaction) {
  BatchBuilder builder;
  ASSERT_TRUE(builder.add({.timestamp = 5, .key = {}, .value = as_bytes("v"), .headers = {}}).has_value());
  const auto header = builder.finish({.producer = {.producer_id = ProducerId(7),
                                                   .producer_epoch = 1,
                                                   .base_sequence = 9,
                                                   .transactional = true}},
                                     builder.payload());
  ASSERT_TRUE(header.has_value());
  Bytes wire(header->begin(), header->end());
  wire.insert(wire.end(), builder.payload().begin(), builder.payload().end());
  const auto batch = RecordBatchView::parse(wire);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->is_transactional());
  EXPECT_FALSE(batch->is_control());
  EXPECT_TRUE(batch->has_valid_crc());
}

TEST(BatchBuilder, RefusesOffsetsThatDoNotRiseOrDoNotFit) {
  BatchBuilder builder;
  ASSERT_TRUE(builder.add_at(5, {}).has_value());
  EXPECT_EQ(builder.add_at(5, {}).error().code, RecordErrc::out_of_order);
  EXPECT_EQ(builder.add_at(std::numeric_limits<std::int32_t>::max(), {}).error().code, RecordErrc::too_large);
  ASSERT_TRUE(builder.add_at(std::numeric_limits<std::int32_t>::max() - 1, {}).has_value());
  EXPECT_EQ(builder.add({}).error().code, RecordErrc::too_large);
  EXPECT_EQ(builder.records_count(), 2);
}

TEST(RecordTimestamp, IsTheAppendTimeWhereTheLogSaysSo) {
  const auto wire = batch_builder().records(3).log_append_time(1'800'000'000'000).build();
  const auto batch = RecordBatchView::parse(wire);
  RecordReader reader(*batch, batch->payload());
  for (int i = 0; i < 3; ++i) {
    const auto record = reader.next();
    EXPECT_EQ(record_timestamp(*batch, **record), 1'800'000'000'000);
    EXPECT_EQ((*record)->timestamp_delta, i);
  }
}

TEST(RecordReader, RefusesEveryTruncation) {
  const auto wire =
      batch_builder().records(3).record({.key = "k", .value = "v", .headers = {{"h", "x"}}}).build();
  const auto batch = RecordBatchView::parse(wire);
  for (std::size_t size = 0; size < batch->payload().size(); ++size) {
    EXPECT_TRUE(read_error(batch->payload().first(size), 4, 3)) << size;
  }
  EXPECT_FALSE(read_error(batch->payload(), 4, 3));
}

TEST(RecordReader, HoldsTheCountAgainstThePayload) {
  const auto wire = batch_builder().records(3).build();
  const auto payload = RecordBatchView::parse(wire)->payload();
  EXPECT_EQ(read_error(payload, 2, 2), RecordErrc::trailing_bytes);
  EXPECT_EQ(read_error(payload, 4, 9), RecordErrc::bad_count);
  EXPECT_EQ(read_error({}, 0, 0), ErrorCode{});
  EXPECT_EQ(read_error({}, 1, 0), RecordErrc::bad_count);
  EXPECT_EQ(read_error({}, std::numeric_limits<std::int32_t>::max(), 0), RecordErrc::bad_count);
}

TEST(RecordReader, RefusesDeltasOutsideTheBatch) {
  const auto wire = batch_builder().record({.offset_delta = 4}).record({.offset_delta = 7}).build();
  const auto payload = RecordBatchView::parse(wire)->payload();
  EXPECT_EQ(read_error(payload, 2, 7), ErrorCode{});
  EXPECT_EQ(read_error(payload, 2, 6), RecordErrc::out_of_order);
  // The same record twice: the second delta does not rise.
  const auto one = batch_builder().record({}).build();
  const auto record = RecordBatchView::parse(one)->payload();
  Bytes twice(record.begin(), record.end());
  twice.insert(twice.end(), record.begin(), record.end());
  EXPECT_EQ(read_error(twice, 2, 1), RecordErrc::out_of_order);
}

TEST(RecordReader, RefusesImpossibleLengths) {
  // length, attributes, timestamp delta, offset delta, key length, value length, headers count; zig-zag: 1 is
  // -1, 3 -2.
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 1, 1, 0})), ErrorCode{});
  EXPECT_EQ(read_error(bytes_of({1, 0, 0, 0, 1, 1, 0})), RecordErrc::bad_length);   // record of -1 bytes
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 3, 1, 0})), RecordErrc::bad_length);  // key of -2 bytes
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 1, 3, 0})), RecordErrc::bad_length);  // value of -2 bytes
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 1, 1, 1})), RecordErrc::bad_count);   // -1 headers
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 1, 1, 2})),
            RecordErrc::bad_count);  // a header that is not there
  EXPECT_EQ(read_error(bytes_of({16, 0, 0, 0, 1, 1, 2, 1, 1})), RecordErrc::bad_length);  // header key null
  EXPECT_EQ(read_error(bytes_of({16, 0, 0, 0, 1, 1, 2, 0, 3})),
            RecordErrc::bad_length);                                           // header value of -2 bytes
  EXPECT_EQ(read_error(bytes_of({16, 0, 0, 0, 1, 1, 2, 0, 1})), ErrorCode{});  // header value null
  EXPECT_EQ(read_error(bytes_of({14, 0, 0, 0, 1, 1, 0, 0})),
            RecordErrc::bad_length);  // bytes left in the record
  EXPECT_EQ(read_error(bytes_of({12, 0, 0, 0, 0x7E, 1, 0})), RecordErrc::truncated);  // key beyond the record
}

TEST(RecordReader, RefusesVarintsThatAreTooLong) {
  EXPECT_EQ(read_error(bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x01})), RecordErrc::bad_varint);
  // A fifth byte may carry four bits only.
  EXPECT_EQ(read_error(bytes_of({0x80, 0x80, 0x80, 0x80, 0x10})), RecordErrc::bad_varint);
  EXPECT_EQ(read_error(bytes_of({0x80, 0x80, 0x80, 0x80, 0x0E})), RecordErrc::truncated);
  // A timestamp delta of eleven bytes, and one whose tenth byte carries more than one bit.
  EXPECT_EQ(read_error(bytes_of(
                {34, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, 1, 1, 0, 0})),
            RecordErrc::bad_varint);
  EXPECT_EQ(
      read_error(bytes_of({30, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2, 0, 1, 1, 0})),
      RecordErrc::bad_varint);
}

TEST(RecordReader, SurvivesEveryFlippedByte) {
  const auto wire =
      batch_builder().records(4).record({.key = "k", .value = "v", .headers = {{"h", "x"}}}).build();
  const auto payload = RecordBatchView::parse(wire)->payload();
  Bytes damaged(payload.begin(), payload.end());
  std::size_t refused = 0;
  for (auto& byte : damaged) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      byte ^= static_cast<std::byte>(flip);
      if (read_error(damaged, 5, 4)) ++refused;
      byte ^= static_cast<std::byte>(flip);
    }
  }
  EXPECT_GT(refused, damaged.size());
}

TEST(ControlType, TellsAbortFromCommit) {
  const auto type_of = [](const Bytes& wire) { return control_type(*RecordBatchView::parse(wire)); };
  EXPECT_EQ(type_of(batch_builder().control(ControlType::abort).build()).value(), ControlType::abort);
  EXPECT_EQ(type_of(batch_builder().control(ControlType::commit).build()).value(), ControlType::commit);
  EXPECT_EQ(type_of(batch_builder().last_offset_delta(0).build()).value(), std::nullopt);
  EXPECT_FALSE(type_of(batch_builder().record({.key = "abc"}).build()).has_value());
  EXPECT_FALSE(type_of(batch_builder().record({}).build()).has_value());
  EXPECT_FALSE(type_of(batch_builder().records(1).codec(codecs::Compression::gzip).build()).has_value());
}

}  // namespace
}  // namespace longhaul::protocol
