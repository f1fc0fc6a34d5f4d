#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/error_code.h"
#include "protocol/wire.h"

/// Every structure of the protocol describes itself once:
///
///     static void describe(auto& m, auto&& field) {
///       field("name", m.name, nullable_since(12));
///       field("topic_id", m.topic_id, since(10), ignorable);
///     }
///
/// in wire order, tagged fields by ascending tag. Decode, encode, size and print are visitors of that
/// description (message_codec.h); each message is instantiated once, in a source file of messages/.
///
/// A field's member initialiser is Kafka's default, except that a field which may be null in every version
/// starts as null. A version that does not carry the field decodes to it, and encodes no other value unless
/// the field is ignorable. Whether a version is flexible (compact lengths and tagged fields, KIP-482) comes
/// from the API table.
///
/// Types: bool, integers, enumerations of a fixed integer, TopicId (uuid), std::string, Bytes (bytes),
/// ConstBytes and RecordsRef (records), structures, std::vector of those; std::optional<std::string or
/// std::vector> where null exists.
namespace longhaul::protocol {

/// How a field lives in the versions of its message.
struct FieldRules {
  int since = 0;
  int until = std::numeric_limits<int>::max();
  int nullable_since = 0;
  int tag = -1;  ///< -1: among the plain fields.
  bool ignorable = false;

  [[nodiscard]] constexpr bool in(int version) const { return version >= since && version <= until; }
  [[nodiscard]] constexpr bool is_tagged() const { return tag >= 0; }
  [[nodiscard]] constexpr bool is_nullable(int version) const { return version >= nullable_since; }
};

struct Since {
  int version;
  constexpr void apply(FieldRules& rules) const { rules.since = version; }
};
struct Until {
  int version;
  constexpr void apply(FieldRules& rules) const { rules.until = version; }
};
struct NullableSince {
  int version;
  constexpr void apply(FieldRules& rules) const { rules.nullable_since = version; }
};
struct Tagged {
  int tag;
  int since;
  constexpr void apply(FieldRules& rules) const {
    rules.tag = tag;
    rules.since = since;
  }
};
struct Ignorable {
  constexpr void apply(FieldRules& rules) const { rules.ignorable = true; }
};

/// First version that carries the field.
[[nodiscard]] constexpr Since since(int version) {
  return {version};
}
/// Last version that carries the field.
[[nodiscard]] constexpr Until until(int version) {
  return {version};
}
/// First version in which an optional may be null; without it, every version.
[[nodiscard]] constexpr NullableSince nullable_since(int version) {
  return {version};
}
/// From that version on the field lives in the structure's tagged fields, written only when it is not the
/// default.
[[nodiscard]] constexpr Tagged tagged(int tag, int since_version) {
  return {tag, since_version};
}
/// A version without the field drops its value silently; otherwise encoding it is an error.
inline constexpr Ignorable ignorable{};

template <class... Options>
[[nodiscard]] constexpr FieldRules field_rules(const Options&... options) {
  FieldRules rules;
  (options.apply(rules), ...);
  return rules;
}

/// The records of one partition to be produced: a patched batch header and the untouched payload behind it. A
/// GatherBuffer references both, so they must outlive the write. Null records when both point nowhere.
/// Decoded from a request, everything is in `payload`.
struct RecordsRef {
  ConstBytes header;
  ConstBytes payload;

  [[nodiscard]] bool is_null() const { return header.data() == nullptr && payload.data() == nullptr; }
  [[nodiscard]] std::size_t size() const { return header.size() + payload.size(); }
};

template <class M>
concept Message = requires {
  { M::kApi } -> std::convertible_to<ApiKey>;
};

/// A request names the structure of its response.
template <class M>
concept RequestMessage = Message<M> && requires { typename M::Response; };

/// Appends the body of `message` as of `version`. Records are referenced, not copied.
/// Errors: `unsupported_version`; `not_in_version`; `unexpected_null` where that version knows no null;
/// `bad_length` for strings above 32767 bytes. The detail names message, version and field; `out` is then
/// half written.
template <Message M>
[[nodiscard]] Result<void> encode(const M& message, int version, GatherBuffer& out);

/// The message that takes up `body` to its last byte. Views inside (records) point into `body`.
/// Errors: any WireErrc; the detail names message, version and field. Unknown tagged fields are passed over.
template <Message M>
[[nodiscard]] Result<M> decode(ConstBytes body, int version);

/// Number of bytes that `encode` appends, referenced records included, for a message that it does not refuse.
template <Message M>
[[nodiscard]] std::size_t encoded_size(const M& message, int version);

/// One line for logs and test failures, such as `EndTxnRequest{transactional_id="a", ...}`. Shows all fields
/// whatever their versions. Of bytes and records only the size is shown: they may hold secrets, and are long.
template <Message M>
[[nodiscard]] std::string print(const M& message);

}  // namespace longhaul::protocol
