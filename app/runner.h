#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/config/configuration.h"
#include "app/wiring.h"
#include "base/slab.h"
#include "net/io_threads.h"
#include "net/task_group.h"
#include "replicator/kafka/flow.h"

namespace longhaul::app {

enum class RunUntil { stopped, caught_up };

struct RunOptions {
  RunUntil until = RunUntil::stopped;
  replicator::CorruptBatches corrupt_batches = replicator::CorruptBatches::stop;
  /// How long a drain waits for what is under way.
  milliseconds drain_timeout{30'000};
};

/// One flow as the main thread sees it.
struct FlowSnapshot {
  std::string name;
  std::size_t topics = 0;
  replicator::FlowStatus status;
  /// Handed its first partitions over.
  bool started = false;
  /// Why it ended for good; empty while it runs.
  std::string failure;
};

/// Runs flows on one thread per core until they have caught up or a drain is asked for. Made, asked and
/// destroyed by the main thread; the flows live on the control core and their shards on all cores.
class Runner {
 public:
  Runner(const config::ProcessSettings& process, std::vector<WiredFlow> flows, RunOptions options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void start();
  /// Asks for a drain; returns at once. The run ends when it is done.
  void drain();
  /// True when every flow has ended, in whatever way.
  [[nodiscard]] bool ended() const;
  [[nodiscard]] std::vector<FlowSnapshot> snapshot() const;
  /// True when no flow failed, no partition stopped and all positions are stored.
  [[nodiscard]] bool succeeded() const;

 private:
  struct Running;
  [[nodiscard]] net::Task control();
  [[nodiscard]] net::Task start_flow(Running& running);
  [[nodiscard]] net::Task watch_until_end();
  [[nodiscard]] net::Task drain_all();
  [[nodiscard]] net::Task drain_flow(Running& running, SteadyTime deadline);
  [[nodiscard]] boost::asio::awaitable<bool> publish();

  RunOptions options_;
  std::vector<std::unique_ptr<SlabPool>> pools_;
  net::IoThreads threads_;
  std::unique_ptr<net::TaskGroup> group_;
  std::unique_ptr<net::TaskGroup> starting_;
  std::unique_ptr<net::Event> wake_;
  std::vector<std::unique_ptr<Running>> flows_;
  bool drain_wanted_ = false;  // the control core's
  bool started_ = false;

  mutable std::mutex mutex_;
  std::vector<FlowSnapshot> snapshots_;
  bool ended_ = false;
  bool positions_stored_ = true;
};

}  // namespace longhaul::app
