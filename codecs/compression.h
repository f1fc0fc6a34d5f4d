#pragma once

#include <cstdint>
#include <string_view>

namespace longhaul::codecs {

/// Compression type of a record batch: the low three bits of its attributes. 5 to 7 may arrive, but mean
/// nothing yet.
enum class Compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

[[nodiscard]] constexpr bool is_known(Compression type) {
  return type <= Compression::zstd;
}

/// Kafka's name as in `compression.type`; "unknown" for 5 to 7.
[[nodiscard]] constexpr std::string_view name(Compression type) {
  switch (type) {
    case Compression::none:
      return "none";
    case Compression::gzip:
      return "gzip";
    case Compression::snappy:
      return "snappy";
    case Compression::lz4:
      return "lz4";
    case Compression::zstd:
      return "zstd";
  }
  return "unknown";
}

}  // namespace longhaul::codecs
