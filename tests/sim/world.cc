#include "tests/sim/world.h"

#include <functional>

#include "base/log_capture.h"
#include "protocol/messages/create_partitions.h"
#include "tests/sim/adversary.h"
#include "tests/sim/checker.h"

namespace longhaul::sim {
namespace {

using std::chrono::seconds;

/// From the end of the last fault until everything is there: a request that is never answered ends by its own
/// time limit, and then some.
constexpr seconds kCatchUpTime{240};
constexpr std::int64_t kRecordsMin = 1'000;
/// How often an instance with stopped partitions is replaced before that counts as a failure.
constexpr int kRestartsMax = 3;

/// The value of a field of a log line; empty when it has none.
std::string field(const std::string& line, std::string_view name) {
  const auto at = line.find(fmt::format(" {}=", name));
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 2;
  return line.substr(from, line.find(' ', from) - from);
}

/// Notes which source offsets the flow reports as lost.
void take_loss(const std::string& line, Told& told) {
  LostRange range;
  const auto at = line.find("source offsets ");
  const bool is_known =
      at == std::string::npos
          ? std::sscanf(field(line, "from_offset").c_str(), "%ld", &range.from) == 1 &&
                std::sscanf(field(line, "to_offset").c_str(), "%ld", &range.to) == 1
          : std::sscanf(line.c_str() + at, "source offsets %ld..%ld", &range.from, &range.to) == 2;
  const auto partition = field(line, "partition");
  if (!is_known || partition.empty()) return;
  told.losses[{field(line, "topic"), PartitionIndex(std::atoi(partition.c_str()))}].push_back(range);
}

/// Log lines of the world that is running.
struct Lines {
  static inline Trace* trace = nullptr;
  static inline std::function<bool(const std::string&)> may_stop;
  static inline std::vector<std::string> wrong_stops;
  static inline Told told;

  Lines(Trace& of, std::function<bool(const std::string&)> excuse) {
    trace = &of;
    may_stop = std::move(excuse);
    wrong_stops.clear();
    told = {};
    log::set_capture([](log::Level level, std::string_view line) {
      if (trace->prints()) trace->note(fmt::format("        {}", line));
      const bool stops =
          level == log::Level::error && line.find("partition stopped") != std::string_view::npos;
      if (stops && !may_stop(std::string(line))) wrong_stops.emplace_back(line);
      if (line.find("they are lost") != std::string_view::npos) take_loss(std::string(line), told);
    });
  }
  ~Lines() { log::set_capture(nullptr); }
};

class World {
 public:
  World(std::uint64_t seed, const RunOptions& options)
      : options_(options),
        plan_(make_plan(seed, options)),
        trace_(loop_.time, options.trace),
        net_(loop_.time, trace_, outcome_.tally, seed),
        source_(net_.add("a", plan_.source)),
        target_(net_.add("b", plan_.target)),
        writers_(loop_.time, net_, trace_, source_, seed, plan_.writers),
        crew_(loop_, net_, trace_, outcome_.tally, plan_),
        adversary_(loop_, net_, trace_, outcome_.tally, plan_, crew_, writers_) {
    outcome_.seed = seed;
  }

  Outcome run() {
    const Lines lines(trace_, [this](const std::string& line) { return may_stop(line); });
    if (trace_.prints()) trace_.note(plan_.to_string());
    began_ = loop_.time.now();
    create_topics();
    for (int i = 0; i < plan_.backlog; ++i) writers_.write_once();
    live();
    crew_.finish();
    loop_.run_to(began_ + std::chrono::minutes(options_.virtual_minutes));
    if (loop_.spins()) problem("something runs for ever while no time passes");
    for (auto& line : Lines::wrong_stops) problem(std::move(line));
    outcome_.hash = trace_.hash();
    outcome_.records = writers_.oracle().count;
    outcome_.requests = net_.requests;
    outcome_.virtual_ms = std::chrono::duration_cast<milliseconds>(loop_.time.now() - began_).count();
    return outcome_;
  }

 private:
  /// Whether a world has brought a stop about on purpose by now: two instances, or a log of the source that
  /// was cut.
  [[nodiscard]] bool may_stop(const std::string& line) const {
    const auto says = [&line](replicator::StopReason reason) {
      return line.find(replicator::describe(reason)) != std::string::npos;
    };
    if (plan_.two_instances && says(replicator::StopReason::taken_over)) return true;
    const TopicPartition partition{field(line, "topic"),
                                   PartitionIndex(std::atoi(field(line, "partition").c_str()))};
    return writers_.oracle().lives.contains(partition) &&
           (says(replicator::StopReason::inconsistent_source) ||
            says(replicator::StopReason::state_mismatch));
  }

  void problem(std::string text) { outcome_.problems.push_back(std::move(text)); }

  void create_topics() {
    for (const auto& topic : plan_.topics) {
      const auto create = [this, &topic] {
        // The oracle does not forget, so nor may the source.
        sandbox::TopicConfig::Values configs{{"retention.ms", "-1"}};
        if (topic.is_compacted) configs["cleanup.policy"] = "compact";
        if (topic.is_append_time) configs["message.timestamp.type"] = "LogAppendTime";
        if (!source_.cluster->create_topic(topic.name, topic.partitions, -1, configs)) return false;
        net_.deliver(source_);
        return true;
      };
      if (topic.created_at.count() == 0) {
        LH_CHECK(create());
      } else {
        insist(began_ + topic.created_at, create);
      }
      if (topic.grows_at) insist(began_ + *topic.grows_at, [this, &topic] { return grow(topic); });
    }
  }

  /// Does `act` at `when`, and again until it succeeds: brokers may be down.
  template <class Act>
  void insist(SteadyTime when, Act act) {
    (void)loop_.time.call_at(when, [this, act] {
      if (!act()) insist(loop_.time.now() + milliseconds(500), act);
    });
  }

  bool grow(const TopicPlan& topic) {
    protocol::CreatePartitionsRequest request;
    request.topics.push_back({.name = topic.name, .count = topic.partitions + 1});
    request.timeout_ms = 1'000;
    constexpr std::int16_t kVersion = 3;
    for (int broker = 1; broker <= plan_.source.brokers; ++broker) {
      const auto answer = net_.call(source_, broker, request, kVersion);
      if (!answer || answer->body.results.at(0).error_code != protocol::KafkaErrc::none) continue;
      net_.deliver(source_);
      return true;
    }
    return false;
  }

  void live() {
    crew_.start_one();
    adversary_.start(began_ + plan_.faults_end);
    writers_.start(began_ + plan_.faults_end);
    loop_.run_to(began_ + plan_.faults_end);
    adversary_.heal();
    crew_.calm_down();
    // What a partition lost that is not written any more, the next start finds.
    if (plan_.target_loses_tails) crew_.replace_current();
    // Transactions need time between two, whatever else they need.
    for (; writers_.oracle().count < kRecordsMin; loop_.run_to(loop_.time.now() + milliseconds(100)))
      writers_.write_once();
    insist(loop_.time.now(), [this] { return writers_.end_transactions(); });
    outcome_.instances = crew_.started();
    catch_up();
    if (loop_.spins()) return;
    wait_for_markers("while nothing was written");
    crew_.drain_current(outcome_.problems);
    wait_for_markers("after the drain");
    for (auto& wrong : check_logs(net_, plan_, writers_.oracle(), Lines::told)) problem(std::move(wrong));
    if (outcome_.problems.empty()) {
      for (auto& wrong : check_state(net_, plan_, writers_.oracle(), Lines::told)) problem(std::move(wrong));
    }
    for (auto& wrong : check_aborts(net_, plan_)) problem(std::move(wrong));
    for (const auto& failed : crew_.failed_starts()) problem("a start failed: " + failed);
  }

  /// A coordinator writes the markers of a committed transaction after it has said so, and those that it
  /// loses are looked for a moment later.
  void wait_for_markers(std::string_view when) {
    const auto limit = loop_.time.now() + seconds(20);
    (void)loop_.run_until(limit, [this] { return !target_.cluster->has_open_transactions(); });
    for (const auto& open : open_transactions(net_)) problem(fmt::format("{}: {}", when, open));
  }

  void catch_up() {
    // What was under way when the last fault ended may have to wait for its time limit.
    loop_.run_to(loop_.time.now() + plan_.instance.request_timeout + seconds(10));
    const auto deadline = loop_.time.now() + kCatchUpTime;
    while (loop_.time.now() < deadline && !loop_.spins()) {
      loop_.run_to(loop_.time.now() + milliseconds(500));
      if (crew_.current() == nullptr || !crew_.current()->started()) continue;
      crew_.current()->ask_status();
      loop_.settle();
      const auto& status = crew_.current()->status();
      if (!status) continue;
      auto& told = Lines::told.stopped;
      told.clear();
      for (const auto& stopped : status->stopped) told.insert(stopped.source);
      const bool helpless = std::ranges::all_of(
          told, [this](const auto& partition) { return is_lost_cause(net_, writers_.oracle(), partition); });
      if (!helpless && stopped_before_ < kRestartsMax) {
        ++stopped_before_;
        crew_.replace_current();
        continue;
      }
      // What is stopped lags behind for ever.
      const bool level =
          told.empty() ? status->lag == 0 : check_logs(net_, plan_, writers_.oracle(), Lines::told).empty();
      if (level && target_is_long_enough(net_, plan_, Lines::told) && status->behind_goal == 0 &&
          status->missing_topics == 0) {
        trace_.event("caught up");
        return;
      }
    }
    problem(fmt::format("not caught up {} s after everything was healed", kCatchUpTime.count()));
  }

  const RunOptions options_;
  const WorldPlan plan_;
  Outcome outcome_;
  SimLoop loop_;
  Trace trace_;
  SimNet net_;
  Site& source_;
  Site& target_;
  Writers writers_;
  Crew crew_;
  Adversary adversary_;
  SteadyTime began_{};
  int stopped_before_ = 0;
};

}  // namespace

Outcome run_world(std::uint64_t seed, const RunOptions& options) {
  return World(seed, options).run();
}

}  // namespace longhaul::sim
