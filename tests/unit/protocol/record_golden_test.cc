#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "codecs/codec.h"
#include "codecs/crc32c.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"
#include "tests/support/batches.h"

/// Record sets written by Kafka's Java client, beside what Kafka's own reader found in them; see ORIGIN.md
/// there.
namespace longhaul::protocol {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(LH_SOURCE_DIR) / "tests/golden/batches";
constexpr std::size_t kLargestPayload = 16 << 20;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> cases(bool legacy) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const auto name = entry.path().stem().string();
    if (entry.path().extension() == ".bin" && name.starts_with("legacy") == legacy) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// As the generator prints it.
std::string hex(const NullableBytes& bytes) {
  if (!bytes) return "null";
  if (bytes->size() > 64) return fmt::format("{}:{:x}", bytes->size(), codecs::crc32c::value(*bytes));
  std::string text = "'";
  for (const auto byte : *bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text + "'";
}

std::string describe(const RecordBatchView& batch) {
  std::string text = fmt::format(
      "batch magic=2 base={} last={} size={} crc={} count={} codec={} producer={}/{}/{} epoch={} "
      "max={}{}{}{}\n",
      batch.base_offset(), batch.last_offset(), batch.size(), batch.crc(), batch.records_count(),
      codecs::name(batch.compression()), batch.producer_id(), batch.producer_epoch(), batch.base_sequence(),
      batch.leader_epoch(), batch.max_timestamp(), batch.is_transactional() ? " transactional" : "",
      batch.is_control() ? " control" : "", batch.is_log_append_time() ? " append-time" : "");
  const auto payload = codecs::decompress(batch.compression(), batch.payload(), kLargestPayload);
  if (!payload) return text + payload.error().message();
  RecordReader reader(batch, *payload);
  for (;;) {
    const auto record = reader.next();
    if (!record) return text + record.error().message();
    if (!*record) return text;
    text += fmt::format("{} {} {} {}", batch.base_offset() + (*record)->offset_delta,
                        record_timestamp(batch, **record), hex((*record)->key), hex((*record)->value));
    for (const auto& header : (*record)->headers)
      text += fmt::format(" {}={}", hex(header.key), hex(header.value));
    text += '\n';
  }
}

std::vector<RecordBatchView> batches_of(ConstBytes set) {
  std::vector<RecordBatchView> batches;
  RecordSetReader reader(set);
  while (const auto entry = reader.next()) {
    if (const auto* batch = std::get_if<RecordBatchView>(&*entry)) batches.push_back(*batch);
  }
  return batches;
}

/// The description without the batches of old formats.
std::string only_magic_2(const std::string& text) {
  std::string kept;
  bool keep = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    const auto line = text.substr(at, end - at);
    if (line.starts_with("batch")) keep = line.starts_with("batch magic=2");
    if (keep) kept += line;
    at = end;
  }
  return kept;
}

TEST(GoldenBatches, ReadAsKafkasOwnReaderReadsThem) {
  const auto names = cases(false);
  ASSERT_GE(names.size(), 24u);
  for (const auto& name : names) {
    const auto wire = read_text(kFolder / (name + ".bin"));
    std::string text;
    for (const auto& batch : batches_of(as_bytes(wire))) {
      EXPECT_TRUE(batch.has_valid_crc()) << name;
      text += describe(batch);
    }
    EXPECT_EQ(text, only_magic_2(read_text(kFolder / (name + ".txt")))) << name;
  }
}

TEST(GoldenBatches, KeepValidChecksumsWhenRestamped) {
  for (const auto& name : cases(false)) {
    const auto wire = read_text(kFolder / (name + ".bin"));
    for (const auto& batch : batches_of(as_bytes(wire))) {
      Bytes patched(batch.bytes().begin(), batch.bytes().end());
      testing::overwrite(patched, restamped(batch, {ProducerId(123456789), 7, 1000}));
      const auto again = RecordBatchView::parse(patched);
      ASSERT_TRUE(again.has_value()) << name;
      EXPECT_TRUE(again->has_valid_crc()) << name;
      EXPECT_EQ(again->compression(), batch.compression()) << name;
    }
  }
}

TEST(GoldenBatches, RebuildToTheSameBytesWhereNothingIsCompressed) {
  for (const std::string name : {"varied.none", "many.none", "large.none", "extreme.none", "sparse.none"}) {
    const auto wire = read_text(kFolder / (name + ".bin"));
    const auto batch = RecordBatchView::parse(as_bytes(wire));
    ASSERT_TRUE(batch.has_value()) << name;
    BatchBuilder builder;
    RecordReader reader(*batch, batch->payload());
    for (auto record = reader.next(); record && *record; record = reader.next()) {
      std::vector<RecordHeader> headers;
      for (const auto& header : (*record)->headers) headers.push_back(header);
      const NewRecord copy{record_timestamp(*batch, **record), (*record)->key, (*record)->value, headers};
      ASSERT_TRUE(builder.add_at((*record)->offset_delta, copy).has_value()) << name;
    }
    EXPECT_TRUE(std::ranges::equal(builder.payload(), batch->payload())) << name;
    const BatchOptions options{
        .producer = {batch->producer_id(), batch->producer_epoch(), batch->base_sequence()},
        .base_offset = batch->base_offset().value(),
        .leader_epoch = batch->leader_epoch().value(),
        .last_offset_delta = batch->last_offset_delta()};
    EXPECT_EQ(builder.finish(options, builder.payload()).value(), batch->header()) << name;
  }
}

TEST(GoldenBatches, TellTheKindsOfControlBatches) {
  const auto type_of = [](const std::string& name) {
    const auto wire = read_text(kFolder / (name + ".bin"));
    const auto batch = RecordBatchView::parse(as_bytes(wire));
    EXPECT_TRUE(batch->is_control()) << name;
    return control_type(*batch).value();
  };
  EXPECT_EQ(type_of("control.abort"), ControlType::abort);
  EXPECT_EQ(type_of("control.commit"), ControlType::commit);
  EXPECT_EQ(type_of("control.leader_change"), ControlType::leader_change);
}

TEST(GoldenBatches, ShowTheirDeleteHorizon) {
  const auto wire = read_text(kFolder / "delete_horizon.none.bin");
  const auto batch = RecordBatchView::parse(as_bytes(wire));
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->has_delete_horizon());
  EXPECT_EQ(batch->base_timestamp(), 1'700'000'000'000 + 86'400'000);
}

TEST(GoldenBatches, CutAnywhereGiveNoPartOfABatch) {
  const auto wire = read_text(kFolder / "varied.gzip.bin");
  for (std::size_t size = 0; size < wire.size(); ++size) {
    EXPECT_TRUE(batches_of(as_bytes(wire).first(size)).empty()) << size;
  }
}

TEST(GoldenBatches, EndInFrontOfTheCutBatch) {
  const auto wire = read_text(kFolder / "record_set.cut.bin");
  RecordSetReader reader(as_bytes(wire));
  std::string kinds;
  while (const auto entry = reader.next()) kinds += std::to_string(entry->index());
  EXPECT_EQ(kinds,
            "0011"
            "10");  // Batch, marker, three old messages, batch.
  EXPECT_EQ(reader.incomplete_size(), wire.size() - reader.consumed() + 1);
}

TEST(GoldenBatches, RecogniseOldMessageSets) {
  const auto names = cases(true);
  ASSERT_EQ(names.size(), 8u);
  for (const auto& name : names) {
    const auto wire = read_text(kFolder / (name + ".bin"));
    RecordSetReader reader(as_bytes(wire));
    std::vector<LegacyEntry> entries;
    while (const auto entry = reader.next()) {
      ASSERT_TRUE(std::holds_alternative<LegacyEntry>(*entry)) << name;
      entries.push_back(std::get<LegacyEntry>(*entry));
      EXPECT_EQ(entries.back().magic, name[6] - '0') << name;
    }
    // Uncompressed messages stand alone; a compressed set is one wrapper with the offset of its last message.
    EXPECT_EQ(entries.size(), name.ends_with(".none") ? 3u : 1u) << name;
    EXPECT_EQ(entries.back().offset, Offset(202)) << name;
    EXPECT_EQ(reader.consumed(), wire.size()) << name;
  }
}

}  // namespace
}  // namespace longhaul::protocol
