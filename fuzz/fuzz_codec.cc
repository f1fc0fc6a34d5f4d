// The payload of a batch in every compression type; the first byte of the input chooses it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "codecs/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul;
  constexpr std::size_t kLimit = 1 << 20;
  if (size == 0) return 0;
  const auto type = static_cast<codecs::Compression>(data[0] % 8);
  const auto input = std::as_bytes(std::span(data, size)).subspan(1);
  const auto plain = codecs::decompress(type, input, kLimit);
  if (!plain) {
    LH_CHECK(!plain.error().message().empty());
    return 0;
  }
  LH_CHECK(codecs::is_known(type) && plain->size() <= kLimit);
  const auto packed = codecs::compress(type, *plain);
  LH_CHECK(packed.has_value());
  const auto again = codecs::decompress(type, *packed, plain->size());
  LH_CHECK(again.has_value() && *again == *plain);
  return 0;
}
