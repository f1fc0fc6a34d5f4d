#include "replicator/record_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace longhaul::replicator {

std::string shown(const protocol::NullableBytes& bytes) {
  constexpr std::size_t kLongest = 48;
  if (!bytes) return "null";
  std::string text;
  for (const auto byte : bytes->first(std::min(bytes->size(), kLongest))) {
    const auto c = std::to_integer<unsigned char>(byte);
    if (c >= 0x20 && c < 0x7F && c != '\'' && c != '\\') {
      text.push_back(static_cast<char>(c));
    } else {
      text += fmt::format("\\x{:02x}", c);
    }
  }
  return fmt::format("'{}'{} ({} bytes)", text, bytes->size() > kLongest ? "..." : "", bytes->size());
}

std::string shown(const protocol::RecordHeadersView& headers) {
  constexpr int kMost = 4;
  std::string text = fmt::format("{} headers", headers.count());
  int number = 0;
  for (const auto& header : headers) {
    if (++number > kMost) return text + " ...";
    text += fmt::format("{} {}={}", number == 1 ? ":" : ",", shown(protocol::NullableBytes(header.key)),
                        shown(header.value));
  }
  return text;
}

}  // namespace longhaul::replicator
