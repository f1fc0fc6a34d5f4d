#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "codecs/compression.h"
#include "protocol/record.h"

namespace longhaul::protocol {

/// One message of magic 0 or 1, with views into the bytes it was parsed from. Its value is a record's, or,
/// where it is a wrapper, a compressed message set. Kafka documentation, "Message Format"; KIP-32 for
/// magic 1.
struct LegacyMessage {
  int magic = 0;
  /// The offset in front of it: in a log absolute, of a wrapper that of its last message, inside a wrapper of
  /// magic 1 relative.
  Offset offset;
  std::int8_t attributes = 0;
  /// -1 for magic 0, which has none.
  std::int64_t timestamp = -1;
  NullableBytes key;
  NullableBytes value;

  [[nodiscard]] codecs::Compression compression() const {
    return static_cast<codecs::Compression>(attributes & 0x07);
  }
  [[nodiscard]] bool is_wrapper() const { return compression() != codecs::Compression::none; }
  /// The timestamp is that of appending; in a wrapper it holds for all its messages.
  [[nodiscard]] bool is_log_append_time() const { return magic == 1 && (attributes & 0x08) != 0; }
};

/// Walks a message set: what a wrapper holds, or what a segment of an old log holds.
class LegacyMessageReader {
 public:
  explicit LegacyMessageReader(ConstBytes set) : rest_(set) {}

  /// The next message, its checksum (CRC-32, from the magic byte on) checked; nothing at the end. An error
  /// (RecordErrc) is final. Unlike the records of a Fetch answer, a set must not end inside a message.
  [[nodiscard]] Result<std::optional<LegacyMessage>> next();

 private:
  ConstBytes rest_;
};

}  // namespace longhaul::protocol
