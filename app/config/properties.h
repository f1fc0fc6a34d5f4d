#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace longhaul::config {

/// How the bytes of a properties file become characters.
enum class Encoding {
  latin1,  ///< what `Properties.load(InputStream)` assumes: mm2.properties itself
  utf8,    ///< what FileConfigProvider assumes
};

struct Property {
  std::string key;    ///< UTF-8
  std::string value;  ///< UTF-8; trailing blanks are kept
  int line = 0;       ///< of the key, from 1
};

/// The entries of a file in java.util.Properties' grammar, in order, duplicates included (the last one wins).
/// The only error is a malformed `\uXXXX`; it names `name` and the line.
/// Source: the class comment of java.util.Properties.load.
[[nodiscard]] Result<std::vector<Property>> parse_properties(std::string_view bytes, Encoding encoding,
                                                             std::string_view name);

}  // namespace longhaul::config
