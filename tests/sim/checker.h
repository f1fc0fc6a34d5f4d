#pragma once

#include <string>
#include <vector>

#include "tests/sim/plan.h"

namespace longhaul::sim {

/// Holds what the target has against what the producers of the source wrote: every record once, in order,
/// with its content; and what is stored about it, when the last instance has drained. What was deleted on the
/// source may be missing if the flow has said so. Returns what is wrong, a line for each partition at most.
[[nodiscard]] std::vector<std::string> check_logs(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                                  const Losses& losses);
[[nodiscard]] std::vector<std::string> check_state(SimNet& net, const WorldPlan& plan, const Oracle& oracle);
/// Whether the target could hold everything.
[[nodiscard]] bool target_is_long_enough(SimNet& net, const WorldPlan& plan);

}  // namespace longhaul::sim
