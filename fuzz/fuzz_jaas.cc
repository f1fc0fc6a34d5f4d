// A sasl.jaas.config. What was read, written again with every value between quotes and every character of it
// escaped, reads the same; an error repeats no word of the text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/jaas.h"
#include "app/config/security_reader.h"
#include "base/check.h"

namespace longhaul::config {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

void try_round_trip(const std::vector<JaasEntry>& entries) {
  std::string text;
  for (const auto& entry : entries) {
    text += in_quotes(entry.login_module) + " required";
    for (const auto& option : entry.options) {
      text += " " + in_quotes(option.name) + "=" + in_quotes(option.value.reveal());
    }
    text += ";\n";
  }
  const auto again = parse_jaas(text);
  LH_CHECK(again.has_value());
  LH_CHECK(again->size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    LH_CHECK((*again)[i].login_module == entries[i].login_module);
    LH_CHECK((*again)[i].options.size() == entries[i].options.size());
    for (const auto& option : entries[i].options) {
      const auto* found = (*again)[i].find(option.name);
      LH_CHECK(found != nullptr);
      LH_CHECK(*found == option.value);
    }
  }
}

/// Words that the errors have themselves are harmless; whatever else stands in the text must not come back.
void check_error(std::string_view text, const std::string& message) {
  constexpr std::string_view kMark = "Hunter2";
  LH_CHECK(!message.empty());
  LH_CHECK(text.find(kMark) == std::string_view::npos || message.find(kMark) == std::string::npos);
}

}  // namespace
}  // namespace longhaul::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = parse_jaas(text);
  if (entries) {
    LH_CHECK(!entries->empty());
    try_round_trip(*entries);
  } else {
    check_error(text, entries.error().message());
  }
  const auto pem = normal_pem(text);
  LH_CHECK(normal_pem(pem) == pem);
  return 0;
}
