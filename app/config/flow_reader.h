#pragma once

#include <string_view>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/flow_pairs.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// All options of one existing flow, typed and checked.
[[nodiscard]] Result<FlowConfig> read_flow(const SettingMap& top, const FlowPair& pair, std::string_view file,
                                           std::vector<Warning>& warnings);

}  // namespace longhaul::config
