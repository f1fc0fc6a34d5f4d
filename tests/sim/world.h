#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/plan.h"

namespace longhaul::sim {

/// What came of one seed.
struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::int64_t records = 0;
  std::int64_t virtual_ms = 0;
  std::int64_t instances = 0;
  std::int64_t requests = 0;
  Tally tally;
  std::vector<std::string> problems;
};

/// Lives through the world of one seed. One at a time in a process: log lines are global.
[[nodiscard]] Outcome run_world(std::uint64_t seed, const RunOptions& options);

}  // namespace longhaul::sim
