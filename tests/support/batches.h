#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "codecs/codec.h"
#include "protocol/record.h"
#include "protocol/record_batch.h"

/// Builders for record batches in tests: what a test does not name gets a plain default.
namespace longhaul::testing {

/// A record that owns its bytes. nullopt is null.
struct TestRecord {
  std::optional<std::string> key = {};
  std::optional<std::string> value = {};
  std::int64_t timestamp = 1'700'000'000'000;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  /// Place in the batch; by default behind the record before it.
  std::optional<std::int32_t> offset_delta = {};
};

[[nodiscard]] inline protocol::NullableBytes nullable_bytes(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

/// `batch_builder().records(20).codec(Compression::zstd).build()`
class TestBatch {
 public:
  /// `count` records "key-i" and "value-i", a millisecond apart, behind those that are there.
  TestBatch& records(int count) {
    for (int i = 0; i < count; ++i) {
      const auto n = static_cast<std::int64_t>(records_.size());
      records_.push_back(
          {fmt::format("key-{}", n), fmt::format("value-{}", n), 1'700'000'000'000 + n, {}, {}});
    }
    return *this;
  }
  TestBatch& record(TestRecord record) {
    records_.push_back(std::move(record));
    return *this;
  }
  TestBatch& codec(codecs::Compression type) {
    options_.compression = type;
    return *this;
  }
  TestBatch& base_offset(std::int64_t offset) {
    options_.base_offset = offset;
    return *this;
  }
  TestBatch& leader_epoch(std::int32_t epoch) {
    options_.leader_epoch = epoch;
    return *this;
  }
  TestBatch& producer(std::int64_t id, std::int16_t epoch, std::int32_t sequence) {
    options_.producer = {.producer_id = ProducerId(id), .producer_epoch = epoch, .base_sequence = sequence};
    return *this;
  }
  /// Bits of the attributes besides the compression type, see protocol::batch_layout.
  TestBatch& attribute_bits(std::int16_t bits) {
    options_.attribute_bits = static_cast<std::int16_t>(options_.attribute_bits | bits);
    return *this;
  }
  TestBatch& transactional() { return attribute_bits(protocol::batch_layout::kTransactionalBit); }
  TestBatch& log_append_time(std::int64_t time) {
    options_.max_timestamp = time;
    return attribute_bits(protocol::batch_layout::kLogAppendTimeBit);
  }
  /// Makes the range end behind the last record, as compaction does.
  TestBatch& last_offset_delta(std::int32_t delta) {
    options_.last_offset_delta = delta;
    return *this;
  }
  /// A transaction marker in place of other records.
  TestBatch& control(protocol::ControlType type) {
    std::string key(4, '\0');
    key[3] = static_cast<char>(type);
    records_ = {{.key = key, .value = std::string(6, '\0'), .headers = {}, .offset_delta = {}}};
    return attribute_bits(protocol::batch_layout::kControlBit).transactional();
  }

  /// Header and payload. Throws where the records cannot form a batch.
  [[nodiscard]] Bytes build() const {
    protocol::BatchBuilder builder;
    for (const auto& record : records_) {
      std::vector<protocol::RecordHeader> headers;
      for (const auto& [key, value] : record.headers)
        headers.push_back({as_bytes(key), nullable_bytes(value)});
      const protocol::NewRecord added{.timestamp = record.timestamp,
                                      .key = nullable_bytes(record.key),
                                      .value = nullable_bytes(record.value),
                                      .headers = headers};
      must(record.offset_delta ? builder.add_at(*record.offset_delta, added) : builder.add(added));
    }
    const auto payload = must(codecs::compress(options_.compression, builder.payload()));
    const auto header = must(builder.finish(options_, payload));
    Bytes batch(header.begin(), header.end());
    batch.insert(batch.end(), payload.begin(), payload.end());
    return batch;
  }

 private:
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::logic_error(result.error().message());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
  }

  std::vector<TestRecord> records_;
  protocol::BatchOptions options_;
};

[[nodiscard]] inline TestBatch batch_builder() {
  return {};
}

/// Several batches as one record set.
[[nodiscard]] inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes whole;
  for (const auto& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

inline void overwrite(Bytes& batch, const protocol::BatchHeader& header) {
  std::ranges::copy(header, batch.begin());
}

}  // namespace longhaul::testing
