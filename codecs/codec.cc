#include "codecs/codec.h"

#include <string>

#include "codecs/codec_impl.h"

namespace longhaul::codecs {
namespace {

class CodecCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "codec"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<CodecErrc>(code)) {
      case CodecErrc::corrupt:
        return "the compressed data is damaged";
      case CodecErrc::truncated:
        return "the compressed data ends too early";
      case CodecErrc::too_large:
        return "more bytes would come out than are allowed";
      case CodecErrc::unsupported:
        return "this compression is not supported";
      case CodecErrc::trailing:
        return "bytes are left behind the compressed data";
      case CodecErrc::failed:
        return "the compression library failed";
    }
    return "unknown codec error";
  }
};

Result<void> copy(ConstBytes plain, std::size_t max_output, Bytes& out) {
  if (plain.size() > max_output) return fail(CodecErrc::too_large);
  out.assign(plain.begin(), plain.end());
  return {};
}

Result<void> run(Compression type, ConstBytes compressed, std::size_t max_output, Bytes& out) {
  if (type == Compression::none) return copy(compressed, max_output, out);
  if (!is_known(type)) return fail(CodecErrc::unsupported);
  if (compressed.empty()) return fail(CodecErrc::truncated);
  impl::Output output(out, impl::usual_output(compressed), max_output);
  const auto unpack = [&] {
    switch (type) {
      case Compression::gzip:
        return impl::gunzip(compressed, output);
      case Compression::snappy:
        return impl::unsnap(compressed, output);
      case Compression::lz4:
        return impl::unlz4(compressed, output);
      default:
        return impl::unzstd(compressed, output);
    }
  };
  auto result = unpack();
  if (result) output.finish();
  return result;
}

}  // namespace

const boost::system::error_category& codec_category() {
  static const CodecCategory category;
  return category;
}

Result<void> decompress_into(Compression type, ConstBytes compressed, std::size_t max_output, Bytes& out) {
  auto result = run(type, compressed, max_output, out);
  if (result) return result;
  out.clear();
  if (!is_known(type))
    return in_context(std::move(result).error(), "compression type {}", static_cast<int>(type));
  return in_context(std::move(result).error(), "{}", name(type));
}

Result<Bytes> decompress(Compression type, ConstBytes compressed, std::size_t max_output) {
  Bytes out;
  LH_TRY_VOID(decompress_into(type, compressed, max_output, out));
  return out;
}

Result<Bytes> compress(Compression type, ConstBytes plain, std::optional<int> level) {
  const auto pack = [&]() -> Result<Bytes> {
    switch (type) {
      case Compression::none:
        return Bytes(plain.begin(), plain.end());
      case Compression::gzip:
        return impl::gzip(plain, level);
      case Compression::snappy:
        return impl::snap(plain);
      case Compression::lz4:
        return impl::lz4(plain, level);
      case Compression::zstd:
        return impl::zstd(plain, level);
    }
    return fail(CodecErrc::unsupported, "compression type {}", static_cast<int>(type));
  };
  auto result = pack();
  if (!result && is_known(type)) return in_context(std::move(result).error(), "{}", name(type));
  return result;
}

}  // namespace longhaul::codecs
