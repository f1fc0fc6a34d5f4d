#include "codecs/lz4_legacy.h"

#include <bit>
#include <cstdint>
#include <optional>

namespace longhaul::codecs {
namespace {

constexpr std::size_t kFlagsAt = 4;
constexpr std::uint8_t kContentSizeFlag = 0x08;
constexpr std::uint8_t kDictionaryFlag = 0x01;

std::uint32_t load_le32(ConstBytes bytes, std::size_t at) {
  return std::byteswap(load_be<std::uint32_t>(bytes, at));
}

/// XXH32 with seed 0 of less than 16 bytes, which all frame headers are.
std::uint32_t xxh32_short(ConstBytes bytes) {
  constexpr std::uint32_t kPrime1 = 0x9E3779B1;
  constexpr std::uint32_t kPrime2 = 0x85EBCA77;
  constexpr std::uint32_t kPrime3 = 0xC2B2AE3D;
  constexpr std::uint32_t kPrime4 = 0x27D4EB2F;
  constexpr std::uint32_t kPrime5 = 0x165667B1;
  auto hash = kPrime5 + static_cast<std::uint32_t>(bytes.size());
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4)
    hash = std::rotl(hash + load_le32(bytes, at) * kPrime3, 17) * kPrime4;
  for (; at < bytes.size(); ++at) {
    hash = std::rotl(hash + std::to_integer<std::uint32_t>(bytes[at]) * kPrime5, 11) * kPrime1;
  }
  hash = (hash ^ (hash >> 15)) * kPrime2;
  hash = (hash ^ (hash >> 13)) * kPrime3;
  return hash ^ (hash >> 16);
}

std::byte header_checksum(ConstBytes bytes) {
  return static_cast<std::byte>((xxh32_short(bytes) >> 8) & 0xFF);
}

/// Where the header checksum stands; nothing when the frame is too short to have one.
std::optional<std::size_t> checksum_place(ConstBytes frame) {
  if (frame.size() <= kFlagsAt) return std::nullopt;
  const auto flags = std::to_integer<std::uint8_t>(frame[kFlagsAt]);
  std::size_t at = kFlagsAt + 2;
  if ((flags & kContentSizeFlag) != 0) at += 8;
  // With a dictionary the bytes before the checksum, magic number included, are more than a short hash takes;
  // Kafka never used one.
  if ((flags & kDictionaryFlag) != 0 || at >= frame.size()) return std::nullopt;
  return at;
}

}  // namespace

Bytes lz4_frame_of_magic0(ConstBytes frame) {
  Bytes repaired(frame.begin(), frame.end());
  const auto at = checksum_place(frame);
  if (at && frame[*at] == header_checksum(frame.first(*at))) {
    repaired[*at] = header_checksum(frame.subspan(kFlagsAt, *at - kFlagsAt));
  }
  return repaired;
}

}  // namespace longhaul::codecs
