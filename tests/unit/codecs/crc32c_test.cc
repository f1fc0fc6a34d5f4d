#include "codecs/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

namespace longhaul::codecs {
namespace {

Bytes random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

/// One bit at a time, straight from the definition: independent of every table under test.
std::uint32_t reference(ConstBytes bytes) {
  std::uint32_t state = ~std::uint32_t{0};
  for (const auto byte : bytes) {
    state ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~state;
}

struct Vector {
  Bytes bytes;
  std::uint32_t crc;
};

/// The check value of the CRC catalogue and the vectors of RFC 3720, section B.4.
std::array<Vector, 6> known_vectors() {
  const auto digits = as_bytes("123456789");
  Bytes rising(32);
  Bytes falling(32);
  for (std::size_t i = 0; i < 32; ++i) {
    rising[i] = static_cast<std::byte>(i);
    falling[i] = static_cast<std::byte>(31 - i);
  }
  return {Vector{{}, 0x00000000},
          Vector{Bytes(digits.begin(), digits.end()), 0xE3069283},
          Vector{Bytes(32, std::byte{0x00}), 0x8A9136AA},
          Vector{Bytes(32, std::byte{0xFF}), 0x62A8AB43},
          Vector{rising, 0x46DD794E},
          Vector{falling, 0x113FDB5C}};
}

TEST(Crc32c, MatchesPublishedVectorsOnEveryPath) {
  for (const auto& [bytes, crc] : known_vectors()) {
    EXPECT_EQ(crc32c::value(bytes), crc);
    EXPECT_EQ(crc32c::portable::extend(0, bytes), crc);
  }
}

TEST(Crc32c, MatchesTheDefinitionAtEverySizeAndAlignment) {
  const auto bytes = random_bytes(9000, 1);
  for (std::size_t size = 0; size < 1300; ++size) {
    const auto part = ConstBytes(bytes).subspan(size % 9, size);
    const auto expected = reference(part);
    ASSERT_EQ(crc32c::value(part), expected) << size;
    ASSERT_EQ(crc32c::portable::extend(0, part), expected) << size;
  }
  for (const std::size_t size : {6143u, 6144u, 6145u, 6528u, 8999u}) {
    const auto part = ConstBytes(bytes).first(size);
    EXPECT_EQ(crc32c::value(part), reference(part)) << size;
  }
}

TEST(Crc32c, ExtendingEqualsTheWhole) {
  const auto bytes = random_bytes(20000, 2);
  const auto whole = crc32c::value(bytes);
  for (const std::size_t cut : {0u, 1u, 7u, 383u, 6144u, 12345u, 20000u}) {
    const auto first = ConstBytes(bytes).first(cut);
    const auto second = ConstBytes(bytes).subspan(cut);
    EXPECT_EQ(crc32c::extend(crc32c::value(first), second), whole) << cut;
    EXPECT_EQ(crc32c::portable::extend(crc32c::portable::extend(0, first), second), whole) << cut;
  }
}

TEST(Crc32c, ReplacedPrefixEqualsFullRecomputation) {
  const auto bytes = random_bytes(3 << 20, 3);
  const auto old_prefix = random_bytes(40, 4);
  const auto new_prefix = random_bytes(40, 5);
  for (const std::size_t size :
       {0u, 1u, 2u, 3u, 7u, 8u, 255u, 256u, 257u, 1000u, 65535u, 65536u, 65537u, 1000000u, 3u << 20}) {
    const auto suffix = ConstBytes(bytes).first(size);
    const auto before = crc32c::extend(crc32c::value(old_prefix), suffix);
    const auto after = crc32c::extend(crc32c::value(new_prefix), suffix);
    EXPECT_EQ(crc32c::replaced_prefix(before, old_prefix, new_prefix, size), after) << size;
    EXPECT_EQ(crc32c::portable::replaced_prefix(before, old_prefix, new_prefix, size), after) << size;
  }
}

TEST(Crc32c, ReplacedPrefixTakesPrefixesLongerThanItsBuffer) {
  const auto old_prefix = random_bytes(1000, 6);
  const auto new_prefix = random_bytes(1000, 7);
  const auto suffix = random_bytes(500, 8);
  const auto before = crc32c::extend(crc32c::value(old_prefix), suffix);
  EXPECT_EQ(crc32c::replaced_prefix(before, old_prefix, new_prefix, suffix.size()),
            crc32c::extend(crc32c::value(new_prefix), suffix));
}

TEST(Crc32c, ReplacedPrefixMovesPastLengthsNoBufferCouldHold) {
  // The Castagnoli polynomial is x + 1 times a primitive one of degree 31, so powers of x repeat after 2^31 -
  // 1 steps, and 8 has an inverse modulo that prime: lengths of bytes repeat with the same period.
  constexpr std::size_t kPeriod = (std::size_t{1} << 31) - 1;
  const auto none = Bytes(4);
  const auto some = random_bytes(4, 9);
  const auto past = [&](std::size_t length) { return crc32c::replaced_prefix(0, none, some, length); };
  const auto past_portable = [&](std::size_t length) {
    return crc32c::portable::replaced_prefix(0, none, some, length);
  };
  for (const std::size_t length : {std::size_t{1} << 33, (std::size_t{1} << 40) + 12345, ~std::size_t{0}}) {
    EXPECT_EQ(past(length), past(length % kPeriod)) << length;
    EXPECT_EQ(past_portable(length), past(length)) << length;
  }
}

TEST(Crc32c, ReplacedPrefixKeepsDamageVisible) {
  auto suffix = random_bytes(5000, 10);
  const auto old_prefix = random_bytes(40, 11);
  const auto new_prefix = random_bytes(40, 12);
  const auto before = crc32c::extend(crc32c::value(old_prefix), suffix);
  const auto patched = crc32c::replaced_prefix(before, old_prefix, new_prefix, suffix.size());
  for (std::size_t at = 0; at < suffix.size(); at += 97) {
    suffix[at] ^= std::byte{0x10};
    EXPECT_NE(patched, crc32c::extend(crc32c::value(new_prefix), suffix)) << at;
    suffix[at] ^= std::byte{0x10};
  }
}

}  // namespace
}  // namespace longhaul::codecs
