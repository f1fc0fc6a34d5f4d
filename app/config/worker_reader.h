#pragma once

#include <string_view>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// Properties of the Connect worker that would run `flow`, with MirrorMaker 2's defaults. `connector` is
/// asked for `exactly.once.support = enabled`, which is read as the worker's own switch.
[[nodiscard]] Result<WorkerConfig> read_worker(const SettingMap& top, const SettingMap& connector,
                                               const FlowConfig& flow, std::vector<Warning>& warnings);

/// Kafka's rule for topic names.
[[nodiscard]] bool is_legal_topic_name(std::string_view name);

}  // namespace longhaul::config
