#include "tests/sim/crew.h"

#include <algorithm>

namespace longhaul::sim {
namespace {

using std::chrono::seconds;

constexpr seconds kWatchInterval{1};
constexpr seconds kDrainTime{30};

}  // namespace

Crew::Crew(SimLoop& loop, SimNet& net, Trace& trace, Tally& tally, const WorldPlan& plan)
    : loop_(loop), net_(net), trace_(trace), tally_(tally), plan_(plan), chance_(plan.seed, 0x637265) {
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

bool Crew::nobody_lives() const {
  return std::ranges::all_of(instances_, [](const auto& instance) { return instance->ended(); });
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

Instance* Crew::find(int number) {
  const auto found = std::ranges::find_if(
      instances_, [number](const auto& instance) { return instance->number() == number; });
  return found == instances_.end() ? nullptr : found->get();
}

void Crew::leave_behind(Instance& instance) {
  const auto number = instance.number();
  const milliseconds rest(chance_.between(1, chance_.one_in(2) ? 3'000 : 60'000));
  if (chance_.one_in(2)) {
    ++tally_["instance cut off and back"];
    const auto back = loop_.time.now() + milliseconds(chance_.between(1, rest.count()));
    net_.road(number, "b").blocked_until = back;
    if (chance_.one_in(2)) net_.road(number, "a").blocked_until = back;
    net_.rearm();
  } else {
    ++tally_["two instances at once"];
  }
  trace_.event("instance {} is left behind for {} ms", number, rest.count());
  current_ = nullptr;
  (void)loop_.time.call_at(loop_.time.now() + rest, [this, number] {
    auto* left = find(number);
    if (left == nullptr || left->ending()) return;
    trace_.event("instance {}, left behind, is killed", number);
    left->crash(Leftovers::delivered, milliseconds(20'000));
  });
  (void)loop_.time.call_at(loop_.time.now() + milliseconds(chance_.between(0, 1'500)), [this] {
    if (!calm_ && current_ == nullptr) start_one();
  });
}

void Crew::end(Instance& instance) {
  if (plan_.two_instances && chance_.percent(40)) {
    leave_behind(instance);
    return;
  }
  if (chance_.percent(25)) {
    ++tally_["drain and restart"];
    trace_.event("instance {} drains", instance.number());
    instance.drain(loop_.time.now() + kDrainTime);
  } else {
    const auto leftovers =
        plan_.late_requests && chance_.one_in(2) ? Leftovers::delivered : Leftovers::dropped;
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
  if (current_ == nullptr && !instances_.empty() && nobody_lives()) {
    if (keeps_one_ && (calm_ || chance_.one_in(4))) start_one();
  }
  (void)loop_.time.call_at(loop_.time.now() + kWatchInterval, [this] { watch(); });
}

void Crew::reap() {
  std::erase_if(instances_, [](const auto& instance) { return instance->ended(); });
}

void Crew::calm_down() {
  calm_ = true;
  for (auto& instance : instances_) {
    if (instance.get() != current_) instance->crash(Leftovers::delivered, milliseconds(1'000));
  }
  if (current_ == nullptr) start_one();
}

void Crew::replace_current() {
  if (current_ == nullptr) return;
  trace_.event("instance {} is replaced", current_->number());
  current_->drain(loop_.time.now() + kDrainTime);
  current_ = nullptr;
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
