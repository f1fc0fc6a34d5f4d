#pragma once

#include "app/exit_code.h"
#include "app/generate_options.h"
#include "client/options.h"

namespace longhaul::app {

/// Creates the topics that are missing, fills them as `options` say, and prints progress and final figures.
/// Returns when all records are acknowledged, after `options.duration`, or after a signal; a second signal
/// leaves at once.
[[nodiscard]] ExitCode generate(const GenerateOptions& options, const client::ClusterOptions& cluster);

}  // namespace longhaul::app
