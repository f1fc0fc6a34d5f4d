#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/task_group.h"
#include "replicator/kafka/flow.h"
#include "tests/sim/sandbox_net.h"
#include "tests/unit/replicator/batches.h"

namespace longhaul::test {

/// One flow A->B as it is in the product, between two sandbox clusters of two brokers, under virtual time.
class FlowWorld {
 public:
  static constexpr int kPartitions = 4;
  static constexpr const char* kTopic = "topic";
  static constexpr const char* kRemote = "A.topic";

  struct Options {
    replicator::Transactions transactions = replicator::Transactions::backfill;
    /// How long the target takes for the markers of a transaction that has ended.
    milliseconds marker_delay{0};
    /// How long the source waits for data; long where days are to pass.
    milliseconds fetch_max_wait{500};
    std::size_t memory = std::size_t{64} << 20U;
  };
  FlowWorld() : FlowWorld(Options{}) {}
  explicit FlowWorld(const Options& options);
  ~FlowWorld();
  FlowWorld(const FlowWorld&) = delete;
  FlowWorld& operator=(const FlowWorld&) = delete;

  sandbox::Cluster& a() { return a_; }
  sandbox::Cluster& b() { return b_; }
  SandboxNet& net() { return net_; }
  VirtualLoop& loop() { return core_.loop; }

  /// Writes `batches` batches of three records to each partition of the source.
  void feed(int batches);
  /// Writes to one partition only, which `caught_up` knows nothing of.
  struct Feed {
    std::int32_t partition = 0;
    int batches = 1;
    /// How old the records are.
    milliseconds age{0};
    std::size_t value_size = 0;
  };
  void feed_one(const Feed& feed);
  /// Begins; returns at once.
  void start();
  [[nodiscard]] const std::optional<Result<void>>& started() const { return started_; }
  /// Begins, and waits until all that was fed has arrived; false when it does not within a minute.
  [[nodiscard]] bool begin();
  /// True when the target holds as many records of `partition` (-1: of every one) as were fed.
  [[nodiscard]] bool caught_up(std::int32_t partition = -1);
  /// The transactional id that the target knows, when it is one.
  [[nodiscard]] std::optional<std::string> only_transactional_id();
  /// Drains and ends the flow; the world can start another one.
  [[nodiscard]] Result<void> end();

  /// Records of a partition in log order: offset on the source of what was fed, value and timestamp.
  [[nodiscard]] std::vector<std::string> source_records(std::int32_t partition);
  [[nodiscard]] std::vector<std::string> target_records(std::int32_t partition);

 private:
  [[nodiscard]] std::vector<std::string> records(const std::string& cluster, sandbox::Cluster& of,
                                                 const std::string& topic, std::int32_t partition);
  [[nodiscard]] replicator::FlowOptions options() const;
  void write(const replicator::testing::SourceBatch& batch, std::int32_t partition);

  Options options_;
  MemoryCore core_;
  SandboxNet net_{core_};
  sandbox::Cluster& a_;
  sandbox::Cluster& b_;
  SlabPool pool_;
  std::unique_ptr<net::TaskGroup> group_;
  std::unique_ptr<replicator::Flow> flow_;
  std::optional<Result<void>> started_;
  std::int64_t fed_ = 0;
};

}  // namespace longhaul::test
