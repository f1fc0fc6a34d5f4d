#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// Arithmetic of CRC-32C: polynomials over GF(2) modulo the Castagnoli polynomial. A polynomial of degree
/// below 32 is a word in reflected order, as the checksum itself: the most significant bit is the coefficient
/// of x^0.
namespace longhaul::codecs::crc32c::polynomial {

constexpr std::uint32_t kCastagnoli = 0x82F63B78;
constexpr std::uint32_t kOne = 0x80000000;

[[nodiscard]] constexpr std::uint32_t times_x(std::uint32_t a) {
  return (a >> 1) ^ ((a & 1) != 0 ? kCastagnoli : 0);
}

/// Undoes times_x: after a reduction the top bit is set, because the Castagnoli polynomial has the term x^0.
[[nodiscard]] constexpr std::uint32_t over_x(std::uint32_t a) {
  return (a & kOne) != 0 ? ((a ^ kCastagnoli) << 1) | 1 : a << 1;
}

[[nodiscard]] constexpr std::uint32_t product(std::uint32_t a, std::uint32_t b) {
  std::uint32_t result = 0;
  for (std::uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) result ^= b;
    b = times_x(b);
  }
  return result;
}

/// The carry-less multiply and CRC instructions together give a * b * x^33, so factors for them carry x^-33.
constexpr int kHardwareExcess = 33;

[[nodiscard]] constexpr std::uint32_t for_hardware(std::uint32_t factor) {
  for (int i = 0; i < kHardwareExcess; ++i) factor = over_x(factor);
  return factor;
}

/// table[d][b] = x^(8 * b * 256^d): the factor that moves a checksum state past b * 256^d zero bytes. One
/// product per non-zero byte of a length then moves past any length.
using ShiftTables = std::array<std::array<std::uint32_t, 256>, sizeof(std::size_t)>;

[[nodiscard]] constexpr ShiftTables shift_tables() {
  ShiftTables tables{};
  std::uint32_t step = kOne >> 8;  // x^8
  for (auto& table : tables) {
    table[0] = kOne;
    for (std::size_t i = 1; i < table.size(); ++i) table[i] = product(table[i - 1], step);
    step = product(table.back(), step);
  }
  return tables;
}

}  // namespace longhaul::codecs::crc32c::polynomial
