#pragma once

namespace CLI {
class App;
}

namespace longhaul::app {

/// Adds `longhaul verify FILE`: compares what the flows of a file have copied with their sources, record by
/// record. Sets `exit_code` when the command runs: 0 the same, 2 wrong usage or configuration, 3 differs, 4
/// not compared.
void add_verify_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
