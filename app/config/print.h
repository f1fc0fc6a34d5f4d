#pragma once

#include <string>

#include "app/config/configuration.h"

namespace longhaul::config {

/// The effective configuration for people: per flow and client each value with its origin, secrets hidden,
/// warnings last. Ends with a newline.
[[nodiscard]] std::string print(const Configuration& configuration);

}  // namespace longhaul::config
