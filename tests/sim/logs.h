#pragma once

#include <optional>
#include <string>

#include "tests/sim/oracle.h"
#include "tests/sim/sim_net.h"

namespace longhaul::sim {

/// What a reader gets: everything but control batches, or only what transactions have committed.
enum class Reads { uncommitted, committed };

/// Reads a whole partition past the network. Nothing when it has no leader, or when what it holds cannot be
/// read; `problem` says why. Committed reads end at the last stable offset, which is then the log's end.
[[nodiscard]] std::optional<Log> read_log(SimNet& net, Site& site, const TopicPartition& partition,
                                          std::string& problem, Reads reads = Reads::uncommitted);

/// The last committed value of each key in a compacted topic, over all its partitions.
[[nodiscard]] std::map<std::string, std::string> read_table(SimNet& net, Site& site, const std::string& topic,
                                                            std::string& problem);

}  // namespace longhaul::sim
