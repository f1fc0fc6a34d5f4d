#pragma once

#include <vector>

#include "app/config/configuration.h"
#include "app/config/flow_config.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// Which partitions of `flow` are written in transactions of the target, and how long one lasts: out of
/// `longhaul.transactions` and its neighbours, and of MirrorMaker 2's keys, which are the worker's
/// `exactly.once.source.support` and, for the flow alone, `transaction.boundary` (KIP-618). Fills `flow.own`;
/// the worker and the clients of `flow` have been read before. Keys that contradict each other are an error
/// that names both. A flow that is not enabled contradicts nothing.
[[nodiscard]] Result<void> read_transactions(FlowConfig& flow, const SettingMap& connector,
                                             std::vector<Warning>& warnings);

}  // namespace longhaul::config
