#include "tests/sim/crew.h"

namespace longhaul::sim {
namespace {

using std::chrono::seconds;

constexpr seconds kWatchInterval{1};
constexpr seconds kDrainTime{30};

}  // namespace

Crew::Crew(SimLoop& loop, SimNet& net, Trace& trace, Tally& tally, const WorldPlan& plan,
           const RunOptions& options)
    : loop_(loop),
      net_(net),
      trace_(trace),
      tally_(tally),
      plan_(plan),
      options_(options),
      chance_(plan.seed, 0x637265) {
  watch();
}

Crew::~Crew() {
  LH_CHECK(instances_.empty());
}

void Crew::finish() {
  keeps_one_ = false;
  current_ = nullptr;
  for (auto& instance : instances_) {
    if (!instance->ended()) instance->crash(Leftovers::dropped, milliseconds(0));
  }
  for (auto& instance : instances_) {
    if (loop_.run_until(loop_.time.now() + seconds(600), [&] { return instance->ended(); })) continue;
    (void)instance.release();  // it cannot be ended; the world has failed anyway
  }
  instances_.clear();
}

void Crew::start_one() {
  reap();
  const auto number = next_number_++;
  auto& road_a = net_.road(number, "a");
  auto& road_b = net_.road(number, "b");
  road_a.latency = std::chrono::microseconds(chance_.between(200, 5'000));
  road_b.latency = std::chrono::microseconds(chance_.between(200, 5'000));
  trace_.event("instance {} starts", number);
  instances_.push_back(std::make_unique<Instance>(number, loop_, net_, plan_.instance, plan_.seed));
  current_ = instances_.back().get();
  schedule_end(*current_);
}

void Crew::schedule_end(Instance& instance) {
  if (plan_.instance_life.count() == 0 || calm_) return;
  // Some die young: in the middle of their start.
  const auto life = chance_.one_in(4) ? milliseconds(chance_.between(0, 500))
                                      : milliseconds(chance_.between(1, 2 * plan_.instance_life.count()));
  const auto number = instance.number();
  (void)loop_.time.call_at(loop_.time.now() + life, [this, number] {
    if (!calm_ && current_ != nullptr && current_->number() == number) end(*current_);
  });
}

void Crew::end(Instance& instance) {
  if (chance_.percent(25)) {
    ++tally_["drain and restart"];
    trace_.event("instance {} drains", instance.number());
    instance.drain(loop_.time.now() + kDrainTime);
  } else {
    const auto leftovers =
        options_.late_requests && chance_.one_in(2) ? Leftovers::delivered : Leftovers::dropped;
    ++tally_["crash"];
    trace_.event("instance {} crashes{}", instance.number(),
                 leftovers == Leftovers::delivered ? ", what it has sent goes on" : "");
    instance.crash(leftovers, chance_.one_in(2) ? milliseconds(50) : milliseconds(20'000));
  }
  current_ = nullptr;
}

void Crew::watch() {
  for (auto& instance : instances_) {
    const auto& started = instance->started();
    if (!started || *started || instance->ending()) continue;
    failed_starts_.push_back(fmt::format("instance {}: {}", instance->number(), started->error().message()));
    instance->crash(Leftovers::dropped, milliseconds(0));
    if (current_ == instance.get()) current_ = nullptr;
  }
  if (current_ == nullptr && !instances_.empty() && instances_.back()->ended()) {
    if (keeps_one_ && (calm_ || chance_.one_in(4))) start_one();
  }
  (void)loop_.time.call_at(loop_.time.now() + kWatchInterval, [this] { watch(); });
}

void Crew::reap() {
  std::erase_if(instances_, [](const auto& instance) { return instance->ended(); });
}

void Crew::calm_down() {
  calm_ = true;
  if (current_ == nullptr && (instances_.empty() || instances_.back()->ended())) start_one();
}

void Crew::drain_current(std::vector<std::string>& problems) {
  if (current_ == nullptr) {
    problems.push_back("no instance could be started");
    return;
  }
  auto& instance = *current_;
  current_ = nullptr;
  calm_ = true;
  keeps_one_ = false;
  instance.drain(loop_.time.now() + kDrainTime);
  const bool ended = loop_.run_until(loop_.time.now() + seconds(120), [&] { return instance.ended(); });
  if (!ended) problems.push_back("the last instance does not end when it drains");
  if (ended && instance.drained() && !*instance.drained()) {
    problems.push_back("the last drain failed: " + instance.drained()->error().message());
  }
}

}  // namespace longhaul::sim
