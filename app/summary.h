#pragma once

#include <string>
#include <vector>

#include "app/runner.h"
#include "base/result.h"

namespace longhaul::app {

/// What a run did, as the JSON that docs/cli.md describes. `seconds` is the wall time of the run; CPU time
/// and peak memory are this process's own.
[[nodiscard]] std::string summary_json(const std::vector<FlowSnapshot>& flows, double seconds);

[[nodiscard]] Result<void> write_summary(const std::string& file, const std::vector<FlowSnapshot>& flows,
                                         double seconds);

}  // namespace longhaul::app
