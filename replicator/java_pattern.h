#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::replicator {

/// One regular expression in Java's flavour, matched against whole names. Shared freely; matching is safe
/// from any thread and takes bounded time: a pattern that needs more steps than the limit answers
/// `too_costly`.
class JavaPattern {
 public:
  enum class Match { no, yes, too_costly };

  /// Fails with the position and the reason for what Java refuses, and for what means something else in PCRE2
  /// and is not translated (docs/decisions/020).
  [[nodiscard]] static Result<JavaPattern> compile(std::string_view pattern);

  [[nodiscard]] Match match(std::string_view name) const;
  [[nodiscard]] const std::string& text() const;

 private:
  struct Compiled;
  explicit JavaPattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace longhaul::replicator
