#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/slab.h"
#include "protocol/record.h"
#include "replicator/passthrough.h"

namespace longhaul::replicator::testing {

/// A batch of a source log, uncompressed, with one record per offset unless said otherwise.
struct SourceBatch {
  std::int64_t base = 0;
  std::int32_t records = 1;
  std::int32_t leader_epoch = 0;
  std::int64_t timestamp = 1'700'000'000'000;
  std::int64_t producer_id = -1;
  std::int16_t attribute_bits = 0;
  /// Offset behind the last record within the batch's range; by default the range is dense.
  std::int32_t holes_at_end = 0;
  std::string value = "value";
  std::int16_t control_type = -1;
};

inline Bytes encode(const SourceBatch& source) {
  protocol::BatchBuilder builder;
  Bytes control_key;
  if (source.control_type >= 0) {
    control_key = {std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(source.control_type)};
  }
  for (std::int32_t i = 0; i < source.records; ++i) {
    const auto value = source.value + std::to_string(source.base + i);
    protocol::NewRecord record{.timestamp = source.timestamp, .value = as_bytes(value)};
    if (!control_key.empty()) record.key = ConstBytes(control_key);
    EXPECT_TRUE(builder.add(record).has_value());
  }
  protocol::BatchOptions options;
  options.producer.producer_id = ProducerId(source.producer_id);
  options.producer.producer_epoch = source.producer_id < 0 ? std::int16_t{-1} : std::int16_t{0};
  options.producer.base_sequence = source.producer_id < 0 ? -1 : 0;
  options.attribute_bits = source.attribute_bits;
  options.base_offset = source.base;
  options.leader_epoch = source.leader_epoch;
  if (source.records == 0 || source.holes_at_end > 0) {
    options.last_offset_delta = source.records - 1 + source.holes_at_end;
  }
  const auto header = builder.finish(options, builder.payload());
  EXPECT_TRUE(header.has_value());
  Bytes batch(header->begin(), header->end());
  batch.insert(batch.end(), builder.payload().begin(), builder.payload().end());
  return batch;
}

inline Bytes encode(const std::vector<SourceBatch>& sources) {
  Bytes all;
  for (const auto& source : sources) {
    const auto one = encode(source);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

inline FetchedSet fetched(const std::vector<SourceBatch>& sources, std::int64_t high_watermark = 1'000'000) {
  return {.records = Slice::copy_of(encode(sources)),
          .high_watermark = Offset(high_watermark),
          .last_stable_offset = Offset(high_watermark)};
}

}  // namespace longhaul::replicator::testing
