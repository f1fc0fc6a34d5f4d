#include "protocol/wire.h"

#include <algorithm>
#include <limits>
#include <span>

namespace longhaul::protocol {
namespace {

constexpr std::size_t kStringSizeMax = 0x7fff;

class WireCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "wire"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<WireErrc>(code)) {
      case WireErrc::truncated:
        return "the bytes end inside a value";
      case WireErrc::bad_length:
        return "impossible length or count";
      case WireErrc::bad_varint:
        return "malformed varint";
      case WireErrc::unexpected_null:
        return "null where none is allowed";
      case WireErrc::trailing_bytes:
        return "bytes left behind the last field";
      case WireErrc::bad_tagged_fields:
        return "malformed tagged fields";
      case WireErrc::unsupported_version:
        return "version outside the supported range";
      case WireErrc::not_in_version:
        return "this version has no place for a value that is not the default";
      case WireErrc::frame_too_large:
        return "frame above the size limit";
      case WireErrc::bad_frame_size:
        return "impossible frame size";
      case WireErrc::unknown_api:
        return "unknown API key";
    }
    return "unknown wire error " + std::to_string(code);
  }
};

template <class U>
void append_unsigned_varint(GatherBuffer& out, U value) {
  std::array<std::byte, (std::numeric_limits<U>::digits + 6) / 7> wire;
  std::size_t size = 0;
  while (value >= 0x80) {
    wire[size++] = static_cast<std::byte>(value | 0x80U);
    value >>= 7U;
  }
  wire[size++] = static_cast<std::byte>(value);
  out.append(ConstBytes(wire).first(size));
}

}  // namespace

const boost::system::error_category& wire_category() {
  static const WireCategory category;
  return category;
}

TopicId Reader::uuid() {
  TopicId id;
  const auto bytes = take(id.bytes.size());
  if (ok()) std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
  return id;
}

template <class U>
U Reader::long_unsigned_varint() {
  U value = 0;
  for (int shift = 0; shift < std::numeric_limits<U>::digits; shift += 7) {
    const auto byte = integer<std::uint8_t>();
    const auto part = static_cast<U>(byte & 0x7fU);
    const auto shifted = static_cast<U>(part << static_cast<unsigned>(shift));
    if (static_cast<U>(shifted >> static_cast<unsigned>(shift)) != part) break;
    value |= shifted;
    if (byte < 0x80) return value;
  }
  fail(WireErrc::bad_varint);
  return 0;
}

template std::uint32_t Reader::long_unsigned_varint<std::uint32_t>();

std::int32_t Reader::varint() {
  const auto raw = unsigned_varint();
  return static_cast<std::int32_t>((raw >> 1U) ^ (~(raw & 1U) + 1U));
}

std::int64_t Reader::varlong() {
  const auto raw = long_unsigned_varint<std::uint64_t>();
  return static_cast<std::int64_t>((raw >> 1U) ^ (~(raw & 1U) + 1U));
}

std::int64_t Reader::length(bool flexible) {
  const auto length = flexible ? std::int64_t{unsigned_varint()} - 1 : std::int64_t{integer<std::int32_t>()};
  return ok() ? length : 0;
}

std::optional<std::string_view> Reader::string(bool flexible) {
  const auto size = flexible ? length(true) : std::int64_t{integer<std::int16_t>()};
  if (size == -1) return std::nullopt;
  if (size < -1 || size > std::int64_t{kStringSizeMax}) fail(WireErrc::bad_length);
  return as_text(take(ok() ? static_cast<std::size_t>(size) : 0));
}

std::optional<ConstBytes> Reader::bytes(bool flexible) {
  const auto size = length(flexible);
  if (size == -1) return std::nullopt;
  if (size < -1) fail(WireErrc::bad_length);
  return take(ok() ? static_cast<std::size_t>(size) : 0);
}

std::optional<std::size_t> Reader::array(bool flexible, std::size_t element_size_min) {
  const auto count = length(flexible);
  if (count == -1) return std::nullopt;
  if (count < -1) fail(WireErrc::bad_length);
  if (!ok()) return 0;
  const auto elements = static_cast<std::size_t>(count);
  if (elements > remaining() / std::max<std::size_t>(element_size_min, 1)) {
    fail(WireErrc::truncated);
    return 0;
  }
  return elements;
}

void Reader::skip_tagged_fields() {
  const auto count = unsigned_varint();
  std::int64_t previous = -1;
  for (std::uint32_t i = 0; i < count && ok(); ++i) {
    const std::int64_t tag = unsigned_varint();
    if (tag <= previous) fail(WireErrc::bad_tagged_fields);
    previous = tag;
    const std::size_t size = unsigned_varint();
    static_cast<void>(take(size));
  }
}

void GatherBuffer::reference(ConstBytes external) {
  if (external.empty()) return;
  references_.push_back({owned_.size(), external});
  referenced_size_ += external.size();
}

std::vector<ConstBytes> GatherBuffer::pieces() const {
  std::vector<ConstBytes> pieces;
  pieces.reserve(2 * references_.size() + 1);
  const ConstBytes owned(owned_);
  std::size_t done = 0;
  for (const auto& reference : references_) {
    if (reference.at > done) pieces.push_back(owned.subspan(done, reference.at - done));
    pieces.push_back(reference.bytes);
    done = reference.at;
  }
  if (owned.size() > done) pieces.push_back(owned.subspan(done));
  return pieces;
}

Bytes GatherBuffer::flattened() const {
  Bytes flat;
  flat.reserve(size());
  for (const auto piece : pieces()) flat.insert(flat.end(), piece.begin(), piece.end());
  return flat;
}

void Writer::unsigned_varint(std::uint32_t value) {
  append_unsigned_varint(*out_, value);
}

void Writer::varint(std::int32_t value) {
  const auto raw = static_cast<std::uint32_t>(value);
  append_unsigned_varint(*out_, (raw << 1U) ^ (value < 0 ? ~std::uint32_t{0} : 0));
}

void Writer::varlong(std::int64_t value) {
  const auto raw = static_cast<std::uint64_t>(value);
  append_unsigned_varint(*out_, (raw << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

}  // namespace longhaul::protocol
