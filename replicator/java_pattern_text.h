#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace longhaul::replicator {

/// A Java regular expression in PCRE2's spelling.
struct TranslatedPattern {
  std::string text;
  /// For each byte of `text`, and its end, the byte of the Java pattern it comes from: for error positions.
  std::vector<std::size_t> origin;
};

/// Rewrites `pattern` where the two flavours spell one thing differently (`\uhhhh`, `\0nn`, `\cX`,
/// `\p{Lower}`), and fails, with position and reason, where the same text means something else or exists in
/// one of them only: intersections and unions of character classes, PCRE2's own groups and verbs, the flags
/// d, u, U, x and others.
[[nodiscard]] Result<TranslatedPattern> to_pcre2(std::string_view pattern);

}  // namespace longhaul::replicator
