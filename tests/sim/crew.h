#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/plan.h"

namespace longhaul::sim {

/// Who runs Longhaul in a world: starts instances, kills and drains them, starts the next.
class Crew {
 public:
  Crew(SimLoop& loop, SimNet& net, Trace& trace, Tally& tally, const WorldPlan& plan);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// The instance that is meant to do the work; null between two.
  [[nodiscard]] Instance* current() { return current_; }
  [[nodiscard]] bool nobody_lives() const;
  void start_one();
  /// No instance is killed any more; the one that runs, or a new one, stays.
  void calm_down();
  /// Ends the current instance in order and starts another: what a person does who sees it stopped.
  void replace_current();
  /// Ends the current instance in order; what it says goes to `problems`.
  void drain_current(std::vector<std::string>& problems);
  /// Ends whatever still runs; nothing is started any more. To be called before destruction.
  void finish();
  [[nodiscard]] int started() const { return next_number_ - 1; }
  /// Starts that ended with an error, which only a set-up that cannot work may give.
  [[nodiscard]] const std::vector<std::string>& failed_starts() const { return failed_starts_; }

 private:
  void schedule_end(Instance& instance);
  void end(Instance& instance);
  /// A successor starts while the instance lives on, cut off for a time or not; later it is killed.
  void leave_behind(Instance& instance);
  [[nodiscard]] Instance* find(int number);
  void watch();
  void reap();

  SimLoop& loop_;
  SimNet& net_;
  Trace& trace_;
  Tally& tally_;
  const WorldPlan& plan_;
  Chance chance_;
  std::vector<std::unique_ptr<Instance>> instances_;
  Instance* current_ = nullptr;
  std::vector<std::string> failed_starts_;
  int next_number_ = 1;
  bool calm_ = false;
  /// An instance that is gone gets a successor.
  bool keeps_one_ = true;
};

}  // namespace longhaul::sim
