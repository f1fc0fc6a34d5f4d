#pragma once

namespace CLI {
class App;
}

namespace longhaul::app {

/// Adds `longhaul config FILE`: prints the effective configuration, or the one line that says what is wrong
/// with it. Sets `exit_code` when the command runs: 0, or 2 for a wrong configuration.
void add_config_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
