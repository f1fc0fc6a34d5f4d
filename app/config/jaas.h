#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace longhaul::config {

struct JaasOption {
  std::string name;
  Secret value;  ///< always: passwords, tokens and client secrets are options like any other
};

/// One login module of a `sasl.jaas.config` with its options. The control flag (`required`, `requisite`,
/// `sufficient`, `optional`) is checked and not kept: with a single module all four mean the same.
struct JaasEntry {
  std::string login_module;         ///< the class as written
  std::vector<JaasOption> options;  ///< in the order written, names once: the last of equal ones

  /// The class without its package, e.g. `ScramLoginModule`.
  [[nodiscard]] std::string_view class_name() const;
  /// The option's value, null when it is not given.
  [[nodiscard]] const Secret* find(std::string_view name) const;
};

/// Reads `<class> <flag> <option>=<value> ... ;`, one or several, by the rules of Kafka's `JaasConfig`, which
/// are those of java.io.StreamTokenizer: words of letters, digits, `_ - $ .`; `"..."` and `'...'` within one
/// line, where a backslash begins `\n \t ...`, an octal number, or stands for the character after it;
/// comments
/// `/* */`, `//` and `/`. At least one entry. Errors name the position in characters, counted from 1, and
/// never repeat what stands there: it may be a part of a password.
[[nodiscard]] Result<std::vector<JaasEntry>> parse_jaas(std::string_view text);

}  // namespace longhaul::config
