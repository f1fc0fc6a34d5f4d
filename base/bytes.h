#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace longhaul {

using Bytes = std::vector<std::byte>;
using ConstBytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// Integer at byte `at`, big endian as everything in Kafka's protocol. The caller has checked the bounds.
template <std::integral T>
[[nodiscard]] T load_be(ConstBytes in, std::size_t at = 0) {
  T value;
  std::memcpy(&value, in.data() + at, sizeof value);
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) value = std::byteswap(value);
  return value;
}

template <std::integral T>
void store_be(MutableBytes out, std::size_t at, T value) {
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

[[nodiscard]] inline ConstBytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The bytes as text; valid as long as they are.
[[nodiscard]] inline std::string_view as_text(ConstBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace longhaul
