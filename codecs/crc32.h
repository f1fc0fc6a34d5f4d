#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace longhaul::codecs {

/// CRC-32 as in gzip and zip files: the checksum of Kafka's messages of magic 0 and 1. Since magic 2 it is
/// CRC-32C.
[[nodiscard]] std::uint32_t crc32(ConstBytes bytes);

}  // namespace longhaul::codecs
