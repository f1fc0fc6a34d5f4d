#pragma once

#include <array>
#include <bit>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace longhaul::protocol {

/// What is wrong with bytes that came from a peer, or with a value that cannot become bytes.
enum class WireErrc : std::uint8_t {
  truncated = 1,        ///< The bytes end inside a value, or a length points behind the end.
  bad_length,           ///< A length or count that no value can have: below -1, or a string above 32767.
  bad_varint,           ///< A varint that does not end, or does not fit its integer.
  unexpected_null,      ///< Null where the protocol allows none.
  trailing_bytes,       ///< Bytes are left behind the last field.
  bad_tagged_fields,    ///< Tags out of order or repeated, or a payload of another size than announced.
  unsupported_version,  ///< A version outside our range of that API.
  not_in_version,       ///< A value that is not the default has no place in that version.
  frame_too_large,  ///< A frame above the limit of the connection: mostly a peer that does not speak Kafka.
  bad_frame_size,   ///< A frame size that no request or response has.
  unknown_api,      ///< A request for an API that is not in our table.
};

[[nodiscard]] const boost::system::error_category& wire_category();
[[nodiscard]] inline ErrorCode make_error_code(WireErrc code) {
  return {static_cast<int>(code), wire_category()};
}

/// Takes values from the front of foreign bytes. Failure is sticky: the first one is kept, everything after
/// it reads as zero or empty and nothing is consumed, so a decoder reads all its fields and asks `ok()` once.
/// Views that it returns live as long as the bytes it was given.
class Reader {
 public:
  explicit Reader(ConstBytes in) : next_(in.data()), end_(in.data() + in.size()) {}

  [[nodiscard]] bool ok() const { return error_ == WireErrc{}; }
  [[nodiscard]] WireErrc error() const { return error_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }

  /// Keeps the first error, and ends the reading.
  void fail(WireErrc error) {
    if (ok()) error_ = error;
    end_ = next_;
  }

  /// Big endian.
  template <std::integral T>
  [[nodiscard]] T integer() {
    if (remaining() < sizeof(T)) {
      fail(WireErrc::truncated);
      return T{};
    }
    const T value = load_be<T>({next_, sizeof(T)});
    next_ += sizeof(T);
    return value;
  }

  [[nodiscard]] bool boolean() { return integer<std::uint8_t>() != 0; }
  [[nodiscard]] TopicId uuid();

  /// LEB128 of at most 5 bytes. Padded forms (KIP-482 does not forbid them) are accepted.
  [[nodiscard]] std::uint32_t unsigned_varint() {
    if (remaining() > 0 && static_cast<std::uint8_t>(*next_) < 0x80)
      return static_cast<std::uint8_t>(*next_++);
    return long_unsigned_varint<std::uint32_t>();
  }
  /// Zig-zag, as inside records.
  [[nodiscard]] std::int32_t varint();
  [[nodiscard]] std::int64_t varlong();

  /// The next `size` bytes, not copied.
  [[nodiscard]] ConstBytes take(std::size_t size) {
    if (remaining() < size) {
      fail(WireErrc::truncated);
      return {};
    }
    const ConstBytes taken(next_, size);
    next_ += size;
    return taken;
  }

  /// Content of a string of at most 32767 bytes; nullopt for null. Compact (KIP-482) when `flexible`.
  [[nodiscard]] std::optional<std::string_view> string(bool flexible);
  /// Content of `bytes` or `records`; nullopt for null.
  [[nodiscard]] std::optional<ConstBytes> bytes(bool flexible);
  /// Count of an array whose elements take at least `element_size_min` bytes each; nullopt for null.
  /// A count that the remaining bytes cannot hold is refused, so the caller may reserve it.
  [[nodiscard]] std::optional<std::size_t> array(bool flexible, std::size_t element_size_min);

  /// Passes over a whole section of tagged fields (KIP-482).
  void skip_tagged_fields();

 private:
  template <class U>
  U long_unsigned_varint();
  [[nodiscard]] std::int64_t length(bool flexible);

  const std::byte* next_;
  const std::byte* end_;
  WireErrc error_{};
};

/// Bytes to be written at one go: owned ones, with references to external ones in between. References are not
/// copied; the caller keeps what they point to alive until the write has completed.
class GatherBuffer {
 public:
  void append(ConstBytes bytes) { owned_.insert(owned_.end(), bytes.begin(), bytes.end()); }
  /// Puts `external` at the end without a copy.
  void reference(ConstBytes external);

  /// Everything, owned and referenced.
  [[nodiscard]] std::size_t size() const { return owned_.size() + referenced_size_; }
  [[nodiscard]] std::size_t owned_size() const { return owned_.size(); }
  /// The bytes in order, none of the pieces empty. Valid until this buffer changes, moves included.
  [[nodiscard]] std::vector<ConstBytes> pieces() const;
  /// One contiguous copy: for tests and small things.
  [[nodiscard]] Bytes flattened() const;

  void reserve(std::size_t owned_bytes) { owned_.reserve(owned_bytes); }
  /// Overwrites the integer at byte `at` of the owned bytes, which have been appended before.
  template <std::integral T>
  void patch(std::size_t at, T value) {
    store_be(owned_, at, value);
  }

 private:
  struct Reference {
    std::size_t at;  ///< Number of owned bytes in front of it.
    ConstBytes bytes;
  };
  Bytes owned_;
  std::vector<Reference> references_;
  std::size_t referenced_size_ = 0;
};

/// Number of bytes of an unsigned varint.
[[nodiscard]] constexpr std::size_t unsigned_varint_size(std::uint32_t value) {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

/// Puts values at the end of a GatherBuffer.
class Writer {
 public:
  explicit Writer(GatherBuffer& out) : out_(&out) {}

  template <std::integral T>
  void integer(T value) {
    std::array<std::byte, sizeof(T)> wire;
    store_be(wire, 0, value);
    out_->append(wire);
  }
  void boolean(bool value) { integer(static_cast<std::uint8_t>(value)); }
  void uuid(const TopicId& id) { out_->append(std::as_bytes(std::span(id.bytes))); }
  void unsigned_varint(std::uint32_t value);
  /// Zig-zag, as inside records.
  void varint(std::int32_t value);
  void varlong(std::int64_t value);
  void raw(ConstBytes bytes) { out_->append(bytes); }
  void reference(ConstBytes external) { out_->reference(external); }

 private:
  GatherBuffer* out_;
};

/// Counts what a Writer would write.
class SizeCounter {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  template <std::integral T>
  void integer(T /*value*/) {
    size_ += sizeof(T);
  }
  void boolean(bool /*value*/) { size_ += 1; }
  void uuid(const TopicId& id) { size_ += id.bytes.size(); }
  void unsigned_varint(std::uint32_t value) { size_ += unsigned_varint_size(value); }
  void raw(ConstBytes bytes) { size_ += bytes.size(); }
  void reference(ConstBytes external) { size_ += external.size(); }

 private:
  std::size_t size_ = 0;
};

}  // namespace longhaul::protocol

template <>
struct boost::system::is_error_code_enum<longhaul::protocol::WireErrc> : std::true_type {};
