#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/options.h"

namespace longhaul::sandbox {

class Cluster;

/// Carries out one line of a control file, see Cluster::control().
[[nodiscard]] Result<std::string> run_control(Cluster& cluster, std::string_view line, Now now);

}  // namespace longhaul::sandbox
