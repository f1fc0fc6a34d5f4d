#pragma once

#include <string>
#include <vector>

#include "tests/sim/crew.h"

namespace longhaul::sim {

/// Makes things go wrong in a world, one after another, as its seed says; and in the end heals all of it.
class Adversary {
 public:
  Adversary(SimLoop& loop, SimNet& net, Trace& trace, Tally& tally, const WorldPlan& plan, Crew& crew,
            Writers& writers);

  void start(SteadyTime end);
  /// Everything works again, for good.
  void heal();

  /// Kinds of fault that the tally of a large run must hold.
  [[nodiscard]] static std::vector<std::string> kinds(const RunOptions& options);
  /// Each error by itself: what that of a very large run must hold besides.
  [[nodiscard]] static std::vector<std::string> error_kinds();

 private:
  using Blow = void (Adversary::*)();
  /// Strikes again and again, each `pace` in the mean.
  void schedule(Chance& chance, milliseconds pace, Blow blow);
  void strike();
  [[nodiscard]] Site& some_site();
  [[nodiscard]] BrokerId some_broker(const Site& site);
  [[nodiscard]] std::shared_ptr<Link> some_link();
  [[nodiscard]] milliseconds some_time(std::int64_t max_ms);

  void cut();
  void reset();
  void silence();
  void stall();
  void slow_road();
  void refuse();
  void partition_host();
  void pause_broker();
  void broker_down();
  void leaders_move();
  void answers_go_wrong();
  void errors();
  void creation_fails();
  void clock_jumps();
  void coordinators_move();
  void ids_expire();
  void clean();
  void delete_start();
  void lose_tails();
  void cut_source();
  void add_rule(Site& site, sandbox::FaultRule rule);
  void count_rules();
  void count_errors(const sandbox::Faults::RuleState& state);

  SimLoop& loop_;
  SimNet& net_;
  Trace& trace_;
  Tally& tally_;
  const WorldPlan& plan_;
  Crew& crew_;
  Writers& writers_;
  Chance chance_;
  /// Apart, so that the other faults of a seed stay the same.
  Chance losses_;
  Chance cuts_;
  SteadyTime end_{};
  bool healed_ = false;
};

}  // namespace longhaul::sim
