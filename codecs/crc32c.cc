#include "codecs/crc32c.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "codecs/crc32c_polynomial.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define LH_CRC32C_X86 1
#else
#define LH_CRC32C_X86 0
#endif

namespace longhaul::codecs::crc32c {
namespace {

using Update = std::uint32_t (*)(std::uint32_t state, const std::byte* data, std::size_t size);
using Shift = std::uint32_t (*)(std::uint32_t state, std::size_t zero_bytes);

/// Little endian whatever the machine: the reflected checksum consumes the lowest byte first.
std::uint64_t load_le64(const std::byte* data) {
  std::uint64_t word;
  std::memcpy(&word, data, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
  return word;
}

/// slices[k][b]: state after byte b and k zero bytes, so that eight bytes are taken at once.
constexpr auto kSlices = [] {
  std::array<std::array<std::uint32_t, 256>, 8> slices{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = polynomial::times_x(state);
    slices[0][byte] = state;
  }
  for (std::size_t k = 1; k < slices.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = slices[k - 1][byte];
      slices[k][byte] = (before >> 8) ^ slices[0][before & 0xFF];
    }
  }
  return slices;
}();

constexpr auto kShifts = polynomial::shift_tables();

std::uint32_t update_portable(std::uint32_t state, const std::byte* data, std::size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    const std::uint64_t word = load_le64(data) ^ state;
    state = 0;
    for (std::size_t i = 0; i < 8; ++i) state ^= kSlices[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; size > 0; ++data, --size) {
    state = (state >> 8) ^ kSlices[0][(state ^ std::to_integer<std::uint32_t>(*data)) & 0xFF];
  }
  return state;
}

std::uint32_t shift_portable(std::uint32_t state, std::size_t zero_bytes) {
  for (std::size_t digit = 0; zero_bytes != 0; ++digit, zero_bytes >>= 8) {
    if ((zero_bytes & 0xFF) != 0) state = polynomial::product(state, kShifts[digit][zero_bytes & 0xFF]);
  }
  return state;
}

#if LH_CRC32C_X86

#define LH_TARGET_CRC32C __attribute__((target("sse4.2,pclmul")))

constexpr auto kHardwareShifts = [] {
  auto tables = kShifts;
  std::uint32_t excess = polynomial::for_hardware(polynomial::kOne);
  for (auto& table : tables) {
    for (auto& factor : table) factor = polynomial::product(factor, excess);
  }
  return tables;
}();

/// a * b * x^33.
LH_TARGET_CRC32C inline std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  const auto wide =
      _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(a)), _mm_cvtsi32_si128(static_cast<int>(b)), 0);
  const auto folded = _mm_crc32_u64(0, static_cast<std::uint64_t>(_mm_cvtsi128_si64(wide)));
  return static_cast<std::uint32_t>(folded);
}

/// The instruction has a latency of three cycles and a throughput of one: three lanes of `kLane` bytes keep
/// it busy, and two products join their states.
template <std::size_t kLane>
LH_TARGET_CRC32C inline std::uint64_t update_lanes(std::uint64_t state, const std::byte*& data,
                                                   std::size_t& size) {
  constexpr auto kPastOne = polynomial::for_hardware([] {
    auto factor = polynomial::kOne;
    for (std::size_t i = 0; i < 8 * kLane; ++i) factor = polynomial::times_x(factor);
    return factor;
  }());
  constexpr auto kPastTwo = polynomial::for_hardware([] {
    auto factor = polynomial::kOne;
    for (std::size_t i = 0; i < 16 * kLane; ++i) factor = polynomial::times_x(factor);
    return factor;
  }());
  while (size >= 3 * kLane) {
    std::uint64_t first = state;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t at = 0; at < kLane; at += 8) {
      first = _mm_crc32_u64(first, load_le64(data + at));
      second = _mm_crc32_u64(second, load_le64(data + kLane + at));
      third = _mm_crc32_u64(third, load_le64(data + 2 * kLane + at));
    }
    state = multiply(static_cast<std::uint32_t>(first), kPastTwo) ^
            multiply(static_cast<std::uint32_t>(second), kPastOne) ^ third;
    data += 3 * kLane;
    size -= 3 * kLane;
  }
  return state;
}

LH_TARGET_CRC32C std::uint32_t update_hardware(std::uint32_t state, const std::byte* data, std::size_t size) {
  std::uint64_t wide = state;
  wide = update_lanes<2048>(wide, data, size);
  wide = update_lanes<128>(wide, data, size);
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, load_le64(data));
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++data, --size) narrow = _mm_crc32_u8(narrow, std::to_integer<unsigned char>(*data));
  return narrow;
}

LH_TARGET_CRC32C std::uint32_t shift_hardware(std::uint32_t state, std::size_t zero_bytes) {
  for (std::size_t digit = 0; zero_bytes != 0; ++digit, zero_bytes >>= 8) {
    if ((zero_bytes & 0xFF) != 0) state = multiply(state, kHardwareShifts[digit][zero_bytes & 0xFF]);
  }
  return state;
}

#endif

struct Path {
  Update update;
  Shift shift;
};

constexpr Path kPortable{update_portable, shift_portable};

Path choose() {
#if LH_CRC32C_X86
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
    return {update_hardware, shift_hardware};
#endif
  return kPortable;
}

const Path& chosen() {
  static const Path path = choose();
  return path;
}

/// State of the changed bytes alone: zero at the start, no inversion at the end, because these cancel out in
/// the difference of two checksums of equal length.
std::uint32_t difference(const Path& path, ConstBytes a, ConstBytes b) {
  LH_CHECK(a.size() == b.size());
  std::array<std::byte, 64> changed;
  std::uint32_t state = 0;
  for (std::size_t at = 0; at < a.size(); at += changed.size()) {
    const auto size = std::min(changed.size(), a.size() - at);
    for (std::size_t i = 0; i < size; ++i) changed[i] = a[at + i] ^ b[at + i];
    state = path.update(state, changed.data(), size);
  }
  return state;
}

std::uint32_t extend_with(const Path& path, std::uint32_t crc, ConstBytes bytes) {
  return ~path.update(~crc, bytes.data(), bytes.size());
}

std::uint32_t replaced_prefix_with(const Path& path, std::uint32_t old_crc, ConstBytes old_prefix,
                                   ConstBytes new_prefix, std::size_t suffix_length) {
  return old_crc ^ path.shift(difference(path, old_prefix, new_prefix), suffix_length);
}

}  // namespace

std::uint32_t value(ConstBytes bytes) {
  return extend(0, bytes);
}

std::uint32_t extend(std::uint32_t crc, ConstBytes bytes) {
  return extend_with(chosen(), crc, bytes);
}

std::uint32_t replaced_prefix(std::uint32_t old_crc, ConstBytes old_prefix, ConstBytes new_prefix,
                              std::size_t suffix_length) {
  return replaced_prefix_with(chosen(), old_crc, old_prefix, new_prefix, suffix_length);
}

bool uses_hardware() {
  return chosen().update != update_portable;
}

namespace portable {

std::uint32_t extend(std::uint32_t crc, ConstBytes bytes) {
  return extend_with(kPortable, crc, bytes);
}

std::uint32_t replaced_prefix(std::uint32_t old_crc, ConstBytes old_prefix, ConstBytes new_prefix,
                              std::size_t suffix_length) {
  return replaced_prefix_with(kPortable, old_crc, old_prefix, new_prefix, suffix_length);
}

}  // namespace portable

}  // namespace longhaul::codecs::crc32c
