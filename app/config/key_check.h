#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"

namespace longhaul::config {

/// What a raw key of the file is, by its name and place.
struct KeyVerdict {
  enum class Kind { served, not_served, no_effect, misplaced, unknown, unknown_cluster };
  Kind kind = Kind::unknown;
  /// Why it has no effect, where to write it instead, or the nearest known key; may be empty.
  std::string note;
};

[[nodiscard]] KeyVerdict judge_key(std::string_view key, const std::vector<std::string>& aliases);

/// One warning each for all keys that are not served, have no effect, stand where they are ignored, or are
/// unknown, and one per flow that names an unknown cluster. Keys that switch off what is not served deserve
/// none.
[[nodiscard]] std::vector<Warning> check_keys(const SettingMap& top, const std::vector<std::string>& aliases,
                                              std::string_view file);

}  // namespace longhaul::config
