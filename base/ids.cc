#include "base/ids.h"

namespace longhaul {

std::string TopicId::to_string() const {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t window = 0;
  int bits = 0;
  for (const auto byte : bytes) {
    window = (window << 8U) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text.push_back(kAlphabet[(window >> static_cast<unsigned>(bits)) & 0x3FU]);
    }
  }
  if (bits > 0) text.push_back(kAlphabet[(window << static_cast<unsigned>(6 - bits)) & 0x3FU]);
  return text;
}

}  // namespace longhaul
