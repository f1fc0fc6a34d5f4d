#include "app/config_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/config/print.h"

namespace longhaul::app {
namespace {

constexpr int kWrongConfiguration = 2;

int print_configuration(const std::string& file) {
  // Looking at a file is allowed away from the machine that has its secrets: what cannot be read is a warning
  // here.
  const auto configuration =
      config::load(file, {.provider_failure = config::ProviderFailure::keep, .environment = {}});
  if (!configuration) {
    fmt::print(stderr, "longhaul: {}\n", configuration.error().message());
    return kWrongConfiguration;
  }
  fmt::print("{}", config::print(*configuration));
  return 0;
}

}  // namespace

void add_config_command(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("config", "Print the effective configuration with the origin of each value");
  command->footer(
      "Reads an mm2.properties file as MirrorMaker 2 does, without connecting anywhere, and prints for every "
      "flow and\n"
      "client which value is in effect and which line of the file it comes from. Secrets are hidden. "
      "Warnings come last.\n"
      "\n"
      "  longhaul config mm2.properties\n"
      "\n"
      "Exit code: 0, or 2 when a value is wrong.");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "mm2.properties")->required();
  command->callback([file, &exit_code] { exit_code = print_configuration(*file); });
}

}  // namespace longhaul::app
