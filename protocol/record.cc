#include "protocol/record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <limits>

#include "base/check.h"
#include "codecs/crc32c.h"

namespace longhaul::protocol {
namespace {

constexpr std::size_t kLargestVarint32 = 5;
constexpr std::size_t kLargestVarint64 = 10;
constexpr std::int64_t kLargestInt32 = std::numeric_limits<std::int32_t>::max();

/// Records use zig-zag varints throughout, unlike the rest of the protocol, whose varints are unsigned.
template <std::signed_integral T>
constexpr auto zigzag(T value) {
  using Unsigned = std::make_unsigned_t<T>;
  return static_cast<Unsigned>((static_cast<Unsigned>(value) << 1) ^
                               static_cast<Unsigned>(value >> (sizeof(T) * 8 - 1)));
}

template <std::unsigned_integral T>
constexpr auto unzigzag(T value) {
  return static_cast<std::make_signed_t<T>>((value >> 1) ^ (~(value & 1) + 1));
}

std::size_t varint_size(std::int64_t value) {
  const auto bits = static_cast<std::size_t>(std::bit_width(zigzag(value)));
  return std::max<std::size_t>(1, (bits + 6) / 7);
}

/// Takes values off the front of a byte range. The first failure stays; values after it are zero.
class Cursor {
 public:
  explicit Cursor(ConstBytes rest) : rest_(rest) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] RecordErrc reason() const { return reason_; }
  [[nodiscard]] ConstBytes rest() const { return rest_; }

  std::int32_t varint() { return unzigzag(unsigned_varint<std::uint32_t, kLargestVarint32>()); }
  std::int64_t varlong() { return unzigzag(unsigned_varint<std::uint64_t, kLargestVarint64>()); }
  std::int8_t int8() {
    const auto bytes = take(1);
    return bytes.empty() ? std::int8_t{0} : load_be<std::int8_t>(bytes);
  }
  ConstBytes take(std::size_t size) {
    if (size > rest_.size()) {
      give_up(RecordErrc::truncated);
      return {};
    }
    const auto bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return bytes;
  }
  /// Bytes behind a length that must not be negative.
  ConstBytes sized() {
    const auto length = varint();
    if (length < 0) {
      give_up(RecordErrc::bad_length);
      return {};
    }
    return take(static_cast<std::size_t>(length));
  }
  /// Bytes behind a length; -1 is null, and nothing else below zero is anything.
  NullableBytes nullable() {
    const auto length = varint();
    if (length >= 0) return take(static_cast<std::size_t>(length));
    if (length != -1) give_up(RecordErrc::bad_length);
    return std::nullopt;
  }
  RecordHeader header() {
    RecordHeader header;
    header.key = sized();
    header.value = nullable();
    return header;
  }
  void give_up(RecordErrc reason) {
    if (failed_) return;
    failed_ = true;
    reason_ = reason;
    rest_ = {};
  }

 private:
  template <std::unsigned_integral T, std::size_t kLargest>
  T unsigned_varint() {
    T value = 0;
    for (std::size_t i = 0; i < kLargest; ++i) {
      if (i == rest_.size()) {
        give_up(RecordErrc::truncated);
        return 0;
      }
      const auto byte = std::to_integer<T>(rest_[i]);
      const auto bits = static_cast<T>(byte & 0x7F);
      value |= static_cast<T>(bits << (7 * i));
      if ((byte & 0x80) != 0) continue;
      // The last possible byte has room for more bits than the type has left.
      if (i + 1 == kLargest && static_cast<T>(bits << (7 * i)) >> (7 * i) != bits) break;
      rest_ = rest_.subspan(i + 1);
      return value;
    }
    give_up(RecordErrc::bad_varint);
    return 0;
  }

  ConstBytes rest_;
  bool failed_ = false;
  RecordErrc reason_{};
};

/// Writes into room that was measured before.
class Pen {
 public:
  explicit Pen(MutableBytes out) : out_(out) {}
  void varint(std::int64_t value) {
    auto rest = zigzag(value);
    for (; rest >= 0x80; rest >>= 7) put(static_cast<std::byte>((rest & 0x7F) | 0x80));
    put(static_cast<std::byte>(rest));
  }
  void put(std::byte byte) { out_[at_++] = byte; }
  void nullable(const NullableBytes& bytes) {
    if (!bytes) return varint(-1);
    varint(static_cast<std::int64_t>(bytes->size()));
    std::ranges::copy(*bytes, out_.subspan(at_).begin());
    at_ += bytes->size();
  }
  [[nodiscard]] bool full() const { return at_ == out_.size(); }

 private:
  MutableBytes out_;
  std::size_t at_ = 0;
};

std::size_t encoded_size(const NullableBytes& bytes) {
  if (!bytes) return varint_size(-1);
  return varint_size(static_cast<std::int64_t>(bytes->size())) + bytes->size();
}

/// Timestamps come from peers, and a sum may leave the range; it wraps, as in the Java client.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace

void RecordHeadersView::Iterator::load() {
  if (left_ == 0) return;
  Cursor cursor(rest_);
  current_ = cursor.header();
  LH_CHECK(cursor.ok());
  rest_ = cursor.rest();
}

RecordHeadersView::Iterator& RecordHeadersView::Iterator::operator++() {
  LH_CHECK(left_ > 0);
  --left_;
  load();
  return *this;
}

std::int64_t record_timestamp(const RecordBatchView& batch, const RecordView& record) {
  if (batch.is_log_append_time()) return batch.max_timestamp();
  return create_timestamp(batch, record);
}

std::int64_t create_timestamp(const RecordBatchView& batch, const RecordView& record) {
  return wrapping_add(batch.base_timestamp(), record.timestamp_delta);
}

Result<RecordView> RecordReader::read_record() {
  Cursor outer(rest_);
  Cursor body(outer.sized());
  if (!outer.ok()) return fail(outer.reason());

  RecordView record;
  record.attributes = body.int8();
  record.timestamp_delta = body.varlong();
  record.offset_delta = body.varint();
  record.key = body.nullable();
  record.value = body.nullable();
  const auto headers_count = body.varint();
  const auto headers = body.rest();
  // A header takes two bytes at least, so a count that cannot be true is refused before it is walked.
  if (headers_count < 0 || static_cast<std::size_t>(headers_count) > headers.size() / 2) {
    body.give_up(RecordErrc::bad_count);
  }
  for (std::int32_t i = 0; i < headers_count && body.ok(); ++i) static_cast<void>(body.header());
  if (!body.ok()) return fail(body.reason());
  if (!body.rest().empty()) return fail(RecordErrc::bad_length);
  if (record.offset_delta <= previous_delta_ || record.offset_delta > last_offset_delta_) {
    return fail(RecordErrc::out_of_order);
  }
  record.headers = RecordHeadersView(headers, headers_count);
  previous_delta_ = record.offset_delta;
  rest_ = outer.rest();
  return record;
}

Result<std::optional<RecordView>> RecordReader::next() {
  if (left_ <= 0) {
    if (!rest_.empty()) return fail(RecordErrc::trailing_bytes);
    return std::nullopt;
  }
  if (rest_.empty()) return fail(RecordErrc::bad_count);
  LH_TRY(const auto record, read_record());
  --left_;
  return record;
}

Result<std::optional<ControlType>> control_type(const RecordBatchView& batch) {
  constexpr std::size_t kTypeAt = 2;  // Behind the version of the key.
  if (batch.records_count() == 0) return std::nullopt;
  if (batch.compression() != codecs::Compression::none) return fail(RecordErrc::bad_length);
  LH_TRY(const auto record, RecordReader(batch, batch.payload()).next());
  if (!record || !record->key || record->key->size() < kTypeAt + 2) return fail(RecordErrc::bad_length);
  return static_cast<ControlType>(load_be<std::int16_t>(*record->key, kTypeAt));
}

Result<void> BatchBuilder::add_at(std::int64_t offset_delta, const NewRecord& record) {
  if (offset_delta < next_delta_) return fail(RecordErrc::out_of_order);
  const auto base = empty() ? record.timestamp : base_timestamp_;
  const auto timestamp_delta = wrapping_subtract(record.timestamp, base);
  std::size_t body = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + encoded_size(record.key) +
                     encoded_size(record.value) +
                     varint_size(static_cast<std::int64_t>(record.headers.size()));
  for (const auto& header : record.headers) body += encoded_size(header.key) + encoded_size(header.value);
  const std::size_t whole = varint_size(static_cast<std::int64_t>(body)) + body;
  if (offset_delta >= kLargestInt32 || whole > static_cast<std::size_t>(kLargestInt32) - size()) {
    return fail(RecordErrc::too_large);
  }

  const auto at = payload_.size();
  payload_.resize(at + whole);
  Pen pen(MutableBytes(payload_).subspan(at));
  pen.varint(static_cast<std::int64_t>(body));
  pen.put(std::byte{0});
  pen.varint(timestamp_delta);
  pen.varint(offset_delta);
  pen.nullable(record.key);
  pen.nullable(record.value);
  pen.varint(static_cast<std::int64_t>(record.headers.size()));
  for (const auto& header : record.headers) {
    pen.nullable(header.key);
    pen.nullable(header.value);
  }
  LH_CHECK(pen.full());

  max_timestamp_ = empty() ? record.timestamp : std::max(max_timestamp_, record.timestamp);
  base_timestamp_ = base;
  next_delta_ = offset_delta + 1;
  ++count_;
  return {};
}

Result<BatchHeader> BatchBuilder::finish(const BatchOptions& options, ConstBytes stored_payload) const {
  using namespace batch_layout;
  const std::size_t length = kHeaderSize - kLengthEndsAt + stored_payload.size();
  if (length > static_cast<std::size_t>(kLargestInt32)) return fail(RecordErrc::too_large);
  const auto last_delta = static_cast<std::int32_t>(next_delta_ - 1);

  BatchHeader header;
  store_be(header, kBaseOffsetAt, options.base_offset);
  store_be(header, kLengthAt, static_cast<std::int32_t>(length));
  store_be(header, kLeaderEpochAt, options.leader_epoch);
  store_be(header, kMagicAt, std::int8_t{2});
  const auto attributes = options.attribute_bits | options.producer.attribute_bits() |
                          static_cast<std::int16_t>(options.compression);
  store_be(header, kAttributesAt, static_cast<std::int16_t>(attributes));
  store_be(header, kLastOffsetDeltaAt, options.last_offset_delta.value_or(last_delta));
  store_be(header, kBaseTimestampAt, base_timestamp_);
  store_be(header, kMaxTimestampAt, options.max_timestamp.value_or(max_timestamp_));
  store_be(header, kProducerIdAt, options.producer.producer_id.value());
  store_be(header, kProducerEpochAt, options.producer.producer_epoch);
  store_be(header, kBaseSequenceAt, options.producer.base_sequence);
  store_be(header, kRecordsCountAt, count_);
  const auto head_crc = codecs::crc32c::value(ConstBytes(header).subspan(kChecksummedFrom));
  store_be(header, kCrcAt, codecs::crc32c::extend(head_crc, stored_payload));
  return header;
}

void BatchBuilder::clear() {
  payload_.clear();
  count_ = 0;
  next_delta_ = 0;
  base_timestamp_ = -1;
  max_timestamp_ = -1;
}

}  // namespace longhaul::protocol
