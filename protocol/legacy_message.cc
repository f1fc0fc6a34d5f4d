#include "protocol/legacy_message.h"

#include "codecs/crc32.h"
#include "protocol/record_batch.h"

namespace longhaul::protocol {
namespace {

constexpr std::size_t kSizeAt = 8;
constexpr std::size_t kSizeEndsAt = 12;
constexpr std::size_t kCrcAt = 12;
constexpr std::size_t kChecksummedFrom = 16;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kAttributesAt = 17;
constexpr std::size_t kTimestampAt = 18;
constexpr std::size_t kSmallestMessage = 12 + 14;
constexpr std::size_t kTimestampSize = 8;

/// Takes bytes behind a length of four bytes off the front of `rest`; -1 is null.
Result<NullableBytes> take_nullable(ConstBytes& rest) {
  if (rest.size() < 4) return fail(RecordErrc::truncated);
  const auto length = load_be<std::int32_t>(rest);
  rest = rest.subspan(4);
  if (length == -1) return NullableBytes();
  if (length < 0) return fail(RecordErrc::bad_length);
  const auto size = static_cast<std::size_t>(length);
  if (size > rest.size()) return fail(RecordErrc::truncated);
  const auto bytes = rest.first(size);
  rest = rest.subspan(size);
  return bytes;
}

Result<LegacyMessage> parse(ConstBytes bytes) {
  LegacyMessage message;
  message.offset = Offset(load_be<std::int64_t>(bytes));
  message.magic = load_be<std::uint8_t>(bytes, kMagicAt);
  message.attributes = load_be<std::int8_t>(bytes, kAttributesAt);
  auto rest = bytes.subspan(kTimestampAt);
  if (message.magic == 1) {
    if (rest.size() < kTimestampSize) return fail(RecordErrc::truncated);
    message.timestamp = load_be<std::int64_t>(rest);
    rest = rest.subspan(kTimestampSize);
  }
  LH_TRY(message.key, take_nullable(rest));
  LH_TRY(message.value, take_nullable(rest));
  if (!rest.empty()) return fail(RecordErrc::trailing_bytes);
  return message;
}

}  // namespace

Result<std::optional<LegacyMessage>> LegacyMessageReader::next() {
  if (rest_.empty()) return std::nullopt;
  if (rest_.size() < kSmallestMessage) return fail(RecordErrc::truncated);
  const auto length = load_be<std::int32_t>(rest_, kSizeAt);
  if (length < static_cast<std::int32_t>(kSmallestMessage - kSizeEndsAt)) return fail(RecordErrc::bad_length);
  const auto size = kSizeEndsAt + static_cast<std::size_t>(length);
  if (size > rest_.size()) return fail(RecordErrc::truncated);
  const auto bytes = rest_.first(size);
  const auto magic = load_be<std::int8_t>(bytes, kMagicAt);
  if (magic != 0 && magic != 1) return fail(RecordErrc::unsupported_magic);
  // Before anything else is believed: the lengths below stand inside what the checksum covers.
  if (codecs::crc32(bytes.subspan(kChecksummedFrom)) != load_be<std::uint32_t>(bytes, kCrcAt)) {
    return fail(RecordErrc::bad_checksum);
  }
  LH_TRY(auto message, parse(bytes));
  rest_ = rest_.subspan(size);
  return message;
}

}  // namespace longhaul::protocol
