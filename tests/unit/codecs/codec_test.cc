#include "codecs/codec.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

namespace longhaul::codecs {
namespace {

constexpr std::array kAll = {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4,
                             Compression::zstd};
constexpr std::array kCompressing = {Compression::gzip, Compression::snappy, Compression::lz4,
                                     Compression::zstd};
constexpr std::size_t kPlenty = 64 << 20;

Bytes random_bytes(std::size_t size) {
  std::mt19937 random(7);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

/// Compresses well, but not to nothing.
Bytes text_like(std::size_t size) {
  constexpr std::string_view kWords = "orders payments shipments returns invoices ";
  std::mt19937 random(9);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(kWords[random() % kWords.size()]); });
  return bytes;
}

ErrorCode error_of(Compression type, ConstBytes compressed, std::size_t max_output = kPlenty) {
  const auto result = decompress(type, compressed, max_output);
  return result ? ErrorCode{} : result.error().code;
}

TEST(Codec, RoundTripsEverySizeAroundItsBlocks) {
  for (const auto type : kAll) {
    for (const std::size_t size :
         {0u, 1u, 2u, 100u, 4095u, 4096u, 4097u, 32767u, 32768u, 32769u, 65536u, 65537u, 1000000u}) {
      for (const auto& plain : {text_like(size), random_bytes(size), Bytes(size)}) {
        const auto compressed = compress(type, plain);
        ASSERT_TRUE(compressed.has_value()) << name(type) << ' ' << size;
        const auto back = decompress(type, *compressed, size);
        ASSERT_TRUE(back.has_value()) << name(type) << ' ' << size << ' ' << back.error().message();
        EXPECT_EQ(*back, plain) << name(type) << ' ' << size;
      }
    }
  }
}

TEST(Codec, AcceptsKafkasLevelsAndNoOthers) {
  struct Case {
    Compression type;
    std::vector<int> good;
    std::vector<int> bad;
  };
  const auto plain = text_like(50000);
  for (const auto& [type, good, bad] :
       {Case{Compression::gzip, {1, 6, 9}, {0, 10, -2}}, Case{Compression::lz4, {1, 9, 12, 17}, {0, 18}},
        Case{Compression::zstd, {-131072, -1, 1, 3, 22}, {23, -131073}}}) {
    for (const int level : good) {
      const auto compressed = compress(type, plain, level);
      ASSERT_TRUE(compressed.has_value()) << name(type) << ' ' << level;
      EXPECT_EQ(decompress(type, *compressed, kPlenty).value(), plain) << name(type) << ' ' << level;
    }
    for (const int level : bad) {
      const auto refused = compress(type, plain, level);
      ASSERT_FALSE(refused.has_value()) << name(type) << ' ' << level;
      EXPECT_EQ(refused.error().code, CodecErrc::unsupported);
    }
  }
}

TEST(Codec, RefusesOneByteMoreThanAllowed) {
  const auto plain = text_like(100000);
  for (const auto type : kAll) {
    const auto compressed = compress(type, plain).value();
    EXPECT_EQ(decompress(type, compressed, plain.size()).value(), plain) << name(type);
    EXPECT_EQ(error_of(type, compressed, plain.size() - 1), CodecErrc::too_large) << name(type);
    EXPECT_EQ(error_of(type, compressed, 0), CodecErrc::too_large) << name(type);
  }
}

TEST(Codec, ReturnsAnEmptyPayloadUnderALimitOfZero) {
  for (const auto type : kAll) {
    const auto compressed = compress(type, {}).value();
    EXPECT_TRUE(decompress(type, compressed, 0).has_value()) << name(type);
  }
}

TEST(Codec, StopsABombAtTheLimitAndKeepsMemoryThere) {
  const Bytes zeros(256 << 20);
  constexpr std::size_t kLimit = 1 << 20;
  for (const auto type : kCompressing) {
    const auto bomb = compress(type, zeros).value();
    ASSERT_LT(bomb.size(), zeros.size() / 20) << name(type);
    Bytes out;
    const auto result = decompress_into(type, bomb, kLimit, out);
    ASSERT_FALSE(result.has_value()) << name(type);
    EXPECT_EQ(result.error().code, CodecErrc::too_large) << name(type);
    EXPECT_LE(out.capacity(), 2 * kLimit + bomb.size() * 4) << name(type);
    EXPECT_TRUE(out.empty()) << name(type);
  }
}

TEST(Codec, RefusesASnappyBlockThatClaimsMoreThanItCanHold) {
  // A length of 2^32 - 1, then three bytes that could hold no more than one copy.
  const Bytes claim = {std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF},
                       std::byte{0x0F}, std::byte{0xFE}, std::byte{0x01}, std::byte{0x00}};
  Bytes out;
  const auto result = decompress_into(Compression::snappy, claim, kPlenty, out);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, CodecErrc::corrupt);
  EXPECT_LT(out.capacity(), 10000u);
}

TEST(Codec, FailsCleanlyWhenCutAnywhere) {
  for (const auto type : kCompressing) {
    for (const std::size_t size : {300u, 70000u}) {
      const auto plain = text_like(size);
      const auto compressed = compress(type, plain).value();
      for (std::size_t cut = 0; cut < compressed.size(); cut += size < 1000 ? 1 : 37) {
        const auto result = decompress(type, ConstBytes(compressed).first(cut), kPlenty);
        if (!result) continue;
        // Snappy's framing has no end mark, so a cut between two chunks looks whole; the record count tells.
        ASSERT_EQ(type, Compression::snappy) << cut;
        ASSERT_LT(result->size(), plain.size()) << cut;
        ASSERT_TRUE(std::equal(result->begin(), result->end(), plain.begin())) << cut;
      }
    }
  }
}

TEST(Codec, NamesACutAndALeftover) {
  for (const auto type : {Compression::gzip, Compression::lz4, Compression::zstd}) {
    auto compressed = compress(type, text_like(5000)).value();
    EXPECT_EQ(error_of(type, ConstBytes(compressed).first(compressed.size() - 1)), CodecErrc::truncated)
        << name(type);
    EXPECT_EQ(error_of(type, {}), CodecErrc::truncated) << name(type);
    compressed.push_back(std::byte{0x55});
    EXPECT_TRUE(error_of(type, compressed)) << name(type);
  }
}

TEST(Codec, RefusesRandomBytes) {
  const auto noise = random_bytes(4096);
  for (const auto type : kCompressing) {
    for (std::size_t from = 0; from < 64; ++from) {
      EXPECT_TRUE(error_of(type, ConstBytes(noise).subspan(from))) << name(type) << ' ' << from;
    }
  }
}

TEST(Codec, SurvivesEveryFlippedByte) {
  const auto plain = text_like(700);
  for (const auto type : kCompressing) {
    auto compressed = compress(type, plain).value();
    for (auto& byte : compressed) {
      byte ^= std::byte{0x41};
      const auto result = decompress(type, compressed, kPlenty);
      if (result) EXPECT_LE(result->size(), kPlenty);
      byte ^= std::byte{0x41};
    }
    // The decoder of this thread must be as good as new after all these failures.
    EXPECT_EQ(decompress(type, compressed, kPlenty).value(), plain) << name(type);
  }
}

TEST(Codec, RefusesTypesThatDoNotExist) {
  for (const int type : {5, 6, 7}) {
    const auto result = decompress(static_cast<Compression>(type), text_like(10), kPlenty);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, CodecErrc::unsupported);
    EXPECT_NE(result.error().message().find(std::to_string(type)), std::string::npos);
  }
}

TEST(Codec, ReadsASnappyBlockWithoutFraming) {
  const auto plain = text_like(100000);
  std::string raw;
  snappy::Compress(reinterpret_cast<const char*>(plain.data()), plain.size(), &raw);
  EXPECT_EQ(decompress(Compression::snappy, as_bytes(raw), kPlenty).value(), plain);
}

TEST(Codec, ReadsJoinedStreamsAsJavaDoes) {
  const auto first = text_like(40000);
  const auto second = random_bytes(3000);
  auto both = first;
  both.insert(both.end(), second.begin(), second.end());
  for (const auto type : {Compression::gzip, Compression::snappy, Compression::zstd}) {
    auto compressed = compress(type, first).value();
    const auto more = compress(type, second).value();
    compressed.insert(compressed.end(), more.begin(), more.end());
    EXPECT_EQ(decompress(type, compressed, kPlenty).value(), both) << name(type);
  }
}

TEST(Codec, RefusesSnappyStreamsOfAnUnknownVersion) {
  auto compressed = compress(Compression::snappy, text_like(100)).value();
  compressed[11] = std::byte{0};
  EXPECT_EQ(error_of(Compression::snappy, compressed), CodecErrc::unsupported);
}

TEST(Codec, ChecksTheLz4FrameHeader) {
  const auto compressed = compress(Compression::lz4, text_like(100)).value();
  constexpr std::size_t kFlagsAt = 4;
  constexpr std::size_t kHeaderChecksumAt = 6;
  EXPECT_EQ(compressed[kFlagsAt], std::byte{0x60});      // Version 1, independent blocks, as Java writes it.
  EXPECT_EQ(compressed[kFlagsAt + 1], std::byte{0x40});  // Blocks of 64 KB.

  auto damaged = compressed;
  damaged[kHeaderChecksumAt] ^= std::byte{1};
  EXPECT_EQ(error_of(Compression::lz4, damaged), CodecErrc::corrupt);

  auto linked = compressed;
  linked[kFlagsAt] = std::byte{0x40};
  linked[kHeaderChecksumAt] = std::byte{0xC0};  // The checksum that belongs to these flags.
  EXPECT_EQ(error_of(Compression::lz4, linked), CodecErrc::unsupported);
}

TEST(Codec, ReusesTheCallersMemory) {
  const auto large = text_like(500000);
  const auto small = text_like(10);
  Bytes out;
  for (const auto type : kAll) {
    ASSERT_TRUE(decompress_into(type, compress(type, large).value(), kPlenty, out).has_value());
    EXPECT_EQ(out, large) << name(type);
    const auto capacity = out.capacity();
    ASSERT_TRUE(decompress_into(type, compress(type, small).value(), kPlenty, out).has_value());
    EXPECT_EQ(out, small) << name(type);
    EXPECT_EQ(out.capacity(), capacity) << name(type);
  }
}

TEST(Codec, SaysWhichTypeFailed) {
  const auto result = decompress(Compression::zstd, text_like(10), kPlenty);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message().rfind("zstd", 0), 0u) << result.error().message();
}

}  // namespace
}  // namespace longhaul::codecs
