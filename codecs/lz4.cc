#include <lz4frame.h>

#include <algorithm>
#include <memory>

#include "codecs/codec_impl.h"

/// LZ4 frames, as magic 2 has them. (Batches of magic 0 carried frames whose header checksum was computed
/// wrongly, see KIP-57; those are not read here.)
namespace longhaul::codecs::impl {
namespace {

/// Kafka's default level. The Java client takes it for its fast compressor, and every other for the thorough
/// one.
constexpr int kKafkaDefaultLevel = 9;

struct FreeDecoder {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

/// This thread's decoder, ready for a new frame; null when there is no memory for one.
LZ4F_dctx* decoder() {
  thread_local std::unique_ptr<LZ4F_dctx, FreeDecoder> context;
  if (context == nullptr) {
    LZ4F_dctx* fresh = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&fresh, LZ4F_VERSION)) != 0) return nullptr;
    context.reset(fresh);
  }
  LZ4F_resetDecompressionContext(context.get());
  return context.get();
}

/// Reads the frame header off the front of `input`, with its checksum. Java's reader takes independent blocks
/// only, so nothing else is a payload that consumers could read.
Result<void> read_frame_header(LZ4F_dctx* context, ConstBytes& input) {
  constexpr std::uint32_t kMagic = 0x04224D18;  // Little endian in the format, so reversed here.
  if (input.size() >= sizeof kMagic && load_be<std::uint32_t>(input) != kMagic)
    return fail(CodecErrc::corrupt);
  if (input.size() < LZ4F_MIN_SIZE_TO_KNOW_HEADER_LENGTH) return fail(CodecErrc::truncated);
  const auto header_size = LZ4F_headerSize(input.data(), input.size());
  if (LZ4F_isError(header_size) != 0) return fail(CodecErrc::corrupt);
  if (header_size > input.size()) return fail(CodecErrc::truncated);
  LZ4F_frameInfo_t info = LZ4F_INIT_FRAMEINFO;
  std::size_t used = input.size();
  if (LZ4F_isError(LZ4F_getFrameInfo(context, &info, input.data(), &used)) != 0)
    return fail(CodecErrc::corrupt);
  if (info.blockMode != LZ4F_blockIndependent) return fail(CodecErrc::unsupported, "linked blocks");
  if (info.dictID != 0) return fail(CodecErrc::unsupported, "dictionary");
  input = input.subspan(used);
  return {};
}

}  // namespace

Result<void> unlz4(ConstBytes compressed, Output& out) {
  auto* context = decoder();
  if (context == nullptr) return fail(CodecErrc::failed);
  auto input = compressed;
  LH_TRY_VOID(read_frame_header(context, input));
  for (;;) {
    const auto room = out.room();
    std::size_t made = room.size();
    std::size_t used = input.size();
    const auto hint = LZ4F_decompress(context, room.data(), &made, input.data(), &used, nullptr);
    if (LZ4F_isError(hint) != 0) return fail(CodecErrc::corrupt);
    input = input.subspan(used);
    out.wrote(made);
    if (out.over_limit()) return fail(CodecErrc::too_large);
    if (hint == 0) break;
    if (used == 0 && made == 0) return fail(CodecErrc::truncated);
  }
  if (!input.empty()) return fail(CodecErrc::trailing);
  return {};
}

Result<Bytes> lz4(ConstBytes plain, std::optional<int> level) {
  if (level && (*level < 1 || *level > 17)) return fail(CodecErrc::unsupported, "level {}", *level);
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  const bool fast = level.value_or(kKafkaDefaultLevel) == kKafkaDefaultLevel;
  preferences.compressionLevel = fast ? 0 : std::min(*level, LZ4F_compressionLevel_max());
  Bytes out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const auto size = LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size) != 0) return fail(CodecErrc::failed, "{}", LZ4F_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace longhaul::codecs::impl
