#pragma once

#include <string_view>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// All settings of a properties file with references resolved. `name` stands for the file in origins and
/// errors. The last of several equal keys wins, as in Java, but it is said.
[[nodiscard]] Result<SettingMap> read_settings(std::string_view text, std::string_view name,
                                               const LoadOptions& options, std::vector<Warning>& warnings);

}  // namespace longhaul::config
