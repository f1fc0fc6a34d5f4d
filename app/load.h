#pragma once

#include <string>
#include <vector>

#include "app/config/configuration.h"

namespace longhaul::app {

/// Loads `file` for a command and prints its warnings to the log. On failure the one line that says why is
/// printed.
[[nodiscard]] std::optional<config::Configuration> load_or_explain(const std::string& file);

/// Prints `text` as the error of a command, to standard error.
void print_error(const std::string& text);

}  // namespace longhaul::app
