#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "codecs/codec.h"
#include "codecs/crc32.h"

/// Builders for messages of magic 0 and 1 in tests.
namespace longhaul::testing {

struct TestMessage {
  int magic = 1;
  std::int64_t offset = 0;
  std::optional<std::string> key = "key";
  std::optional<std::string> value = "value";
  std::int64_t timestamp = 1'700'000'000'000;
  /// Codec in bits 0 to 2; bit 3 is LogAppendTime.
  std::int8_t attributes = 0;
};

[[nodiscard]] inline Bytes legacy_message(const TestMessage& message) {
  Bytes bytes;
  const auto put = [&bytes](auto number) {
    bytes.resize(bytes.size() + sizeof number);
    store_be(bytes, bytes.size() - sizeof number, number);
  };
  const auto put_text = [&](const std::optional<std::string>& text) {
    put(text ? static_cast<std::int32_t>(text->size()) : -1);
    if (text) {
      const auto view = as_bytes(*text);
      bytes.insert(bytes.end(), view.begin(), view.end());
    }
  };
  put(message.offset);
  put(std::int32_t{0});
  put(std::uint32_t{0});
  put(static_cast<std::int8_t>(message.magic));
  put(message.attributes);
  if (message.magic == 1) put(message.timestamp);
  put_text(message.key);
  put_text(message.value);
  store_be(bytes, 8, static_cast<std::int32_t>(bytes.size() - 12));
  store_be(bytes, 12, codecs::crc32(ConstBytes(bytes).subspan(16)));
  return bytes;
}

/// `inner` compressed into one message; `wrapper` gives offset, magic, timestamp and attributes but the
/// codec.
[[nodiscard]] inline Bytes legacy_wrapper(TestMessage wrapper, codecs::Compression codec,
                                          const std::vector<TestMessage>& inner) {
  Bytes set;
  for (const auto& message : inner) {
    const auto one = legacy_message(message);
    set.insert(set.end(), one.begin(), one.end());
  }
  const auto packed = codecs::compress(codec, set);
  if (!packed) throw std::logic_error(packed.error().message());
  wrapper.key.reset();
  wrapper.value = std::string(as_text(*packed));
  wrapper.attributes = static_cast<std::int8_t>(wrapper.attributes | static_cast<std::int8_t>(codec));
  return legacy_message(wrapper);
}

}  // namespace longhaul::testing
