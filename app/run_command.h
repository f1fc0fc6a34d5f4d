#pragma once

#include <CLI/App.hpp>

namespace longhaul::app {

/// Adds `longhaul run`; it sets `exit_code` when it was called.
void add_run_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
