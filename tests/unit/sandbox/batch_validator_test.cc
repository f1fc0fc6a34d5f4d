#include "sandbox/batch_validator.h"

#include <gtest/gtest.h>

#include "codecs/crc32c.h"
#include "tests/support/batches.h"

namespace longhaul::sandbox {
namespace {

using codecs::Compression;
using protocol::KafkaErrc;
using testing::batch_builder;
using testing::joined;
using testing::TestRecord;
namespace layout = protocol::batch_layout;

constexpr std::int64_t kNow = 1'700'000'100'000;

KafkaErrc validate(const Bytes& batch, const BatchRules& rules = {}) {
  const auto valid = validate_batch(batch, rules, 100, 7, kNow);
  return valid ? KafkaErrc::none : valid.error().error;
}

KafkaErrc single(const Bytes& records, int version = 9) {
  const auto batch = single_batch(records, version);
  return batch ? KafkaErrc::none : batch.error().error;
}

/// `batch` with an integer of its header replaced and the checksum made right again.
template <class T>
Bytes with(Bytes batch, std::size_t at, T value) {
  store_be(MutableBytes(batch), at, value);
  store_be(MutableBytes(batch), layout::kCrcAt,
           codecs::crc32c::value(ConstBytes(batch).subspan(layout::kChecksummedFrom)));
  return batch;
}

Bytes stored(const ValidBatch& valid) {
  Bytes bytes(valid.header.begin(), valid.header.end());
  bytes.insert(bytes.end(), valid.payload.begin(), valid.payload.end());
  return bytes;
}

TEST(SingleBatch, IsOneWholeBatchOfMagic2) {
  const auto batch = batch_builder().records(2).build();
  EXPECT_EQ(single(batch), KafkaErrc::none);
  EXPECT_EQ(single({}), KafkaErrc::invalid_record);
  EXPECT_EQ(single(joined({batch, batch})), KafkaErrc::invalid_record);
  EXPECT_EQ(single(Bytes(batch.begin(), batch.end() - 1)), KafkaErrc::invalid_record);
  auto old = batch;
  old[layout::kMagicAt] = std::byte{1};
  EXPECT_EQ(single(old), KafkaErrc::invalid_record);
  old[layout::kMagicAt] = std::byte{3};
  EXPECT_EQ(single(old), KafkaErrc::corrupt_message);
  auto tiny = batch;
  store_be(MutableBytes(tiny), layout::kLengthAt, std::int32_t{13});
  EXPECT_EQ(single(tiny), KafkaErrc::corrupt_message);
}

TEST(SingleBatch, DropsAnIncompleteTail) {
  const auto batch = batch_builder().records(2).build();
  const auto fragment = Bytes(batch.begin(), batch.begin() + 40);
  const auto found = single_batch(joined({batch, fragment}), 9);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), batch.size());
  EXPECT_EQ(single(joined({batch, Bytes(5)})), KafkaErrc::none);
  EXPECT_EQ(single(joined({batch, Bytes(40)})), KafkaErrc::corrupt_message);
}

TEST(SingleBatch, KnowsZstdFromVersion7On) {
  const auto batch = batch_builder().records(2).codec(Compression::zstd).build();
  EXPECT_EQ(single(batch, 6), KafkaErrc::unsupported_compression_type);
  EXPECT_EQ(single(batch, 7), KafkaErrc::none);
}

TEST(ValidateBatch, PlacesAGoodBatch) {
  for (const auto codec :
       {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
    const auto batch = batch_builder().records(5).codec(codec).producer(9, 1, 40).build();
    const auto valid = validate_batch(batch, {}, 100, 7, kNow);
    ASSERT_TRUE(valid) << codecs::name(codec);
    const auto bytes = stored(*valid);
    const auto view = protocol::RecordBatchView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->base_offset().value(), 100);
    EXPECT_EQ(view->leader_epoch().value(), 7);
    EXPECT_TRUE(view->has_valid_crc());
    EXPECT_TRUE(std::equal(bytes.begin() + 16, bytes.end(), batch.begin() + 16))
        << "only offset and epoch may change";
  }
}

TEST(ValidateBatch, RefusesAsABroker) {
  const auto good = batch_builder().records(4).build();
  EXPECT_EQ(validate(with(good, layout::kBaseOffsetAt, std::int64_t{500})), KafkaErrc::invalid_record);
  EXPECT_EQ(validate(good, {.max_message_bytes = static_cast<std::int32_t>(good.size()) - 1}),
            KafkaErrc::message_too_large);
  EXPECT_EQ(validate(good, {.max_message_bytes = static_cast<std::int32_t>(good.size())}), KafkaErrc::none);
  EXPECT_EQ(validate(good, {.segment_bytes = 20}), KafkaErrc::record_list_too_large);
  auto damaged = good;
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(validate(damaged), KafkaErrc::corrupt_message);
  EXPECT_EQ(validate(with(good, layout::kRecordsCountAt, std::int32_t{0})), KafkaErrc::invalid_record);
  EXPECT_EQ(validate(with(good, layout::kLastOffsetDeltaAt, std::int32_t{9})), KafkaErrc::invalid_record);
  EXPECT_EQ(validate(with(good, layout::kLastOffsetDeltaAt, std::int32_t{-7})), KafkaErrc::invalid_record);
  EXPECT_EQ(validate(with(good, layout::kAttributesAt, layout::kControlBit)), KafkaErrc::invalid_record);
  EXPECT_EQ(validate(with(good, layout::kProducerIdAt, std::int64_t{5})), KafkaErrc::invalid_record)
      << "a producer id without a sequence";
  EXPECT_EQ(validate(with(good, layout::kAttributesAt, std::int16_t{5})), KafkaErrc::unknown_server_error)
      << "a codec that nobody knows";
}

TEST(ValidateBatch, CountsTheRecords) {
  auto batch = batch_builder().records(4).build();
  batch = with(batch, layout::kLastOffsetDeltaAt, std::int32_t{2});
  EXPECT_EQ(validate(with(batch, layout::kRecordsCountAt, std::int32_t{3})), KafkaErrc::invalid_record);
  batch = with(batch, layout::kLastOffsetDeltaAt, std::int32_t{4});
  EXPECT_EQ(validate(with(batch, layout::kRecordsCountAt, std::int32_t{5})), KafkaErrc::invalid_record);
}

TEST(ValidateBatch, GapsMatterOnlyInCompressedBatches) {
  const auto sparse = [](Compression codec) {
    return batch_builder()
        .record({.key = "a", .value = "1"})
        .record({.key = "b", .value = "2", .offset_delta = 3})
        .last_offset_delta(1)
        .codec(codec)
        .build();
  };
  EXPECT_EQ(validate(sparse(Compression::none)), KafkaErrc::none);
  EXPECT_EQ(validate(sparse(Compression::gzip)), KafkaErrc::unknown_server_error);
  EXPECT_EQ(validate(sparse(Compression::gzip), {.compression = Compression::lz4}), KafkaErrc::none)
      << "a rebuild closes the gaps";
}

TEST(ValidateBatch, NamesTheRecordsWithoutAKey) {
  const auto batch =
      batch_builder().record({.key = "a", .value = "1"}).record({.key = std::nullopt, .value = "2"}).build();
  EXPECT_EQ(validate(batch), KafkaErrc::none);
  const auto refused = validate_batch(batch, {.is_compacted = true}, 0, 0, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, KafkaErrc::invalid_record);
  ASSERT_EQ(refused.error().record_errors.size(), 1U);
  EXPECT_EQ(refused.error().record_errors[0].batch_index, 1);
}

TEST(ValidateBatch, KeepsTimestampsInTheirWindow) {
  const auto at = [](std::int64_t time) {
    return batch_builder().record({.key = "k", .value = "v", .timestamp = time}).build();
  };
  EXPECT_EQ(validate(at(kNow + 3'600'000)), KafkaErrc::none);
  EXPECT_EQ(validate(at(kNow + 3'600'001)), KafkaErrc::invalid_timestamp);
  EXPECT_EQ(validate(at(1)), KafkaErrc::none);
  EXPECT_EQ(validate(at(1), {.timestamp_before_max_ms = 1000}), KafkaErrc::invalid_timestamp);
  EXPECT_EQ(validate(at(-1), {.timestamp_before_max_ms = 1000}), KafkaErrc::none) << "no timestamp at all";
  EXPECT_EQ(validate(at(kNow + 7'200'000), {.is_log_append_time = true}), KafkaErrc::none);
}

TEST(ValidateBatch, AppendTimeIsTheBrokersToSet) {
  const auto stamped = batch_builder().records(2).log_append_time(kNow - 5).build();
  EXPECT_EQ(validate(stamped, {.is_log_append_time = true}), KafkaErrc::invalid_timestamp);
  const auto plain = validate_batch(stamped, {}, 0, 0, kNow);
  ASSERT_TRUE(plain) << "on a topic with the producers' times the bit goes";
  const auto bytes = stored(*plain);
  const auto view = protocol::RecordBatchView::parse(bytes);
  EXPECT_FALSE(view->is_log_append_time());
  EXPECT_EQ(view->max_timestamp(), kNow - 5);
  EXPECT_TRUE(view->has_valid_crc());

  const auto untouched = batch_builder().records(2).build();
  const auto appended = validate_batch(untouched, {.is_log_append_time = true}, 0, 0, kNow);
  ASSERT_TRUE(appended);
  const auto restamped = stored(*appended);
  const auto restamped_view = protocol::RecordBatchView::parse(restamped);
  EXPECT_TRUE(restamped_view->is_log_append_time());
  EXPECT_EQ(restamped_view->max_timestamp(), kNow);
  EXPECT_TRUE(restamped_view->has_valid_crc());
}

TEST(ValidateBatch, CorrectsTheLargestTimestamp) {
  const auto batch = with(batch_builder().records(3).build(), layout::kMaxTimestampAt, std::int64_t{12});
  const auto valid = validate_batch(batch, {}, 0, 0, kNow);
  ASSERT_TRUE(valid);
  const auto bytes = stored(*valid);
  const auto view = protocol::RecordBatchView::parse(bytes);
  EXPECT_EQ(view->max_timestamp(), 1'700'000'000'002);
  EXPECT_TRUE(view->has_valid_crc());
}

TEST(ValidateBatch, RebuildsInTheTopicsCodec) {
  const auto batch = batch_builder()
                         .record({.key = "k", .value = "v", .headers = {{"h", "x"}, {"n", std::nullopt}}})
                         .records(3)
                         .codec(Compression::gzip)
                         .producer(9, 1, 40)
                         .build();
  for (const auto codec : {Compression::none, Compression::zstd, Compression::lz4}) {
    const auto valid = validate_batch(batch, {.compression = codec}, 10, 2, kNow);
    ASSERT_TRUE(valid);
    const auto bytes = stored(*valid);
    const auto view = protocol::RecordBatchView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->compression(), codec);
    EXPECT_EQ(view->base_offset().value(), 10);
    EXPECT_EQ(view->base_sequence(), 40);
    EXPECT_EQ(view->records_count(), 4);
    EXPECT_TRUE(view->has_valid_crc());
    const auto plain = codecs::decompress(codec, view->payload(), 1 << 20);
    ASSERT_TRUE(plain);
    protocol::RecordReader reader(*view, *plain);
    const auto first = reader.next();
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->headers.count(), 2);
    EXPECT_EQ(as_text(*(*first)->value), "v");
  }
}

TEST(ValidateBatch, RefusesAStreamThatDoesNotUnpack) {
  auto batch = batch_builder().records(3).codec(Compression::zstd).build();
  batch[layout::kHeaderSize] ^= std::byte{0xFF};
  EXPECT_EQ(validate(with(batch, layout::kRecordsCountAt, std::int32_t{3})), KafkaErrc::unknown_server_error);
}

}  // namespace
}  // namespace longhaul::sandbox
