// A properties file. What was read, written again with every character escaped, reads the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/properties.h"
#include "base/check.h"

namespace longhaul::config {
namespace {

void add_escape(std::string& out, std::uint32_t code) {
  out += "\\u";
  for (const int shift : {12, 8, 4, 0}) out += "0123456789abcdef"[code >> shift & 0xfU];
}

/// Every character as `\uXXXX`; `text` is UTF-8 that we wrote ourselves.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    LH_CHECK(at + length <= text.size());
    std::uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    }
    if (code < 0x10000) {
      add_escape(out, code);
    } else {
      add_escape(out, 0xd800 + ((code - 0x10000) >> 10));
      add_escape(out, 0xdc00 + (code & 0x3ff));
    }
    at += length;
  }
  return out;
}

void try_round_trip(std::string_view text) {
  const auto entries = parse_properties(text, Encoding::latin1, "file");
  if (!entries) return;
  std::string again;
  for (const auto& entry : *entries) again += escaped(entry.key) + "=" + escaped(entry.value) + "\n";
  const auto reread = parse_properties(again, Encoding::latin1, "file");
  LH_CHECK(reread.has_value());
  LH_CHECK(reread->size() == entries->size());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    LH_CHECK((*reread)[i].key == (*entries)[i].key && (*reread)[i].value == (*entries)[i].value);
  }
}

}  // namespace
}  // namespace longhaul::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_round_trip(text);
  if (const auto utf8 = parse_properties(text, Encoding::utf8, "file"); utf8)
    LH_CHECK(utf8->size() <= text.size());
  return 0;
}
