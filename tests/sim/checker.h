#pragma once

#include <string>
#include <vector>

#include "tests/sim/plan.h"

namespace longhaul::sim {

/// Holds what a reader of committed records gets from the target against what the producers of the source
/// wrote: every record once, in order, with its content. What was deleted on the source may be missing if the
/// flow has said so; where records that were replicated were cut off the source, the partition must be
/// stopped. Returns what is wrong, a line for each partition at most.
[[nodiscard]] std::vector<std::string> check_logs(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                                  const Told& told);
/// The same for what is stored of partitions that are not stopped, when the last instance has drained, where
/// no transaction may be left open.
[[nodiscard]] std::vector<std::string> check_state(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                                   const Told& told);
/// Readers of uncommitted records see what was aborted: the target may hold aborted records of ours only
/// where a coordinator has aborted them by itself.
[[nodiscard]] std::vector<std::string> check_aborts(SimNet& net, const WorldPlan& plan);
/// Whether the target could hold everything of the partitions that are not stopped.
[[nodiscard]] bool target_is_long_enough(SimNet& net, const WorldPlan& plan, const Told& told);
/// Whether the source has lost records behind what the flow had read of them, so that a person has to decide.
[[nodiscard]] bool is_lost_cause(SimNet& net, const Oracle& oracle, const TopicPartition& partition);

/// Partitions of the target that readers of committed records cannot read to their ends, and since where.
[[nodiscard]] std::vector<std::string> open_transactions(SimNet& net);

}  // namespace longhaul::sim
