#pragma once

#include <CLI/App.hpp>

namespace longhaul::app {

/// Adds `longhaul plan`; it sets `exit_code` when it was called.
void add_plan_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
