#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/generate_command.h"
#include "app/plan_command.h"
#include "app/run_command.h"
#include "app/sandbox_command.h"
#include "app/verify_command.h"
#include "base/log.h"
#include "net/io_threads.h"

namespace longhaul::app {
namespace {

constexpr const char* kFooter =
    "Quick tour:\n"
    "  longhaul config mm2.properties     what the file means, value by value\n"
    "  longhaul plan mm2.properties       what a run would do\n"
    "  longhaul run mm2.properties        replicate\n"
    "  longhaul verify mm2.properties     compare both sides record by record\n"
    "  longhaul generate localhost:9092 --topic orders:4 --records 100000\n"
    "  longhaul sandbox                   two clusters in memory, to try all of this on\n\n"
    "Flow names hold a '>', so quote them: --flow 'A->B'.";

/// An unquoted flow name loses what follows its '>' to the shell, which writes a file of that name.
bool looks_cut_by_the_shell(const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments) {
    if (argument.size() > 1 && argument.ends_with('-') && !argument.starts_with('-')) return true;
  }
  return false;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Longhaul replicates topics between Kafka clusters, from the mm2.properties file of MirrorMaker 2.",
      "longhaul");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("longhaul {} ({})", LH_VERSION, net::backend_name()));
  app.add_flag_callback("--debug", [] { log::set_level(log::Level::debug); }, "Log more");
  int exit_code = static_cast<int>(ExitCode::done);
  add_run_command(app, exit_code);
  add_plan_command(app, exit_code);
  add_verify_command(app, exit_code);
  add_config_command(app, exit_code);
  add_generate_command(app, exit_code);
  add_sandbox_command(app, exit_code);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return static_cast<int>(ExitCode::done);
    if (looks_cut_by_the_shell(arguments)) {
      fmt::print(stderr, "Did the shell cut a flow name at its '>'? Quote it: --flow 'A->B'.\n");
    }
    return static_cast<int>(ExitCode::wrong_usage);
  }
  return exit_code;
}

}  // namespace
}  // namespace longhaul::app

int main(int argc, char** argv) {
  try {
    return longhaul::app::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "longhaul: %s\n", error.what());
    return static_cast<int>(longhaul::app::ExitCode::runtime_failure);
  }
}
