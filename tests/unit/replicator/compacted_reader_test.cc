#include "replicator/compacted_reader.h"

#include <gtest/gtest.h>

#include "tests/unit/replicator/batches.h"

namespace longhaul::replicator {
namespace {

enum class Kind { plain, transactional };

/// Adds one record, or a tombstone where `value` is empty.
void add(CompactedReader& reader, std::int64_t offset, const std::string& key, const std::string& value,
         Kind kind = Kind::plain, std::int64_t producer = 9) {
  protocol::BatchBuilder builder;
  protocol::NewRecord record{.timestamp = 1, .key = as_bytes(key)};
  if (!value.empty()) record.value = as_bytes(value);
  ASSERT_TRUE(builder.add(record));
  protocol::BatchOptions options;
  options.producer = {ProducerId(producer), 0, 0};
  options.base_offset = offset;
  if (kind == Kind::transactional) options.attribute_bits = protocol::batch_layout::kTransactionalBit;
  const auto header = builder.finish(options, builder.payload());
  ASSERT_TRUE(header);
  Bytes batch(header->begin(), header->end());
  batch.insert(batch.end(), builder.payload().begin(), builder.payload().end());
  ASSERT_TRUE(reader.add(*protocol::RecordBatchView::parse(batch)));
}

void end(CompactedReader& reader, std::int64_t offset, protocol::ControlType type,
         std::int64_t producer = 9) {
  const auto batch = testing::encode(testing::SourceBatch{.base = offset,
                                                          .producer_id = producer,
                                                          .attribute_bits = 0x30,
                                                          .control_type = static_cast<std::int16_t>(type)});
  ASSERT_TRUE(reader.add(*protocol::RecordBatchView::parse(batch)));
}

using Values = std::map<std::string, std::optional<std::string>>;

Values take(CompactedReader& reader) {
  Values values;
  for (auto& [key, found] : reader.take()) values[key] = std::move(found.value);
  return values;
}

constexpr auto kAbort = protocol::ControlType::abort;
constexpr auto kCommit = protocol::ControlType::commit;

TEST(CompactedReader, TakesRecordsOfATransactionWithItsCommitMarkerAndNoneThatWereAborted) {
  CompactedReader reader;
  add(reader, 0, "a", "1");
  add(reader, 1, "a", "2", Kind::transactional);
  add(reader, 2, "b", "1");
  EXPECT_EQ(take(reader), (Values{{"a", "1"}, {"b", "1"}})) << "an open one holds up nothing else";
  end(reader, 3, kCommit);
  add(reader, 4, "b", "", Kind::transactional);
  EXPECT_EQ(take(reader), (Values{{"a", "2"}}));
  end(reader, 5, kAbort);
  add(reader, 6, "a", "");
  EXPECT_EQ(take(reader), (Values{{"a", std::nullopt}}));
}

TEST(CompactedReader, OfOneKeyTheLaterRecordCountsWhicheverIsDecidedFirst) {
  CompactedReader reader;
  add(reader, 0, "a", "old", Kind::transactional, 1);
  add(reader, 1, "a", "new");
  end(reader, 2, kCommit, 1);
  EXPECT_EQ(take(reader), (Values{{"a", "new"}}));
  add(reader, 3, "a", "third", Kind::transactional, 1);
  add(reader, 4, "a", "fourth", Kind::transactional, 2);
  end(reader, 5, kCommit, 2);
  end(reader, 6, kCommit, 1);
  EXPECT_EQ(take(reader), (Values{{"a", "fourth"}}));
}

TEST(CompactedReader, SaysWhoWroteTheValueThatCounts) {
  CompactedReader reader;
  add(reader, 0, "a", "1", Kind::plain, 4);
  add(reader, 1, "a", "2", Kind::transactional, 5);
  EXPECT_EQ(reader.take().at("a").writer, ProducerId(4));
  end(reader, 2, kCommit, 5);
  EXPECT_EQ(reader.take().at("a").writer, ProducerId(5));
}

TEST(CompactedReader, OneWithoutItsMarkerEndsLikeTheNextOfItsProducer) {
  CompactedReader reader;
  add(reader, 0, "a", "1", Kind::transactional);
  add(reader, 1, "b", "1", Kind::transactional);
  EXPECT_EQ(take(reader), Values{});
  end(reader, 2, kCommit);
  EXPECT_EQ(take(reader), (Values{{"a", "1"}, {"b", "1"}}));
}

}  // namespace
}  // namespace longhaul::replicator
