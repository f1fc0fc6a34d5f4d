#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "codecs/codec_impl.h"

namespace longhaul::codecs::impl {
namespace {

/// 15 bits of window, plus 16 for the gzip wrapper instead of zlib's own.
constexpr int kGzipWindow = 15 + 16;
constexpr int kDefaultLevel = 6;
constexpr std::size_t kLargestStep = std::numeric_limits<uInt>::max();

uInt step(std::size_t size) {
  return static_cast<uInt>(std::min(size, kLargestStep));
}

struct EndInflate {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};

struct EndDeflate {
  void operator()(z_stream* stream) const {
    deflateEnd(stream);
    delete stream;
  }
};

/// This thread's decoder, ready for a new stream; null when there is no memory for one.
z_stream* inflater() {
  thread_local std::unique_ptr<z_stream, EndInflate> stream;
  if (stream != nullptr && inflateReset2(stream.get(), kGzipWindow) == Z_OK) return stream.get();
  auto fresh = std::make_unique<z_stream>();
  if (inflateInit2(fresh.get(), kGzipWindow) != Z_OK) return nullptr;
  stream.reset(fresh.release());
  return stream.get();
}

/// Feeds `input` until the end of one gzip member, and takes what was used off its front.
Result<void> one_member(z_stream& stream, ConstBytes& input, Output& out) {
  for (;;) {
    const auto room = out.room();
    stream.next_in = const_cast<Bytef*>(data_of(input));  // zlib's type lacks the const, inflate only reads.
    stream.avail_in = step(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = step(room.size());
    const auto given_in = stream.avail_in;
    const auto given_out = stream.avail_out;
    const int status = inflate(&stream, Z_NO_FLUSH);
    const std::size_t used = given_in - stream.avail_in;
    const std::size_t made = given_out - stream.avail_out;
    input = input.subspan(used);
    out.wrote(made);
    if (out.over_limit()) return fail(CodecErrc::too_large);
    if (status == Z_STREAM_END) return {};
    if (status == Z_MEM_ERROR) return fail(CodecErrc::failed);
    if (status != Z_OK && status != Z_BUF_ERROR) return fail(CodecErrc::corrupt);
    if (used == 0 && made == 0) return fail(input.empty() ? CodecErrc::truncated : CodecErrc::corrupt);
  }
}

bool starts_member(ConstBytes input) {
  return input.size() >= 2 && input[0] == std::byte{0x1F} && input[1] == std::byte{0x8B};
}

}  // namespace

Result<void> gunzip(ConstBytes compressed, Output& out) {
  auto* stream = inflater();
  if (stream == nullptr) return fail(CodecErrc::failed);
  auto input = compressed;
  LH_TRY_VOID(one_member(*stream, input, out));
  // A gzip file may be several members in a row (RFC 1952); Java's reader joins them too.
  while (starts_member(input)) {
    if (inflateReset2(stream, kGzipWindow) != Z_OK) return fail(CodecErrc::failed);
    LH_TRY_VOID(one_member(*stream, input, out));
  }
  if (!input.empty()) return fail(CodecErrc::trailing);
  return {};
}

Result<Bytes> gzip(ConstBytes plain, std::optional<int> level) {
  constexpr int kMemoryLevel = 8;
  if (level && (*level < 1 || *level > 9)) return fail(CodecErrc::unsupported, "level {}", *level);
  if (plain.size() > kLargestStep / 2) return fail(CodecErrc::too_large);
  auto fresh = std::make_unique<z_stream>();
  if (deflateInit2(fresh.get(), level.value_or(kDefaultLevel), Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(CodecErrc::failed);
  }
  const std::unique_ptr<z_stream, EndDeflate> stream(fresh.release());
  Bytes out(deflateBound(stream.get(), plain.size()));
  stream->next_in = const_cast<Bytef*>(data_of(plain));
  stream->avail_in = static_cast<uInt>(plain.size());
  stream->next_out = reinterpret_cast<Bytef*>(out.data());
  stream->avail_out = static_cast<uInt>(out.size());
  if (deflate(stream.get(), Z_FINISH) != Z_STREAM_END) return fail(CodecErrc::failed);
  out.resize(stream->total_out);
  return out;
}

}  // namespace longhaul::codecs::impl
