#pragma once

#include <string>
#include <vector>

#include "tests/sim/plan.h"

namespace longhaul::sim {

/// Holds what a reader of committed records gets from the target against what the producers of the source
/// wrote: every record once, in order, with its content. What was deleted on the source may be missing if the
/// flow has said so. Returns what is wrong, a line for each partition at most.
[[nodiscard]] std::vector<std::string> check_logs(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                                  const Losses& losses);
/// The same for what is stored, when the last instance has drained, where no transaction may be left open.
[[nodiscard]] std::vector<std::string> check_state(SimNet& net, const WorldPlan& plan, const Oracle& oracle);
/// Readers of uncommitted records see what was aborted: the target may hold aborted records of ours only
/// where a coordinator has aborted them by itself.
[[nodiscard]] std::vector<std::string> check_aborts(SimNet& net, const WorldPlan& plan);
/// Whether the target could hold everything.
[[nodiscard]] bool target_is_long_enough(SimNet& net, const WorldPlan& plan);

/// Partitions of the target that readers of committed records cannot read to their ends, and since where.
[[nodiscard]] std::vector<std::string> open_transactions(SimNet& net);

}  // namespace longhaul::sim
