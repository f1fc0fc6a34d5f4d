#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace longhaul {

/// A text that a peer sent, for a message: at most `size_max` bytes of it, with '?' for whatever is not
/// printable ASCII, so that it can neither fill a log nor move a terminal's cursor.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t size_max = 200) {
  std::string out(text.substr(0, size_max));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > size_max) out += "...";
  return out;
}

}  // namespace longhaul
