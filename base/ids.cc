#include "base/ids.h"

namespace longhaul {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string TopicId::to_string() const {
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

std::optional<TopicId> TopicId::parse(std::string_view text) {
  if (text.size() != 22) return std::nullopt;
  TopicId id;
  std::size_t filled = 0;
  std::uint32_t window = 0;
  int bits = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    window = (window << 6U) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8 && filled < id.bytes.size()) {
      bits -= 8;
      id.bytes[filled++] = static_cast<std::uint8_t>((window >> static_cast<unsigned>(bits)) & 0xFFU);
    }
  }
  return id;
}

}  // namespace longhaul
