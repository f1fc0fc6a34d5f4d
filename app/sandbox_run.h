#pragma once

#include "app/exit_code.h"
#include "app/sandbox_options.h"

namespace longhaul::app {

/// Serves the clusters until SIGINT or SIGTERM, after printing to standard output how each is reached.
[[nodiscard]] ExitCode run_sandbox(const SandboxOptions& options);

}  // namespace longhaul::app
