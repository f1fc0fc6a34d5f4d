// A Java regular expression, a line end, and a name to match. Matching takes bounded time, a list of one
// pattern says what the pattern says, and a quoted name matches itself and nothing longer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "replicator/java_pattern.h"
#include "replicator/java_pattern_text.h"
#include "replicator/topic_filter.h"

namespace longhaul::replicator {
namespace {

void try_pattern(const std::string& pattern, std::string_view name) {
  if (const auto text = to_pcre2(pattern)) {
    LH_CHECK(text->origin.size() == text->text.size() + 1);
    LH_CHECK(std::ranges::is_sorted(text->origin) && text->origin.back() == pattern.size());
  }
  const auto compiled = JavaPattern::compile(pattern);
  const auto list = PatternList::compile({pattern});
  LH_CHECK(compiled.has_value() == list.has_value());
  if (!compiled) return;
  const auto answer = compiled->match(name);
  LH_CHECK(list->match(name).match == answer);
}

void try_quoted(std::string_view name) {
  const auto is_plain = [](char c) { return c > '\x1f' && c < '\x7f'; };
  if (!std::ranges::all_of(name, is_plain) || name.find("\\E") != std::string_view::npos ||
      name.ends_with('\\'))
    return;
  const auto quoted = JavaPattern::compile("\\Q" + std::string(name) + "\\E");
  LH_CHECK(quoted.has_value());
  LH_CHECK(quoted->match(name) == JavaPattern::Match::yes);
  LH_CHECK(quoted->match(std::string(name) + "x") == JavaPattern::Match::no);
}

}  // namespace
}  // namespace longhaul::replicator

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 512));
  const auto end = std::min(text.find('\n'), text.size());
  const auto name = text.substr(std::min(end + 1, text.size()));
  longhaul::replicator::try_pattern(std::string(text.substr(0, end)), name);
  longhaul::replicator::try_quoted(name);
  return 0;
}
