#pragma once

namespace CLI {
class App;
}

namespace longhaul::app {

/// Adds `longhaul sandbox`: Kafka-protocol clusters in this process's memory, for trying things out. Sets
/// `exit_code` when the command runs: 0 ended by a signal, 1 a port or a file is not to be had, 2 wrong
/// usage.
void add_sandbox_command(CLI::App& app, int& exit_code);

}  // namespace longhaul::app
