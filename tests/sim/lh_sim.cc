// Lives through seeded worlds, see README.md of this folder.
//
//   lh_sim --seed N [-v]                 one world; -v prints everything that happens in it
//   lh_sim --seeds FROM..TO [--jobs N]   many; fails when one fails, or when a kind of fault was never
//   injected
//
// Other options: --transactions (Longhaul writes in transactions where it has to), --virtual-minutes M (10),
// --fail-fast, --twice (each seed twice: the same trace must come out).

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "tests/sim/adversary.h"
#include "tests/sim/world.h"

namespace longhaul::sim {
namespace {

/// Every so many seeds one is lived through twice.
constexpr std::uint64_t kTwiceEvery = 50;
/// A run of fewer seeds need not meet every kind of fault, or every error that a broker may answer.
constexpr std::uint64_t kAllKindsFrom = 100;
constexpr std::uint64_t kAllErrorsFrom = 1'000;
/// A world that takes longer, in real time, hangs.
constexpr unsigned kWorldSecondsMax = 120;
constexpr std::int64_t kKindsMin = 3;

struct Arguments {
  RunOptions run;
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  int jobs = 1;
  bool fail_fast = false;
  bool twice = false;
};

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_seeds(std::string_view text, Arguments& into) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  return parse_number(text.substr(0, dots), into.first) && parse_number(text.substr(dots + 2), into.last) &&
         into.first <= into.last;
}

std::optional<Arguments> parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    const bool has_value = i + 1 < count;
    bool good = true;
    if (name == "-v") {
      arguments.run.trace = true;
    } else if (name == "--fail-fast") {
      arguments.fail_fast = true;
    } else if (name == "--twice") {
      arguments.twice = true;
    } else if (name == "--transactions") {
      arguments.run.transactions = true;
    } else if (name == "--seed" && has_value) {
      good = parse_number(std::string_view(values[++i]), arguments.first);
      arguments.last = arguments.first;
    } else if (name == "--seeds" && has_value) {
      good = parse_seeds(values[++i], arguments);
    } else if (name == "--jobs" && has_value) {
      good = parse_number(std::string_view(values[++i]), arguments.jobs) && arguments.jobs > 0;
    } else if (name == "--virtual-minutes" && has_value) {
      good = parse_number(std::string_view(values[++i]), arguments.run.virtual_minutes) &&
             arguments.run.virtual_minutes > 0;
    } else {
      good = false;
    }
    if (!good) {
      fmt::print(stderr, "lh_sim: cannot use '{}'\n", name);
      return std::nullopt;
    }
  }
  return arguments;
}

std::string replay_line(std::uint64_t seed, const RunOptions& options) {
  auto line = fmt::format("lh_sim --seed {}", seed);
  if (options.virtual_minutes != RunOptions().virtual_minutes)
    line += fmt::format(" --virtual-minutes {}", options.virtual_minutes);
  if (options.transactions) line += " --transactions";
  return line;
}

/// One world, with the checks that every world has to stand.
Outcome run_seed(std::uint64_t seed, const Arguments& arguments) {
  auto outcome = run_world(seed, arguments.run);
  std::int64_t kinds = 0;
  for (const auto& [kind, count] : outcome.tally) kinds += count > 0 ? 1 : 0;
  if (kinds < kKindsMin) outcome.problems.push_back(fmt::format("only {} kinds of fault", kinds));
  if (arguments.twice || (seed % kTwiceEvery == 0 && arguments.first != arguments.last)) {
    auto quiet = arguments.run;
    quiet.trace = false;
    if (run_world(seed, quiet).hash != outcome.hash)
      outcome.problems.emplace_back("the same seed took another course the second time");
  }
  return outcome;
}

/// What a worker tells: one line of text for each thing. Seeds, sums, tallies, problems.
std::string report_of(const Outcome& outcome) {
  auto text = fmt::format("sum {} {} {} {}\n", outcome.records, outcome.virtual_ms, outcome.instances,
                          outcome.requests);
  for (const auto& [kind, count] : outcome.tally) text += fmt::format("fault {} {}\n", count, kind);
  for (const auto& problem : outcome.problems) text += fmt::format("problem {}\n", problem);
  return text + fmt::format("end {}\n", outcome.seed);
}

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(to, text.data(), text.size());
    if (written <= 0) std::_Exit(3);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// A process of its own lives through its share of the seeds, so that one that breaks an invariant, which
/// ends the process, takes no other with it.
struct Worker {
  pid_t pid = -1;
  int from = -1;
  std::uint64_t next = 0;  ///< the seed it is at
  std::string text;
  std::vector<std::string> problems;
};

Worker start_worker(std::uint64_t first, const Arguments& arguments) {
  int ends[2];
  if (::pipe(ends) != 0) std::exit(3);
  std::fflush(stdout);
  const auto pid = ::fork();
  if (pid < 0) std::exit(3);
  if (pid == 0) {
    ::close(ends[0]);
    const auto step = static_cast<std::uint64_t>(arguments.jobs);
    for (auto seed = first; seed <= arguments.last; seed += step) {
      ::alarm(kWorldSecondsMax);
      write_all(ends[1], report_of(run_seed(seed, arguments)));
    }
    std::_Exit(0);
  }
  ::close(ends[1]);
  return {.pid = pid, .from = ends[0], .next = first, .text = {}, .problems = {}};
}

class Run {
 public:
  explicit Run(const Arguments& arguments) : arguments_(arguments) {}

  int all() {
    for (int i = 0; i < arguments_.jobs; ++i) {
      const auto first = arguments_.first + static_cast<std::uint64_t>(i);
      if (first <= arguments_.last) workers_.push_back(start_worker(first, arguments_));
    }
    while (!workers_.empty()) {
      std::vector<pollfd> waiting;
      for (const auto& worker : workers_)
        waiting.push_back({.fd = worker.from, .events = POLLIN, .revents = 0});
      (void)::poll(waiting.data(), waiting.size(), -1);
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents != 0) read_from(workers_[i]);
      }
      std::erase_if(workers_, [](const Worker& worker) { return worker.pid < 0; });
      if (arguments_.fail_fast && failed_ > 0) break;
    }
    for (const auto& worker : workers_) {
      ::kill(worker.pid, SIGKILL);
      (void)::waitpid(worker.pid, nullptr, 0);
    }
    return conclude();
  }

 private:
  void read_from(Worker& worker) {
    char buffer[4096];
    const auto size = ::read(worker.from, buffer, sizeof buffer);
    if (size > 0) {
      worker.text.append(buffer, static_cast<std::size_t>(size));
      for (auto end = worker.text.find('\n'); end != std::string::npos; end = worker.text.find('\n')) {
        take_line(worker, worker.text.substr(0, end));
        worker.text.erase(0, end + 1);
      }
      return;
    }
    int status = 0;
    (void)::waitpid(worker.pid, &status, 0);
    ::close(worker.from);
    worker.pid = -1;
    if (status == 0) return;
    worker.problems.push_back(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                                  ? "the world does not end"
                                  : fmt::format("the process died, status {}", status));
    finish_seed(worker);
    const auto next = worker.next + static_cast<std::uint64_t>(arguments_.jobs);
    if (next <= arguments_.last) worker = start_worker(next, arguments_);
  }

  void take_line(Worker& worker, const std::string& line) {
    if (line.starts_with("problem ")) {
      worker.problems.push_back(line.substr(8));
    } else if (line.starts_with("fault ")) {
      char* rest = nullptr;
      const auto count = std::strtoll(line.c_str() + 6, &rest, 10);
      tally_[rest + 1] += count;
    } else if (line.starts_with("sum ")) {
      long long records = 0;
      long long virtual_ms = 0;
      long long instances = 0;
      long long requests = 0;
      (void)std::sscanf(line.c_str(), "sum %lld %lld %lld %lld", &records, &virtual_ms, &instances,
                        &requests);
      records_ += records;
      virtual_ms_ += virtual_ms;
      instances_ += instances;
      requests_ += requests;
    } else if (line.starts_with("end ")) {
      finish_seed(worker);
      worker.next += static_cast<std::uint64_t>(arguments_.jobs);
    }
  }

  void finish_seed(Worker& worker) {
    ++seeds_;
    if (worker.problems.empty()) return;
    ++failed_;
    fmt::print("FAILED seed {}; replay: {}\n", worker.next, replay_line(worker.next, arguments_.run));
    for (const auto& problem : std::exchange(worker.problems, {})) fmt::print("  {}\n", problem);
    std::fflush(stdout);
  }

  int conclude() {
    const auto worlds = arguments_.last - arguments_.first + 1;
    auto kinds = Adversary::kinds(arguments_.run);
    if (worlds >= kAllErrorsFrom) {
      for (auto& kind : Adversary::error_kinds()) kinds.push_back(std::move(kind));
    }
    const auto wanted = kinds;
    for (const auto& [kind, count] : tally_) {
      if (std::ranges::find(kinds, kind) == kinds.end()) kinds.push_back(kind);
    }
    int missing = 0;
    const bool wants_all = worlds >= kAllKindsFrom;
    for (const auto& kind : kinds) {
      const auto count = tally_[kind];
      const bool is_missing = count == 0 && wants_all && std::ranges::find(wanted, kind) != wanted.end();
      fmt::print("{:>10}  {}{}\n", count, kind, is_missing ? "  NEVER INJECTED" : "");
      if (is_missing) ++missing;
    }
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    fmt::print("{} seeds, {} failed, {} records, {} instances, {} requests, {} virtual minutes, {:.1f} s\n",
               seeds_, failed_, records_, instances_, requests_, virtual_ms_ / 60'000, seconds);
    return failed_ > 0 || missing > 0 ? 1 : 0;
  }

  const Arguments arguments_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::vector<Worker> workers_;
  Tally tally_;
  std::int64_t seeds_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t records_ = 0;
  std::int64_t virtual_ms_ = 0;
  std::int64_t instances_ = 0;
  std::int64_t requests_ = 0;
};

int run_one(const Arguments& arguments) {
  fmt::print("seed {}\n", arguments.first);
  std::fflush(stdout);
  const auto outcome = run_seed(arguments.first, arguments);
  for (const auto& [kind, count] : outcome.tally) fmt::print("{:>10}  {}\n", count, kind);
  fmt::print("{} records, {} instances, {} requests, {} virtual seconds, trace {:016x}\n", outcome.records,
             outcome.instances, outcome.requests, outcome.virtual_ms / 1'000, outcome.hash);
  for (const auto& problem : outcome.problems) fmt::print("PROBLEM {}\n", problem);
  return outcome.problems.empty() ? 0 : 1;
}

}  // namespace
}  // namespace longhaul::sim

int main(int count, char** values) {
  using namespace longhaul;
  const auto arguments = sim::parse(count, values);
  if (!arguments) return 2;
  log::set_level(arguments->run.trace ? log::Level::debug : log::Level::warn);
  if (arguments->first == arguments->last) return sim::run_one(*arguments);
  return sim::Run(*arguments).all();
}
