#pragma once

#include <string>
#include <vector>

#include "sandbox/options.h"
#include "tests/sim/instance.h"
#include "tests/sim/writers.h"

namespace longhaul::sim {

/// What the command line says about every world.
struct RunOptions {
  int virtual_minutes = 10;
  bool trace = false;
  /// Longhaul writes in transactions of the target, and so worlds have what only these answer: records that
  /// are too old to be remembered together with a second writer, and compacted topics whose carrier dies.
  bool transactions = false;
};

struct TopicPlan {
  std::string name;
  std::int32_t partitions = 1;
  /// Its cleaner runs now and then, and its records have keys.
  bool is_compacted = false;
  /// The source gives records the time of their arrival.
  bool is_append_time = false;
  /// Now and then its oldest records are deleted, replicated or not.
  bool loses_start = false;
  /// Unclean elections cut its ends off, replicated or not.
  bool loses_end = false;
  /// When it is created, and when it gets one partition more (nothing: never).
  milliseconds created_at{0};
  std::optional<milliseconds> grows_at;
};

/// Everything a seed decides before time begins.
struct WorldPlan {
  std::uint64_t seed = 0;
  sandbox::ClusterOptions source;
  sandbox::ClusterOptions target;
  std::vector<TopicPlan> topics;
  std::vector<WriterPlan> writers;
  InstancePlan instance;
  /// Whether requests of a crashed instance may be executed after its successor has begun.
  bool late_requests = false;
  /// Whether two instances may be alive at once.
  bool two_instances = false;
  /// Whether unclean elections take the ends of remote partitions.
  bool target_loses_tails = false;
  int backlog = 0;  ///< batches of each writer that are there when the first instance starts
  /// Mean time between two faults.
  milliseconds fault_pace{10'000};
  /// How long an instance lives in the mean; zero: until the end.
  milliseconds instance_life{60'000};
  milliseconds faults_end{0};

  /// Whether nothing of an instance reaches the target while another lives.
  [[nodiscard]] bool has_one_writer() const { return !late_requests && !two_instances; }
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] WorldPlan make_plan(std::uint64_t seed, const RunOptions& options);

}  // namespace longhaul::sim
