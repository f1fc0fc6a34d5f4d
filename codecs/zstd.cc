#include <zstd.h>

#include <memory>

#include "codecs/codec_impl.h"

namespace longhaul::codecs::impl {
namespace {

/// A frame may ask for a window of up to 128 MB; a decoder that grew so far is not kept.
constexpr std::size_t kLargestKeptDecoder = 16 << 20;

struct FreeDecoder {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
struct FreeEncoder {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
using Decoder = std::unique_ptr<ZSTD_DCtx, FreeDecoder>;
using Encoder = std::unique_ptr<ZSTD_CCtx, FreeEncoder>;

/// This thread's decoder, ready for a new frame; empty when there is no memory for one.
Decoder& decoder() {
  thread_local Decoder context;
  if (context != nullptr && ZSTD_sizeof_DCtx(context.get()) > kLargestKeptDecoder) context.reset();
  if (context == nullptr) context.reset(ZSTD_createDCtx());
  if (context != nullptr) ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  return context;
}

/// Frames may follow each other, and `input` may end only behind a complete one.
Result<void> read_frames(ZSTD_DCtx* context, ConstBytes compressed, Output& out) {
  ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
  for (;;) {
    const auto room = out.room();
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const auto used_before = input.pos;
    const auto hint = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(hint) != 0) return fail(CodecErrc::corrupt, "{}", ZSTD_getErrorName(hint));
    out.wrote(output.pos);
    if (out.over_limit()) return fail(CodecErrc::too_large);
    if (hint == 0 && input.pos == input.size) return {};
    if (output.pos == 0 && input.pos == used_before) return fail(CodecErrc::truncated);
  }
}

}  // namespace

Result<void> unzstd(ConstBytes compressed, Output& out) {
  auto& context = decoder();
  if (context == nullptr) return fail(CodecErrc::failed);
  auto result = read_frames(context.get(), compressed, out);
  if (ZSTD_sizeof_DCtx(context.get()) > kLargestKeptDecoder) context.reset();
  return result;
}

Result<Bytes> zstd(ConstBytes plain, std::optional<int> level) {
  thread_local Encoder context(ZSTD_createCCtx());
  if (context == nullptr) return fail(CodecErrc::failed);
  if (level && (*level < ZSTD_minCLevel() || *level > ZSTD_maxCLevel())) {
    return fail(CodecErrc::unsupported, "level {}", *level);
  }
  Bytes out(ZSTD_compressBound(plain.size()));
  const auto size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), plain.data(), plain.size(),
                                      level.value_or(ZSTD_CLEVEL_DEFAULT));
  if (ZSTD_isError(size) != 0) return fail(CodecErrc::failed, "{}", ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace longhaul::codecs::impl
