#pragma once

namespace longhaul::app {

/// What the process returns; documented in docs/cli.md.
enum class ExitCode : int {
  done = 0,
  runtime_failure = 1,
  wrong_usage = 2,
  differs = 3,
  not_compared = 4,
};

}  // namespace longhaul::app
