#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace longhaul::test {

/// Path of a store that other people's tools wrote; see stores/README.md.
inline std::string store_path(const std::string& name) {
  return std::string(LH_SOURCE_DIR) + "/tests/unit/net/stores/" + name;
}

inline std::string read_store_text(const std::string& name) {
  std::ifstream file(store_path(name), std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + store_path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Bytes read_store(const std::string& name) {
  const auto text = read_store_text(name);
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

/// Bytes from hexadecimal digits; blanks are skipped.
inline Bytes bytes(std::string_view hex) {
  Bytes out;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits.push_back(c);
    if (digits.size() < 2) continue;
    out.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return out;
}

}  // namespace longhaul::test
