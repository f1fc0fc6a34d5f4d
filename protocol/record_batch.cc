#include "protocol/record_batch.h"

#include <algorithm>
#include <limits>
#include <string>

#include "codecs/crc32c.h"

namespace longhaul::protocol {
namespace {

using namespace batch_layout;

constexpr std::int8_t kMagic = 2;
constexpr std::int32_t kNoLeaderEpoch = -1;
/// Behind the length field of magic 0: crc, magic, attributes and two lengths. Magic 1 adds a timestamp.
constexpr std::int32_t kSmallestLengthMagic0 = 14;
constexpr std::int32_t kSmallestLengthMagic1 = 22;
constexpr std::int32_t kSmallestLengthMagic2 = kHeaderSize - kLengthEndsAt;

class RecordCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "record"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<RecordErrc>(code)) {
      case RecordErrc::truncated:
        return "the bytes end inside a record batch";
      case RecordErrc::bad_length:
        return "a length inside a record batch is impossible";
      case RecordErrc::unsupported_magic:
        return "the record format (magic) is not known here";
      case RecordErrc::bad_count:
        return "the record count does not match the batch";
      case RecordErrc::bad_offset:
        return "an offset is out of range";
      case RecordErrc::bad_varint:
        return "a variable-length integer is too long";
      case RecordErrc::trailing_bytes:
        return "bytes are left behind the last record";
      case RecordErrc::out_of_order:
        return "the offsets inside a record batch do not rise";
      case RecordErrc::bad_checksum:
        return "the checksum of a record batch does not match its bytes";
      case RecordErrc::too_large:
        return "the records do not fit into one batch";
    }
    return "unknown record error";
  }
};

/// Whether `delta + 1` offsets from `base` on, and the offset behind them, are numbers.
bool offsets_fit(std::int64_t base, std::int32_t delta) {
  return base >= 0 && base <= std::numeric_limits<std::int64_t>::max() - delta - 1;
}

ConstBytes checksummed(const BatchHeader& header) {
  return ConstBytes(header).subspan(kChecksummedFrom);
}

std::int32_t smallest_length(std::int8_t magic) {
  if (magic == 0) return kSmallestLengthMagic0;
  return magic == 1 ? kSmallestLengthMagic1 : kSmallestLengthMagic2;
}

}  // namespace

const boost::system::error_category& record_category() {
  static const RecordCategory category;
  return category;
}

Result<RecordBatchView> RecordBatchView::parse(ConstBytes in) {
  if (in.size() < kHeaderSize) return fail(RecordErrc::truncated);
  const auto length = load_be<std::int32_t>(in, kLengthAt);
  if (length < kSmallestLengthMagic2) return fail(RecordErrc::bad_length);
  if (load_be<std::int8_t>(in, kMagicAt) != kMagic) return fail(RecordErrc::unsupported_magic);
  const std::size_t size = kLengthEndsAt + static_cast<std::size_t>(length);
  if (size > in.size()) return fail(RecordErrc::truncated);

  const RecordBatchView batch(in.first(size));
  const auto delta = batch.last_offset_delta();
  if (delta < 0 || !offsets_fit(batch.base_offset().value(), delta)) return fail(RecordErrc::bad_offset);
  const auto count = batch.records_count();
  if (count < 0 || std::int64_t{count} > std::int64_t{delta} + 1) return fail(RecordErrc::bad_count);
  return batch;
}

BatchHeader RecordBatchView::header() const {
  BatchHeader header;
  std::ranges::copy(bytes_.first(kHeaderSize), header.begin());
  return header;
}

bool RecordBatchView::has_valid_crc() const {
  return codecs::crc32c::value(bytes_.subspan(kChecksummedFrom)) == crc();
}

BatchHeader restamped(const RecordBatchView& batch, const ProducerStamp& stamp) {
  const BatchHeader before = batch.header();
  BatchHeader header = before;
  store_be(header, kBaseOffsetAt, std::int64_t{0});
  store_be(header, kLeaderEpochAt, kNoLeaderEpoch);
  const auto attributes = (batch.attributes() & kCompressionMask) | stamp.attribute_bits();
  store_be(header, kAttributesAt, static_cast<std::int16_t>(attributes));
  store_be(header, kProducerIdAt, stamp.producer_id.value());
  store_be(header, kProducerEpochAt, stamp.producer_epoch);
  store_be(header, kBaseSequenceAt, stamp.base_sequence);
  store_be(header, kCrcAt,
           codecs::crc32c::replaced_prefix(batch.crc(), checksummed(before), checksummed(header),
                                           batch.payload().size()));
  return header;
}

RecordSetEntry RecordSetReader::malformed(RecordErrc reason, ConstBytes rest) {
  stopped_ = true;
  return MalformedEntry{Error{reason, {}}, at_, Offset(load_be<std::int64_t>(rest, kBaseOffsetAt))};
}

std::optional<RecordSetEntry> RecordSetReader::next() {
  const auto rest = records_.subspan(at_);
  if (stopped_ || rest.size() < kLengthEndsAt) return std::nullopt;

  // Judge what is visible of an entry before asking whether it is complete: a broken length would otherwise
  // pass for an incomplete entry, and be fetched for ever.
  const auto length = load_be<std::int32_t>(rest, kLengthAt);
  if (length < kSmallestLengthMagic0) return malformed(RecordErrc::bad_length, rest);
  const std::size_t size = kLengthEndsAt + static_cast<std::size_t>(length);
  const bool magic_visible = rest.size() > kMagicAt;
  const auto magic = magic_visible ? load_be<std::int8_t>(rest, kMagicAt) : kMagic;
  if (magic < 0 || magic > kMagic) return malformed(RecordErrc::unsupported_magic, rest);
  if (magic_visible && length < smallest_length(magic)) return malformed(RecordErrc::bad_length, rest);
  if (size > rest.size()) {
    stopped_ = true;
    incomplete_size_ = size;
    return std::nullopt;
  }

  if (magic != kMagic) {
    at_ += size;
    return LegacyEntry{magic, Offset(load_be<std::int64_t>(rest, kBaseOffsetAt)), rest.first(size)};
  }
  auto batch = RecordBatchView::parse(rest.first(size));
  if (!batch) return malformed(static_cast<RecordErrc>(batch.error().code.value()), rest);
  at_ += size;
  return *batch;
}

}  // namespace longhaul::protocol
