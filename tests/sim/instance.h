#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/slab.h"
#include "net/io.h"
#include "net/task_group.h"
#include "replicator/kafka/flow.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_net.h"

namespace longhaul::sim {

/// How an instance is set up; all instances of a world are set up alike.
struct InstancePlan {
  std::vector<std::string> topics;  ///< patterns
  int source_brokers = 1;
  int target_brokers = 1;
  int cores = 1;
  std::size_t memory = std::size_t{64} << 20U;
  milliseconds request_timeout{30'000};
  milliseconds connect_timeout{10'000};
  milliseconds metadata_max_age{300'000};
  milliseconds flush_interval{1'000};
  std::chrono::seconds refresh_interval{30};
  milliseconds fetch_max_wait{500};
  std::int32_t max_partition_fetch_bytes = 1 << 20;
  std::int32_t fetch_max_bytes = 8 << 20;
  std::int32_t offsets_partitions = 2;
  protocol::IsolationLevel isolation = protocol::IsolationLevel::read_uncommitted;
  replicator::Transactions transactions = replicator::Transactions::never;
  milliseconds transaction_interval{1'000};
  milliseconds transaction_timeout{60'000};
  milliseconds transaction_calm{600'000};
};

/// One Longhaul process: the flow as it is in the product, on a host of the simulated network.
class Instance {
 public:
  Instance(int number, SimLoop& loop, SimNet& net, const InstancePlan& plan, std::uint64_t seed);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] HostTime& time() { return time_; }
  /// What the start came to, once it has ended.
  [[nodiscard]] const std::optional<Result<void>>& started() const { return started_; }

  /// SIGKILL: from now on nothing leaves it any more, except what was on its way.
  void crash(Leftovers leftovers, milliseconds later_max);
  /// SIGTERM: stops reading, waits for what is under way, stores the positions, ends.
  void drain(SteadyTime deadline);
  /// True between the call of crash() or drain() and the end, and after it.
  [[nodiscard]] bool ending() const { return ending_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const std::optional<Result<void>>& drained() const { return drained_; }

  /// Asks for the status; it is in status() as soon as the event loop has settled.
  void ask_status();
  [[nodiscard]] const std::optional<replicator::FlowStatus>& status() const { return status_; }

 private:
  int number_;
  SimNet& net_;
  HostTime time_;
  std::unique_ptr<net::Connector> connector_;
  net::Random random_;
  net::Io io_;
  std::vector<std::unique_ptr<SlabPool>> pools_;
  net::TaskGroup group_;
  net::TaskGroup reaper_;
  std::unique_ptr<replicator::Flow> flow_;
  std::optional<Result<void>> started_;
  std::optional<Result<void>> drained_;
  std::optional<replicator::FlowStatus> status_;
  bool ending_ = false;
  bool ended_ = false;
};

}  // namespace longhaul::sim
