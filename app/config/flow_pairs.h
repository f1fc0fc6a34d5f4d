#pragma once

#include <string>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// The pair of aliases of a flow, and why it exists.
struct FlowPair {
  std::string source;
  std::string target;
};

/// The flows that MirrorMaker 2 would start for `aliases`: enabled ones, and those that exist because
/// heartbeats are on. Fails for a value of the keys that decide it which is neither true nor false. Source:
/// `MirrorMakerConfig.clusterPairs`, which does not trim: `enabled=true ` is not seen there.
[[nodiscard]] Result<std::vector<FlowPair>> existing_flows(const SettingMap& top,
                                                           const std::vector<std::string>& aliases,
                                                           std::vector<Warning>& warnings);

}  // namespace longhaul::config
