#pragma once

namespace CLI {
class App;
}

namespace longhaul::app {

/// Adds `longhaul generate BOOTSTRAP`: writes varied records into topics, for trying things out. Sets
/// `exit_code` when the command runs: 0 done or stopped by a signal, 1 a cluster failed or refused, 2 wrong
/// usage.
void add_generate_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
