#include "codecs/lz4_legacy.h"

#include <gtest/gtest.h>

#include "codecs/codec.h"

namespace longhaul::codecs {
namespace {

/// Flags 0x60, block size 0x40: the header that Kafka's clients write. The checksums, right and with the
/// magic number hashed too, are those that stand in frames of Kafka 0.9 and 0.10 clients (KIP-57).
constexpr std::byte kRight{0x82};
constexpr std::size_t kChecksumAt = 6;

Bytes frame_with(std::byte checksum) {
  auto frame = *compress(Compression::lz4, as_bytes("what is packed is packed is packed"));
  EXPECT_EQ(frame[4], std::byte{0x60});
  EXPECT_EQ(frame[5], std::byte{0x40});
  EXPECT_EQ(frame[kChecksumAt], kRight);
  frame[kChecksumAt] = checksum;
  return frame;
}

TEST(Lz4OfMagic0, PutsTheRightChecksumInPlaceOfTheOneWithTheMagicNumber) {
  int repaired = 0;
  for (int value = 0; value < 256; ++value) {
    const auto checksum = static_cast<std::byte>(value);
    const auto frame = frame_with(checksum);
    const auto plain = decompress(Compression::lz4, lz4_frame_of_magic0(frame), 1000);
    EXPECT_EQ(decompress(Compression::lz4, frame, 1000).has_value(), checksum == kRight);
    if (!plain || checksum == kRight) continue;
    ++repaired;
    EXPECT_EQ(as_text(*plain), "what is packed is packed is packed");
  }
  EXPECT_EQ(repaired, 1) << "no other wrong checksum passes";
}

TEST(Lz4OfMagic0, LeavesEverythingElseAsItIs) {
  const auto frame = frame_with(kRight);
  EXPECT_EQ(lz4_frame_of_magic0(frame), frame);
  for (std::size_t size = 0; size < frame.size(); ++size) {
    const auto cut = ConstBytes(frame).first(size);
    EXPECT_TRUE(std::ranges::equal(lz4_frame_of_magic0(cut), cut)) << size;
  }
}

}  // namespace
}  // namespace longhaul::codecs
