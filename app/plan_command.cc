#include "app/plan_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/exit_code.h"
#include "app/load.h"
#include "app/plan_notes.h"
#include "app/run_on_core.h"
#include "app/wiring.h"
#include "client/error.h"
#include "net/error.h"
#include "replicator/fence.h"
#include "replicator/kafka/topic_reader.h"
#include "replicator/partition_pipeline.h"

namespace longhaul::app {
namespace {

using replicator::TopicChange;
using TopicConfigs = std::map<std::string, std::vector<replicator::ConfigValue>>;

constexpr milliseconds kTimeout{30'000};
constexpr milliseconds kCoordinatorTimeout{5'000};
constexpr milliseconds kLookTimeout{3'000};
/// Topics whose ends are read to see whether they hold transactions.
constexpr std::size_t kLookedInto = 200;

struct PlanArguments {
  std::string file;
  std::vector<std::string> clusters;
};

/// What was found out about one flow, for printing.
struct FlowPlan {
  std::string source_cluster_id;
  std::string target_cluster_id;
  replicator::TopicPlan topics;
  /// Why the target does not let us use the transactional ids that guard partitions, and those of its
  /// transactions; empty when it does, or when that is not known.
  std::string guards_refused;
  std::string transactions_refused;
  /// By source topic, of those that would be created.
  std::map<std::string, replicator::CreationConfigs> configs;
  /// By source topic, of all that are selected.
  std::map<std::string, std::vector<std::string>> notes;
  /// Topics that were not looked into, because there are many.
  std::size_t not_looked_into = 0;
};

/// Asks for the coordinator of one transactional id, which needs DESCRIBE on it and changes nothing. An id
/// that may be described but not written is only noticed by the run.
net::Async<std::string> why_refused(client::Cluster& target, std::string id, SteadyTime deadline) {
  const auto until = std::min(deadline, net::saturating_add(target.io().time.now(), kCoordinatorTimeout));
  const auto found = co_await target.coordinator(client::CoordinatorType::transaction, std::move(id), until);
  if (found) co_return std::string();
  if (net::is_aborted(found.error())) co_return std::unexpected(found.error());
  const bool refused = found.error().code == protocol::KafkaErrc::transactional_id_authorization_failed ||
                       found.error().code == client::ClientErrc::unsupported_version;
  co_return refused ? found.error().message() : std::string();
}

/// One of the flow's transactional ids stands for all: for the one that guards a partition, and where
/// something is written in transactions, for theirs.
net::Async<void> ask_for_transactional_ids(client::Cluster& target, const replicator::FlowOptions& options,
                                           FlowPlan& plan, SteadyTime deadline) {
  if (options.exactly_once == replicator::ExactlyOnce::off) co_return Result<void>{};
  const auto guard = replicator::transactional_id(options.deployment_id, options.name(),
                                                  {options.state_topic, PartitionIndex(0)});
  LH_CO_TRY(plan.guards_refused, co_await why_refused(target, guard, deadline));
  if (options.transactions == replicator::Transactions::never) co_return Result<void>{};
  LH_CO_TRY(plan.transactions_refused,
            co_await why_refused(target, replicator::transaction_id_for(guard), deadline));
  co_return Result<void>{};
}

net::Async<FlowPlan> look(client::Cluster& source, client::Cluster& target,
                          const replicator::FlowOptions& options, SteadyTime deadline) {
  FlowPlan plan;
  LH_CO_TRY_VOID(co_await ask_for_transactional_ids(target, options, plan, deadline));
  LH_CO_TRY(const auto source_topics, co_await replicator::read_topics(source, deadline));
  LH_CO_TRY(const auto target_topics, co_await replicator::read_topics(target, deadline));
  plan.source_cluster_id = source.metadata().cluster_id().value_or("unknown");
  plan.target_cluster_id = target.metadata().cluster_id().value_or("unknown");
  std::map<std::string, replicator::TopicFacts> by_name;
  for (const auto& topic : target_topics) by_name.emplace(topic.name, topic);
  plan.topics = plan_topics(options, source_topics, by_name);
  std::vector<std::string> selected;
  std::vector<std::string> existing;
  for (const auto& change : plan.topics.selected) {
    selected.push_back(change.source.name);
    if (change.kind != TopicChange::Kind::create) existing.push_back(change.remote_topic);
  }
  LH_CO_TRY(const auto on_source,
            co_await replicator::read_topic_configs(source, std::move(selected), deadline));
  LH_CO_TRY(const auto on_target,
            co_await replicator::read_topic_configs(target, std::move(existing), deadline));
  std::set<std::string> known;
  if (!target_topics.empty()) {
    LH_CO_TRY(known, co_await replicator::read_setting_names(target, target_topics[0].name, deadline));
  }
  const auto values_of = [](const TopicConfigs& configs, const std::string& topic) {
    const auto found = configs.find(topic);
    return found == configs.end() ? std::vector<replicator::ConfigValue>() : found->second;
  };
  for (const auto& change : plan.topics.selected) {
    const auto& name = change.source.name;
    const bool is_readable = on_source.contains(name);
    TopicTraits traits{.source = values_of(on_source, name),
                       .target = values_of(on_target, change.remote_topic)};
    if (change.kind == TopicChange::Kind::create && is_readable) {
      plan.configs[name] = configs_for_creation(options, traits.source, known);
      traits.creation = plan.configs[name].copied;
    }
    if (plan.notes.size() < kLookedInto) {
      // A topic without leader must not hold up the others.
      const auto soon = std::min(deadline, net::saturating_add(source.io().time.now(), kLookTimeout));
      const auto seen = co_await ends_with_transaction(source, change.source, soon);
      if (!seen && net::is_aborted(seen.error())) co_return fail(seen.error());
      // Somebody who may not read the topic learns that from the run; the plan says the rest.
      traits.holds_transactions = seen && *seen;
      if (change.kind == TopicChange::Kind::create) {
        const auto remembered = replicator::PipelineOptions{}.producer_memory;
        const auto old = co_await begins_before(source, change.source,
                                                source.io().time.wall_ms() - remembered.count(), soon);
        if (!old && net::is_aborted(old.error())) co_return fail(old.error());
        traits.begins_old = old && *old;
      }
    } else {
      ++plan.not_looked_into;
    }
    plan.notes[name] = topic_notes(traits, options);
  }
  co_return plan;
}

net::Async<FlowPlan> look_at(net::Io& io, const WiredFlow& flow) {
  const auto options = flow_options(*flow.config);
  client::Cluster source(io, flow.clients.source_admin);
  client::Cluster target(io, flow.clients.target_admin);
  auto plan = co_await look(source, target, options, net::saturating_add(io.time.now(), kTimeout));
  co_await source.stop();
  co_await target.stop();
  co_return plan;
}

/// "included by 'orders.*'"; without the rule where none decided.
std::string because(const replicator::Decision& decision) {
  if (decision.rule.empty()) return std::string(to_string(decision.reason));
  return fmt::format("{} '{}'", to_string(decision.reason), decision.rule);
}

void print_topic(const TopicChange& change, const FlowPlan& plan, const config::FlowConfig& flow) {
  const auto decision = flow.selection->decide(change.source.name);
  fmt::print("  {} -> {}  ({} partitions; {})\n", change.source.name, change.remote_topic,
             change.source.partitions, because(decision));
  if (change.kind == TopicChange::Kind::add_partitions) {
    fmt::print("      would grow from {} to {} partitions\n", change.remote_partitions,
               change.source.partitions);
  }
  if (const auto notes = plan.notes.find(change.source.name); notes != plan.notes.end()) {
    for (const auto& note : notes->second) fmt::print("      note: {}\n", note);
  }
  if (change.kind != TopicChange::Kind::create) return;
  fmt::print("      would be created, replication factor {}\n", flow.replication_factor);
  const auto configs = plan.configs.find(change.source.name);
  if (configs == plan.configs.end()) return;
  for (const auto& [key, value] : configs->second.copied) fmt::print("      {} = {}\n", key, value);
  for (const auto& key : configs->second.unknown_to_target) {
    fmt::print("      {} is left out: the target does not know it\n", key);
  }
}

void print_transactions(const config::FlowConfig& flow, const FlowPlan& plan) {
  if (flow.own.transactions == config::Transactions::always) {
    fmt::print(
        "  transactions: everything, records and positions together, committed every {} ms; consumers on {} "
        "need\n  isolation.level = read_committed to be sure to see each record once\n",
        flow.own.transaction_interval.count(), flow.target);
  }
  const auto ids = fmt::format("longhaul:{}:{}:*", flow.own.deployment_id, flow.name());
  if (!plan.guards_refused.empty()) {
    fmt::print(
        "  WARNING: the target refuses the transactional ids {} ({}): a second instance of this flow, or one "
        "that wakes up, could not be kept from writing\n",
        ids, plan.guards_refused);
  } else if (!plan.transactions_refused.empty()) {
    fmt::print(
        "  WARNING: the target refuses the transactional ids {}:t ({}): nothing could be written in "
        "transactions\n",
        ids, plan.transactions_refused);
  }
}

void print_plan(const config::FlowConfig& flow, const FlowPlan& plan) {
  fmt::print("Flow {}\n", flow.name());
  fmt::print("  source {}: cluster id {}, bootstrap {}:{}\n", flow.source, plan.source_cluster_id,
             flow.source_admin.bootstrap_servers[0].host, flow.source_admin.bootstrap_servers[0].port);
  fmt::print("  target {}: cluster id {}, bootstrap {}:{}\n", flow.target, plan.target_cluster_id,
             flow.target_admin.bootstrap_servers[0].host, flow.target_admin.bootstrap_servers[0].port);
  if (plan.source_cluster_id == plan.target_cluster_id)
    fmt::print("  WARNING: both aliases are the same cluster\n");
  print_transactions(flow, plan);
  fmt::print("Topics selected: {}\n", plan.topics.selected.size());
  for (const auto& change : plan.topics.selected) print_topic(change, plan, flow);
  if (plan.not_looked_into > 0) {
    fmt::print("  {} of them were not looked into for transactions\n", plan.not_looked_into);
  }
  fmt::print("Topics rejected: {}\n", plan.topics.rejected.size());
  for (const auto& topic : plan.topics.rejected) {
    fmt::print("  {}  ({})\n", topic.name, because(topic.decision));
  }
  for (const auto& [first, second] : plan.topics.collisions) {
    fmt::print("  CONFLICT: {} and {} have the same name on the target; neither is replicated\n", first,
               second);
  }
  fmt::print("Positions: {} and {} on {}\n\n", flow.worker.offset_storage_topic, flow.own.state_topic,
             flow.target);
}

ExitCode plan(const PlanArguments& arguments) {
  const auto configuration = load_or_explain(arguments.file);
  if (!configuration) return ExitCode::wrong_usage;
  const auto flows = config::select_flows(*configuration, arguments.clusters);
  if (!flows) {
    print_error(flows.error().message());
    return ExitCode::wrong_usage;
  }
  auto exit_code = ExitCode::done;
  for (const auto* flow : *flows) {
    if (const auto runnable = config::require_runnable(*flow); !runnable) {
      print_error(runnable.error().message());
      return ExitCode::wrong_usage;
    }
  }
  const auto wired = wire_flows(*flows);
  if (!wired) {
    print_error(wired.error().message());
    return ExitCode::wrong_usage;
  }
  for (const auto& flow : *wired) {
    const auto found = run_on_core<FlowPlan>([&flow](net::Io& io) { return look_at(io, flow); });
    if (!found) {
      print_error("flow " + flow.config->name() + ": " + found.error().message());
      exit_code = ExitCode::runtime_failure;
      continue;
    }
    print_plan(*flow.config, *found);
  }
  return exit_code;
}

}  // namespace

void add_plan_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<PlanArguments>();
  auto* command = app.add_subcommand("plan", "Show what a run would do, without doing it");
  command->footer(
      "Connects to the clusters of each flow and prints which topics are selected and rejected by which "
      "rule, and what\n"
      "would be created or changed on the target. Nothing is written.\n\n"
      "  longhaul plan mm2.properties\n"
      "  longhaul plan mm2.properties --clusters backup\n\n"
      "Exit codes: 0 done, 1 a cluster cannot be reached within 30 s, 2 wrong usage or configuration.");
  command->add_option("FILE", arguments->file, "The mm2.properties file")->required();
  command->add_option("--clusters", arguments->clusters, "Only flows into these clusters, by alias")
      ->type_name("ALIAS")
      ->expected(1, -1);
  command->callback([arguments, &exit_code] { exit_code = static_cast<int>(plan(*arguments)); });
}

}  // namespace longhaul::app
