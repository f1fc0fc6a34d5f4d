#include "app/sandbox_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "app/control_file.h"
#include "app/generation.h"
#include "app/load.h"
#include "app/sandbox_security.h"
#include "app/signals.h"
#include "base/log.h"
#include "net/io_threads.h"
#include "net/task_group.h"
#include "sandbox/socket/server.h"

namespace longhaul::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kTick{20};
/// How long topics that are being filled may finish what is under way before the clusters go.
constexpr milliseconds kGenerationEnd{3'000};

/// The clusters on their cores, as the main thread sees them. Everything but the constructor and the names
/// goes to a cluster's core and comes back.
class Clusters {
 public:
  explicit Clusters(std::size_t count)
      : threads_(
            {.cores = std::clamp<std::size_t>(count, 1, std::max(1U, std::thread::hardware_concurrency()))}) {
  }

  ~Clusters() {
    for (std::size_t core = 0; started_ && core < threads_.size(); ++core) stop_core(core);
    threads_.stop();
    threads_.join();
  }
  Clusters(const Clusters&) = delete;
  Clusters& operator=(const Clusters&) = delete;

  Result<void> add(sandbox::ServerOptions options) {
    const auto core = servers_.size() % threads_.size();
    LH_TRY(auto server, sandbox::Server::open(threads_.core(core), std::move(options)));
    servers_.push_back({std::move(server), core});
    return {};
  }

  void start() {
    for (std::size_t core = 0; core < threads_.size(); ++core)
      stoppers_.push_back(std::make_unique<net::TaskGroup>(threads_.core(core).executor));
    started_ = true;
    threads_.start();
    for (auto& [server, core] : servers_) threads_.post(core, [one = server.get()] { one->start(); });
  }

  [[nodiscard]] std::string bootstrap(const std::string& name) const {
    for (const auto& [server, core] : servers_) {
      if (server->name() == name) return server->bootstrap();
    }
    return "";
  }

  /// `line` on the cluster that its word cluster=NAME names, on all without one.
  Result<std::string> control(const std::string& line) {
    auto [name, command] = cluster_word(line);
    std::string answers;
    bool found = false;
    for (auto& [server, core] : servers_) {
      if (!name.empty() && server->name() != name) continue;
      found = true;
      std::promise<Result<std::string>> promise;
      threads_.post(core,
                    [&promise, &command, one = server.get()] { promise.set_value(one->control(command)); });
      LH_TRY(const auto answer, promise.get_future().get());
      answers += answers.empty() || answer.empty() ? answer : "; " + answer;
    }
    if (!found) return fail(Error{{}, fmt::format("there is no cluster '{}'", name)});
    return answers;
  }

 private:
  struct Placed {
    std::unique_ptr<sandbox::Server> server;
    std::size_t core;
  };

  static std::pair<std::string, std::string> cluster_word(const std::string& line) {
    constexpr std::string_view kWord = "cluster=";
    std::string name;
    std::string rest;
    for (std::size_t begin = line.find_first_not_of(' '); begin != std::string::npos;) {
      const auto end = std::min(line.find(' ', begin), line.size());
      const auto word = std::string_view(line).substr(begin, end - begin);
      if (word.starts_with(kWord)) {
        name = word.substr(kWord.size());
      } else {
        if (!rest.empty()) rest += ' ';
        rest += word;
      }
      begin = line.find_first_not_of(' ', end);
    }
    return {name, rest};
  }

  void stop_core(std::size_t core) {
    std::promise<void> stopped;
    auto& group = *stoppers_[core];
    threads_.post(core, [this, core, &group, &stopped] {
      group.spawn([this, core, &stopped]() -> net::Task {
        for (auto& [server, place] : servers_) {
          if (place == core) co_await server->stop();
        }
        stopped.set_value();
      });
    });
    stopped.get_future().get();
    // The group must have seen its coroutine's end before it goes.
    for (bool ended = false; !ended; std::this_thread::sleep_for(milliseconds(1))) {
      std::promise<bool> empty;
      threads_.post(core, [&group, &empty] { empty.set_value(group.size() == 0); });
      ended = empty.get_future().get();
    }
  }

  net::IoThreads threads_;
  std::vector<std::unique_ptr<net::TaskGroup>> stoppers_;
  std::vector<Placed> servers_;
  bool started_ = false;
};

/// Topics being filled while the clusters are served.
class Filling {
 public:
  Filling(const SandboxGeneration& generation, const client::ClusterOptions& cluster,
          std::vector<ProduceShare> shares)
      : cluster_(generation.cluster),
        topic_(generation.options.topics.front().name),
        begin_(Clock::now()),
        generation_(generation.options, cluster, std::move(shares)) {}

  void stop_soon() { generation_.stop_soon(); }
  /// Says once how it ended.
  bool ended() {
    if (ended_) return true;
    if (!generation_.ended()) return false;
    ended_ = true;
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    const auto failure = generation_.failure();
    if (failure) {
      log::error("a topic was not filled",
                 {{"cluster", cluster_}, {"topic", topic_}, {"reason", failure->message()}});
    } else {
      fmt::print("# {}/{}: {}\n", cluster_, topic_, figures(generation_.totals(), seconds));
      std::fflush(stdout);
    }
    return true;
  }

 private:
  std::string cluster_;
  std::string topic_;
  Clock::time_point begin_;
  Generation generation_;
  bool ended_ = false;
};

Result<void> open_clusters(Clusters& clusters, const SandboxOptions& options,
                           const SandboxSecurity& security) {
  auto port = options.port;
  auto seed = options.seed;
  for (const auto& cluster : options.clusters) {
    sandbox::ServerOptions server{.name = cluster.name, .address = options.address, .ports = {}};
    for (int i = 0; i < cluster.brokers; ++i) server.ports.push_back(port == 0 ? port : port++);
    server.cluster.default_partitions = options.default_partitions;
    server.cluster.default_replication_factor = static_cast<std::int16_t>(std::min(3, cluster.brokers));
    server.cluster.auto_create_topics = options.auto_create_topics;
    server.cluster.memory_max = options.memory_max;
    server.cluster.seed = seed++;
    server.cluster.authentication = security.authentication;
    server.tls = security.server_tls;
    LH_TRY_VOID(clusters.add(std::move(server)));
  }
  return {};
}

void print_addresses(const Clusters& clusters, const SandboxOptions& options,
                     const SandboxSecurity& security) {
  for (const auto& cluster : options.clusters) {
    fmt::print("{}.bootstrap.servers = {}\n", cluster.name, clusters.bootstrap(cluster.name));
    for (const auto& [key, value] : security.client_settings)
      fmt::print("{}.{} = {}\n", cluster.name, key, value);
  }
  fmt::print("# Ctrl-C stops them.\n");
  std::fflush(stdout);
}

Result<std::unique_ptr<Filling>> start_filling(const Clusters& clusters, const SandboxGeneration& generation,
                                               const SandboxSecurity& security) {
  client::ClusterOptions cluster;
  cluster.alias = generation.cluster;
  LH_TRY(cluster.bootstrap, client::parse_bootstrap_servers(clusters.bootstrap(generation.cluster)));
  cluster.client_id = "longhaul-generate";
  cluster.tls = security.client_tls;
  cluster.sasl = security.client_sasl;
  LH_TRY(auto shares, prepare_generation(generation.options, cluster));
  return std::make_unique<Filling>(generation, cluster, std::move(shares));
}

void carry_out(ControlFile& file, Clusters& clusters) {
  for (const auto& line : file.new_lines()) {
    const auto outcome = clusters.control(line.text);
    log::info("control", {{"line", line.text}, {"outcome", outcome ? "ok" : outcome.error().message()}});
    file.report(line, outcome);
  }
}

/// Waits a little for the last records; a cluster that a fault holds up does not hold up the end.
void end_filling(const std::vector<std::unique_ptr<Filling>>& fillings, Signals& signals, ExitCode code) {
  for (const auto& filling : fillings) filling->stop_soon();
  const auto deadline = Clock::now() + kGenerationEnd;
  const auto all_ended = [&fillings] {
    return std::ranges::all_of(fillings, [](const auto& filling) { return filling->ended(); });
  };
  while (!all_ended()) {
    if (signals.wait(kTick) != 0 || Clock::now() >= deadline) std::_Exit(static_cast<int>(code));
  }
}

}  // namespace

ExitCode run_sandbox(const SandboxOptions& options) {
  // Before any thread starts, so that the signals come here.
  Signals signals;
  const auto explain = [](const Error& error) {
    print_error(error.message());
    return ExitCode::runtime_failure;
  };
  const auto security = make_sandbox_security(options);
  if (!security) return explain(security.error());
  std::optional<ControlFile> control;
  if (!options.control_file.empty()) {
    auto opened = ControlFile::open(options.control_file);
    if (!opened) return explain(opened.error());
    control = *std::move(opened);
  }
  Clusters clusters(options.clusters.size());
  if (const auto opened = open_clusters(clusters, options, *security); !opened)
    return explain(opened.error());
  clusters.start();
  if (control) carry_out(*control, clusters);
  print_addresses(clusters, options, *security);
  std::vector<std::unique_ptr<Filling>> fillings;
  for (const auto& generation : options.generations) {
    auto filling = start_filling(clusters, generation, *security);
    if (!filling) {
      // A signal that comes while topics are prepared ends the sandbox like any other.
      const auto code = net::is_aborted(filling.error()) ? ExitCode::done : explain(filling.error());
      end_filling(fillings, signals, code);
      return code;
    }
    fillings.push_back(*std::move(filling));
  }
  while (signals.wait(kTick) == 0) {
    if (control) carry_out(*control, clusters);
    for (const auto& filling : fillings) (void)filling->ended();
  }
  end_filling(fillings, signals, ExitCode::done);
  return ExitCode::done;
}

}  // namespace longhaul::app
