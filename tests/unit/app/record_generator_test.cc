#include "app/record_generator.h"

#include <gtest/gtest.h>

#include <limits>

#include "protocol/record.h"

namespace longhaul::app {
namespace {

constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
const TopicPartition kPlace{"orders", PartitionIndex(3)};

Bytes payload_of(const GenerateOptions& options, std::int64_t records, const TopicPartition& place = kPlace) {
  RecordGenerator generator(place, options, value_text(options.seed, options.size.largest));
  protocol::BatchBuilder batch;
  EXPECT_EQ(generator.fill(batch, records, std::size_t{1} << 30U, 1000).value(), records);
  return {batch.payload().begin(), batch.payload().end()};
}

struct Counts {
  int null_keys = 0;
  int empty_keys = 0;
  int null_values = 0;
  int empty_values = 0;
  int with_headers = 0;
  int null_headers = 0;
  std::size_t smallest = std::numeric_limits<std::size_t>::max();
  std::size_t largest = 0;
};

Counts count(ConstBytes payload, std::int32_t records) {
  Counts counts;
  protocol::RecordReader reader(payload, records, records - 1);
  for (auto record = reader.next(); record && *record; record = reader.next()) {
    const auto& [attributes, timestamp, offset, key, value, headers] = **record;
    counts.null_keys += key ? 0 : 1;
    counts.empty_keys += key && key->empty() ? 1 : 0;
    counts.null_values += value ? 0 : 1;
    counts.empty_values += value && value->empty() ? 1 : 0;
    counts.with_headers += headers.count() > 0 ? 1 : 0;
    for (const auto& header : headers) counts.null_headers += header.value ? 0 : 1;
    if (!value || value->empty()) continue;
    counts.smallest = std::min(counts.smallest, value->size());
    counts.largest = std::max(counts.largest, value->size());
  }
  return counts;
}

TEST(RecordGenerator, MakesEveryKindOfRecordWhenVaried) {
  const GenerateOptions options{.size = {10, 500}};
  const auto counts = count(payload_of(options, 5000), 5000);
  EXPECT_GT(counts.null_keys, 100);
  EXPECT_GT(counts.empty_keys, 10);
  EXPECT_GT(counts.null_values, 50);
  EXPECT_GT(counts.empty_values, 50);
  EXPECT_GT(counts.with_headers, 500);
  EXPECT_GT(counts.null_headers, 50);
  EXPECT_GE(counts.smallest, 10u);
  EXPECT_LE(counts.largest, 500u);
  EXPECT_LT(counts.smallest, 20u);
  EXPECT_GT(counts.largest, 490u);
}

TEST(RecordGenerator, MakesPlainRecordsOfExactlyOneSize) {
  const GenerateOptions options{.size = {1000, 1000}, .mix = RecordMix::plain};
  const auto counts = count(payload_of(options, 500), 500);
  EXPECT_EQ(
      counts.null_keys + counts.empty_keys + counts.null_values + counts.empty_values + counts.with_headers,
      0);
  EXPECT_EQ(counts.smallest, 1000u);
  EXPECT_EQ(counts.largest, 1000u);
}

TEST(RecordGenerator, NeverMakesNullKeysForCompactedTopics) {
  const GenerateOptions options{.mix = RecordMix::compact};
  const auto counts = count(payload_of(options, 2000), 2000);
  EXPECT_EQ(counts.null_keys + counts.empty_keys, 0);
  EXPECT_GT(counts.null_values, 20);
}

TEST(RecordGenerator, RepeatsItselfForTheSameSeedAndPlaceOnly) {
  const GenerateOptions options;
  auto other_seed = options;
  other_seed.seed = 2;
  const auto once = payload_of(options, 50);
  EXPECT_EQ(payload_of(options, 50), once);
  EXPECT_NE(payload_of(other_seed, 50), once);
  EXPECT_NE(payload_of(options, 50, {"orders", PartitionIndex(4)}), once);
}

TEST(RecordGenerator, GoesOnAcrossBatchesAsIfTheyWereOne) {
  const GenerateOptions options{.first_timestamp = 5000};
  RecordGenerator generator(kPlace, options, value_text(options.seed, options.size.largest));
  std::vector<std::int64_t> timestamps;
  for (int i = 0; i < 3; ++i) {
    protocol::BatchBuilder batch;
    ASSERT_EQ(generator.fill(batch, 2, 1 << 20, 0).value(), 2);
    const auto header = batch.finish({}, batch.payload()).value();
    timestamps.push_back(load_be<std::int64_t>(header, protocol::batch_layout::kBaseTimestampAt));
  }
  EXPECT_EQ(timestamps, (std::vector<std::int64_t>{5000, 5002, 5004}));
}

TEST(RecordGenerator, KeepsBatchesBelowTheirSizeButNeverEmpty) {
  const GenerateOptions options{.size = {1000, 1000}, .mix = RecordMix::plain};
  RecordGenerator generator(kPlace, options, value_text(options.seed, options.size.largest));
  protocol::BatchBuilder batch;
  const auto several = generator.fill(batch, kAll, 16384, 0);
  EXPECT_GT(several.value(), 10);
  EXPECT_LE(batch.size(), 16384u);
  batch.clear();
  EXPECT_EQ(generator.fill(batch, kAll, 1, 0).value(), 1);
}

TEST(RecordGenerator, SaysWhereInTheTopicAValueWasMade) {
  const GenerateOptions options{.size = {100, 100}, .mix = RecordMix::plain};
  const auto payload = payload_of(options, 3);
  EXPECT_NE(as_text(payload).find("orders-3:2;"), std::string_view::npos);
}

}  // namespace
}  // namespace longhaul::app
