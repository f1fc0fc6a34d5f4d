#include <snappy.h>

#include <algorithm>
#include <array>
#include <limits>

#include "codecs/codec_impl.h"

/// Snappy as the Java client writes it: a stream header of snappy-java, then chunks of a length and a raw
/// snappy block. The block format alone has no framing; some other clients write one block and nothing else,
/// and Java reads both.
namespace longhaul::codecs::impl {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kCompatibleAt = 12;
constexpr std::size_t kStreamHeaderSize = 16;
constexpr std::int32_t kVersion = 1;
constexpr std::size_t kChunkSize = 32 * 1024;

/// The densest element of the block format makes 64 bytes out of 3. A block that claims more is damaged, and
/// is refused before memory is taken for it.
constexpr std::size_t kLargestRatio = 64 / 3 + 1;

bool has_stream_header(ConstBytes input) {
  return input.size() >= kStreamHeaderSize && std::equal(kMagic.begin(), kMagic.end(), data_of(input));
}

Result<void> check_version(ConstBytes input) {
  const auto version = load_be<std::int32_t>(input, kVersionAt);
  if (version < kVersion) return fail(CodecErrc::unsupported, "snappy-java stream version {}", version);
  return {};
}

Result<void> one_block(ConstBytes block, Output& out) {
  std::size_t size = 0;
  const auto* data = reinterpret_cast<const char*>(block.data());
  if (!snappy::GetUncompressedLength(data, block.size(), &size)) return fail(CodecErrc::corrupt);
  if (size > block.size() * kLargestRatio) return fail(CodecErrc::corrupt);
  if (size > out.left()) return fail(CodecErrc::too_large);
  const auto room = out.room_for(size);
  if (!snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(room.data()))) {
    return fail(CodecErrc::corrupt);
  }
  out.wrote(size);
  return {};
}

}  // namespace

Result<void> unsnap(ConstBytes compressed, Output& out) {
  if (!has_stream_header(compressed)) return one_block(compressed, out);
  auto input = compressed;
  while (!input.empty()) {
    if (has_stream_header(input)) {  // Streams may be joined; their magic is no chunk length, being negative.
      LH_TRY_VOID(check_version(input));
      input = input.subspan(kStreamHeaderSize);
      continue;
    }
    if (input.size() < sizeof(std::int32_t)) return fail(CodecErrc::truncated);
    const auto length = load_be<std::int32_t>(input);
    input = input.subspan(sizeof length);
    if (length < 0) return fail(CodecErrc::corrupt);
    if (static_cast<std::size_t>(length) > input.size()) return fail(CodecErrc::truncated);
    LH_TRY_VOID(one_block(input.first(static_cast<std::size_t>(length)), out));
    input = input.subspan(static_cast<std::size_t>(length));
  }
  return {};
}

Result<Bytes> snap(ConstBytes plain) {
  Bytes out(kStreamHeaderSize);
  std::ranges::transform(kMagic, out.begin(), [](unsigned char c) { return std::byte{c}; });
  store_be(out, kVersionAt, kVersion);
  store_be(out, kCompatibleAt, kVersion);
  while (!plain.empty()) {
    const auto chunk = plain.first(std::min(plain.size(), kChunkSize));
    const auto at = out.size();
    out.resize(at + sizeof(std::int32_t) + snappy::MaxCompressedLength(chunk.size()));
    std::size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(chunk.data()), chunk.size(),
                        reinterpret_cast<char*>(out.data() + at + sizeof(std::int32_t)), &size);
    store_be(out, at, static_cast<std::int32_t>(size));
    out.resize(at + sizeof(std::int32_t) + size);
    plain = plain.subspan(chunk.size());
  }
  return out;
}

}  // namespace longhaul::codecs::impl
