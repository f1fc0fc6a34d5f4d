#include "app/verify_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/exit_code.h"
#include "app/load.h"
#include "app/run_on_core.h"
#include "app/verify_flow.h"
#include "app/verify_follow.h"
#include "app/wiring.h"

namespace longhaul::app {
namespace {

struct VerifyArguments {
  std::string file;
  std::vector<std::string> flows;
  std::string topics;
  int parallel = 8;
  double patience = 5;
  std::optional<std::int64_t> sample;
  bool follow = false;
  std::optional<double> since;
  double interval = 10;
};

struct Totals {
  std::int64_t records = 0;
  std::int64_t same = 0;
  std::int64_t different = 0;
  std::int64_t not_compared = 0;

  void count(const VerifyResult& result) {
    records += result.records;
    same += result.kind == VerifyResult::Kind::same ? 1 : 0;
    different += result.kind == VerifyResult::Kind::differs ? 1 : 0;
    not_compared += result.kind == VerifyResult::Kind::not_compared ? 1 : 0;
  }
  void add(const Totals& other) {
    records += other.records;
    same += other.same;
    different += other.different;
    not_compared += other.not_compared;
  }
};

/// A difference is certain whatever else happened, so it comes before what could not be compared.
ExitCode exit_code_of(const Totals& totals) {
  if (totals.different > 0) return ExitCode::differs;
  return totals.not_compared > 0 || totals.same == 0 ? ExitCode::not_compared : ExitCode::done;
}

void print_result(const std::string& flow, const VerifyResult& result) {
  const auto* word = result.kind == VerifyResult::Kind::same      ? "same"
                     : result.kind == VerifyResult::Kind::differs ? "DIFFERS"
                                                                  : "NOT COMPARED";
  fmt::print("{}  {}: {}: {}\n", flow, result.what, word, result.text);
  static_cast<void>(std::fflush(stdout));
}

/// The flows that were asked for, or all that mirror topics. Prints why when there are none.
std::optional<std::vector<const config::FlowConfig*>> chosen_flows(const config::Configuration& configuration,
                                                                   const std::vector<std::string>& names) {
  std::vector<const config::FlowConfig*> flows;
  if (names.empty()) {
    const auto all = config::select_flows(configuration, {});
    if (!all) {
      print_error(all.error().message());
      return std::nullopt;
    }
    flows = *all;
  }
  for (const auto& name : names) {
    const auto flow = configuration.flow(name);
    if (!flow) {
      print_error(flow.error().message());
      if (name.ends_with('-'))
        print_error("the shell took '>' for a redirection; quote the name: --flow 'A->B'");
      return std::nullopt;
    }
    if (!(*flow)->enabled()) {
      print_error(fmt::format("flow {} mirrors no topics: {}", name, (*flow)->reason_text));
      return std::nullopt;
    }
    flows.push_back(*flow);
  }
  for (const auto* flow : flows) {
    if (const auto runnable = config::require_runnable(*flow); !runnable) {
      print_error(runnable.error().message());
      return std::nullopt;
    }
  }
  return flows;
}

Result<VerifyClusters> clusters_of(const config::FlowConfig& flow) {
  VerifyClusters clusters;
  LH_TRY(clusters.source, cluster_options(flow.source_consumer));
  LH_TRY(clusters.target, cluster_options(flow.target_consumer));
  return clusters;
}

Totals compare(const config::FlowConfig& flow, const VerifyClusters& clusters, const VerifyOptions& options) {
  Totals totals;
  const auto report = [&](const VerifyResult& result) {
    totals.count(result);
    print_result(flow.name(), result);
  };
  const auto done =
      run_on_core<void>([&](net::Io& io) { return verify_flow(io, flow, clusters, options, report); });
  if (!done) {
    ++totals.not_compared;
    const auto reason = net::is_aborted(done.error()) ? "interrupted" : done.error().message();
    fmt::print("{}  NOT COMPARED: {}\n", flow.name(), reason);
  } else if (totals.same + totals.different + totals.not_compared == 0) {
    fmt::print("{}  no topic of {} is selected\n", flow.name(), flow.source);
  }
  return totals;
}

std::string progress_text(const FollowProgress& progress) {
  auto text = fmt::format("{} partitions, {} records the same", progress.partitions, progress.records);
  if (progress.different > 0) text += fmt::format(", {} differ", progress.different);
  if (progress.not_compared > 0) text += fmt::format(", {} not compared", progress.not_compared);
  if (progress.behind > 0) {
    text += fmt::format("; {} behind by {} offsets, for {:.1f} s", progress.behind, progress.lag,
                        std::chrono::duration<double>(progress.behind_for).count());
  } else {
    text += "; nothing is behind";
  }
  if (!progress.trouble.empty()) text += fmt::format("; {}", progress.trouble);
  return text;
}

/// All flows at once, until a signal comes.
Totals follow(std::vector<FollowedFlow> flows, const VerifyOptions& options, milliseconds interval) {
  Totals totals;
  FollowReports reports;
  reports.interval = interval;
  reports.result = [&](const config::FlowConfig& flow, const VerifyResult& result) {
    totals.count(result);
    print_result(flow.name(), result);
  };
  reports.progress = [](const config::FlowConfig& flow, const FollowProgress& progress) {
    fmt::print("{}  {}\n", flow.name(), progress_text(progress));
    static_cast<void>(std::fflush(stdout));
  };
  const auto done =
      run_on_core<void>([&](net::Io& io) { return follow_flows(io, std::move(flows), options, reports); });
  if (!done) {
    ++totals.not_compared;
    fmt::print("NOT COMPARED: {}\n", done.error().message());
  }
  return totals;
}

void print_totals(const Totals& all) {
  fmt::print("{} records compared; {} partitions the same, {} differ, {} not compared\n", all.records,
             all.same, all.different, all.not_compared);
}

/// What begins in the middle of both logs finds the same record by its time.
bool copies_times(const std::vector<const config::FlowConfig*>& flows, std::string_view option) {
  for (const auto* flow : flows) {
    if (flow->own.append_times == config::AppendTimes::preserve) continue;
    print_error(
        fmt::format("{} finds the same records by their times, which flow {} does not copy "
                    "(longhaul.log.append.time = passthrough)",
                    option, flow->name()));
    return false;
  }
  return true;
}

ExitCode verify(const VerifyArguments& arguments) {
  VerifyOptions options{.topics = {},
                        .parallel = arguments.parallel,
                        .patience = milliseconds(static_cast<std::int64_t>(arguments.patience * 1000)),
                        .sample = arguments.sample};
  if (!arguments.topics.empty()) {
    auto pattern = replicator::JavaPattern::compile(arguments.topics);
    if (!pattern) {
      print_error(fmt::format("--topics {}: {}", arguments.topics, pattern.error().message()));
      return ExitCode::wrong_usage;
    }
    options.topics = *std::move(pattern);
  }
  const auto configuration = load_or_explain(arguments.file);
  if (!configuration) return ExitCode::wrong_usage;
  const auto flows = chosen_flows(*configuration, arguments.flows);
  if (!flows) return ExitCode::wrong_usage;
  if (arguments.sample && !copies_times(*flows, "--sample")) return ExitCode::wrong_usage;
  if (arguments.since && !copies_times(*flows, "--since")) return ExitCode::wrong_usage;
  if (arguments.since) {
    const auto now =
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    options.since = now.count() - static_cast<std::int64_t>(*arguments.since * 1000);
  }

  std::vector<FollowedFlow> reached;
  for (const auto* flow : *flows) {
    auto clusters = clusters_of(*flow);
    if (!clusters) {
      print_error(clusters.error().message());
      return ExitCode::wrong_usage;
    }
    reached.push_back({.config = flow, .clusters = *std::move(clusters)});
  }
  Totals all;
  if (arguments.follow) {
    all = follow(std::move(reached), options,
                 milliseconds(static_cast<std::int64_t>(arguments.interval * 1000)));
  } else {
    for (auto& flow : reached) all.add(compare(*flow.config, flow.clusters, options));
  }
  print_totals(all);
  return exit_code_of(all);
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<VerifyArguments>();
  auto* command = app.add_subcommand("verify", "Compare both sides of a file's flows, record by record");
  command->footer(
      "Reads every selected topic on both clusters and compares key, value, headers and timestamp, per "
      "partition and\n"
      "in order, up to the ends found at the start; neither side may lack a record. Prints a line per "
      "partition and\n"
      "the first difference of each with both offsets. Nothing is written. It may run beside a replicating "
      "'run':\n"
      "records that arrive meanwhile are waited for. With --follow it does not end: it compares what "
      "arrives, "
      "says now and\n"
      "then how far it is, and ends by Ctrl-C; what has not arrived yet is no difference.\n\n"
      "  longhaul verify mm2.properties\n"
      "  longhaul verify mm2.properties --flow 'A->B' --topics 'orders.*'\n"
      "  longhaul verify mm2.properties --follow --since 60\n\n"
      "Logs of compacted topics that were cleaned at different times are compared by the last record of each "
      "key.\n"
      "Records that one side has already deleted (retention) are left out and counted. Under read_committed "
      "records of\n"
      "aborted transactions are not compared. A timestamp is not compared where the target's topic stores "
      "append\n"
      "times.\n\n"
      "Exit codes: 0 the same, 2 wrong usage or configuration, 3 differs, 4 could not compare.");
  command->add_option("FILE", arguments->file, "The mm2.properties file")->required();
  command
      ->add_option("--flow", arguments->flows,
                   "Only this flow, quoted: 'A->B'; may be repeated. Default: all that are enabled")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--topics", arguments->topics,
                   "Only source topics that this regular expression matches as a whole")
      ->type_name("RE");
  auto* sample =
      command
          ->add_option(
              "--sample", arguments->sample,
              "Compare only about so many records of each partition, at up to ten places that are spread "
              "over their times")
          ->type_name("RECORDS")
          ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000'000}));
  auto* follow = command->add_flag("--follow", arguments->follow,
                                   "Go on comparing records as they arrive, until Ctrl-C");
  sample->excludes(follow);
  command
      ->add_option("--since", arguments->since,
                   "With --follow: begin with the records of the last SECONDS instead of all")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9))
      ->needs(follow);
  command->add_option("--interval", arguments->interval, "With --follow: seconds between lines of progress")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 86'400.0))
      ->needs(follow)
      ->capture_default_str();
  command->add_option("--parallel", arguments->parallel, "Partitions compared at the same time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      ->add_option("--wait", arguments->patience,
                   "Seconds that a target which lacks records may take to get the next one")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = static_cast<int>(verify(*arguments)); });
}

}  // namespace longhaul::app
