#pragma once

#include <random>

#include "net/async.h"
#include "net/stream.h"
#include "net/timer.h"

namespace longhaul::net {

using Random = std::mt19937_64;

/// What one core offers to the code that runs on it: an event loop, time, connections, chance. All of it is
/// real or all of it simulated. Owned by IoThreads or by a test; outlives everything that was made with it.
struct Io {
  Executor executor;
  TimeSource& time;
  Connector& connector;
  Random& random;
};

}  // namespace longhaul::net
