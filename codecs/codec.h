#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/compression.h"

namespace longhaul::codecs {

enum class CodecErrc {
  corrupt = 1,  ///< not what this compression type looks like, or damaged
  truncated,    ///< the compressed bytes end too early
  too_large,    ///< more bytes come out than the caller allows
  unsupported,  ///< a compression type, or a variant of one, that is not known
  trailing,     ///< bytes are left behind the compressed stream
  failed,       ///< the library gave up, for want of memory for instance
};

[[nodiscard]] const boost::system::error_category& codec_category();
[[nodiscard]] inline ErrorCode make_error_code(CodecErrc code) {
  return {static_cast<int>(code), codec_category()};
}

/// The bytes that `compressed`, the payload of one record batch, stands for. No more than `max_output` bytes
/// are ever returned, whatever the input claims, and memory follows what comes out, not what was claimed: a
/// few kilobytes that unpack to gigabytes end with CodecErrc::too_large. Errors name the compression type.
/// The libraries' working memory is kept per thread for the next call.
[[nodiscard]] Result<Bytes> decompress(Compression type, ConstBytes compressed, std::size_t max_output);

/// The same into `out`, replacing its content and keeping its memory for the next batch.
[[nodiscard]] Result<void> decompress_into(Compression type, ConstBytes compressed, std::size_t max_output,
                                           Bytes& out);

/// The payload of a record batch of this type, in the framing that Kafka's Java client writes. `level` as in
/// Kafka's `compression.gzip.level` (1 to 9), `compression.lz4.level` (1 to 17) and `compression.zstd.level`
/// (-131072 to 22), by default Kafka's defaults (6; 9, which Kafka takes for the fast compressor; 3). Other
/// types have no level.
[[nodiscard]] Result<Bytes> compress(Compression type, ConstBytes plain,
                                     std::optional<int> level = std::nullopt);

}  // namespace longhaul::codecs

template <>
struct boost::system::is_error_code_enum<longhaul::codecs::CodecErrc> : std::true_type {};
