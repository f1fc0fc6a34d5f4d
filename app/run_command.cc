#include "app/run_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/exit_code.h"
#include "app/load.h"
#include "app/runner.h"
#include "app/signals.h"
#include "app/status_display.h"
#include "app/summary.h"
#include "app/wiring.h"
#include "base/log.h"

namespace longhaul::app {
namespace {

constexpr milliseconds kTick{200};

struct RunArguments {
  std::string file;
  std::vector<std::string> clusters;
  bool until_caught_up = false;
  bool skip_corrupt = false;
  std::string summary;
};

void explain_stopped(const std::vector<FlowSnapshot>& flows) {
  for (const auto& flow : flows) {
    if (flow.status.stopped.empty()) continue;
    log::error("partitions did not go on; see 'partition stopped' above",
               {{"flow", flow.name}, {"partitions", flow.status.stopped.size()}});
  }
}

/// Until the runner has ended. The first signal asks for a drain, a second one leaves at once.
void watch(Runner& runner, Signals& signals) {
  StatusDisplay display(isatty(STDERR_FILENO) != 0 ? StatusDisplay::Kind::terminal
                                                   : StatusDisplay::Kind::log);
  bool draining = false;
  while (!runner.ended()) {
    const int signal = signals.wait(kTick);
    if (signal != 0 && draining) {
      log::warn("leaving at once: what is under way is looked for at the next start");
      std::_Exit(static_cast<int>(ExitCode::runtime_failure));
    }
    if (signal != 0) {
      draining = true;
      log::info(
          "draining: what was read is written and the positions are stored; a second signal leaves at once");
      runner.drain();
    }
    display.update(runner.snapshot(), std::chrono::steady_clock::now());
  }
}

ExitCode run(const RunArguments& arguments) {
  const auto configuration = load_or_explain(arguments.file);
  if (!configuration) return ExitCode::wrong_usage;
  const auto flows = config::select_flows(*configuration, arguments.clusters);
  if (!flows) {
    print_error(flows.error().message());
    return ExitCode::wrong_usage;
  }
  for (const auto* flow : *flows) {
    if (const auto runnable = config::require_runnable(*flow); !runnable) {
      print_error(runnable.error().message());
      return ExitCode::wrong_usage;
    }
  }
  auto wired = wire_flows(*flows);
  if (!wired) {
    print_error(wired.error().message());
    return ExitCode::wrong_usage;
  }
  Signals signals;
  const auto begin = std::chrono::steady_clock::now();
  Runner runner(configuration->process, *std::move(wired),
                {.until = arguments.until_caught_up ? RunUntil::caught_up : RunUntil::stopped,
                 .corrupt_batches = arguments.skip_corrupt ? replicator::CorruptBatches::skip
                                                           : replicator::CorruptBatches::stop});
  runner.start();
  watch(runner, signals);
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto snapshots = runner.snapshot();
  for (const auto& flow : snapshots) {
    log::info("flow ended", {{"flow", flow.name},
                             {"topics", flow.topics},
                             {"partitions", flow.status.partitions},
                             {"records", flow.status.records},
                             {"bytes", flow.status.bytes},
                             {"lag", flow.status.lag}});
  }
  explain_stopped(snapshots);
  auto exit_code = runner.succeeded() ? ExitCode::done : ExitCode::runtime_failure;
  if (!arguments.summary.empty()) {
    const auto written = write_summary(arguments.summary, snapshots, seconds);
    if (!written) {
      print_error(written.error().message());
      exit_code = ExitCode::runtime_failure;
    }
  }
  return exit_code;
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<RunArguments>();
  auto* command = app.add_subcommand("run", "Replicate the flows of an mm2.properties file");
  command->footer(
      "Runs until SIGTERM or Ctrl-C: then what was read is written, positions are stored on the target and "
      "the\n"
      "process ends with 0. A second signal leaves at once. The next run continues at the record.\n\n"
      "  longhaul run mm2.properties\n"
      "  longhaul run mm2.properties --clusters backup          only flows into 'backup'\n"
      "  longhaul run mm2.properties --until-caught-up --summary result.json\n\n"
      "Exit codes: 0 drained or caught up, 1 a flow failed or a partition stopped, 2 wrong usage or "
      "configuration.");
  command->add_option("FILE", arguments->file, "The mm2.properties file")->required();
  command
      ->add_option("--clusters", arguments->clusters, "Target clusters of this node, by alias; default: all")
      ->type_name("ALIAS")
      ->expected(1, -1);
  command->add_flag("--until-caught-up", arguments->until_caught_up,
                    "End when every partition has reached the end it had when it was first seen");
  command->add_flag("--skip-corrupt", arguments->skip_corrupt,
                    "Leave out batches of a source that do not match their checksum, with a line and a count "
                    "for each; otherwise they stop their partition");
  command->add_option("--summary", arguments->summary, "Write what was done as JSON to this file at the end")
      ->type_name("FILE");
  command->callback([arguments, &exit_code] { exit_code = static_cast<int>(run(*arguments)); });
}

}  // namespace longhaul::app
