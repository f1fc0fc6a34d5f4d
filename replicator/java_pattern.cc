#include "replicator/java_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "replicator/java_pattern_text.h"

namespace longhaul::replicator {
namespace {

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

// A name has at most 249 characters: sane patterns take a few thousand steps, nested quantifiers that would
// run for hours in Java end here after milliseconds.
constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kHeapLimitKib = 16'384;

// UTF without UCP: names are UTF-8, classes such as \w and \d are ASCII as in Java. Names that are no UTF-8
// match nothing instead of failing.
constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                                   PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;

std::string reason_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct JavaPattern::Compiled {
  std::string text;
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_context, Free> context;
};

Result<JavaPattern> JavaPattern::compile(std::string_view pattern) {
  auto translated = to_pcre2(pattern);
  if (!translated) return in_context(std::move(translated).error(), "pattern '{}'", pattern);

  int error = 0;
  PCRE2_SIZE offset = 0;
  std::unique_ptr<pcre2_code, Free> code(
      pcre2_compile(units(translated->text), translated->text.size(), kOptions, &error, &offset, nullptr));
  if (!code) {
    const auto at = translated->origin[std::min<std::size_t>(offset, translated->origin.size() - 1)];
    return fail(
        Error{{}, fmt::format("pattern '{}': at position {}: {}", pattern, at + 1, reason_of(error))});
  }
  // Without JIT (not every machine has it) matching interprets, slower and with the same answers.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);

  auto compiled = std::make_shared<Compiled>();
  compiled->text = pattern;
  compiled->code = std::move(code);
  compiled->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled->context.get(), kMatchLimit);
  pcre2_set_heap_limit(compiled->context.get(), kHeapLimitKib);
  return JavaPattern(std::move(compiled));
}

JavaPattern::Match JavaPattern::match(std::string_view name) const {
  const std::unique_ptr<pcre2_match_data, Free> data(
      pcre2_match_data_create_from_pattern(compiled_->code.get(), nullptr));
  const auto attempt = [&](std::uint32_t options) {
    return pcre2_match(compiled_->code.get(), units(name), name.size(), 0, options, data.get(),
                       compiled_->context.get());
  };
  int found = attempt(0);
  // The stack of JIT code is small and fixed; the interpreter uses the heap up to its limit.
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = attempt(PCRE2_NO_JIT);
  if (found >= 0) return Match::yes;
  return found == PCRE2_ERROR_NOMATCH ? Match::no : Match::too_costly;
}

const std::string& JavaPattern::text() const {
  return compiled_->text;
}

}  // namespace longhaul::replicator
