#include "codecs/crc32.h"

#include <zlib.h>

namespace longhaul::codecs {

std::uint32_t crc32(ConstBytes bytes) {
  const auto start = ::crc32_z(0, nullptr, 0);
  // zlib starts anew where it is given no bytes, and an empty span may have no address.
  if (bytes.empty()) return static_cast<std::uint32_t>(start);
  return static_cast<std::uint32_t>(
      ::crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace longhaul::codecs
