#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/slab.h"
#include "client/cluster.h"
#include "net/io.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/shard_partition.h"
#include "replicator/kafka/source_reader.h"
#include "replicator/kafka/target_writer.h"

namespace longhaul::replicator {

/// What one partition has to store, or to tell. Plain data: it crosses cores.
struct PartitionReport {
  TopicPartition source;
  TopicPartition target;
  TopicId source_id;
  TopicId target_id;
  Progress progress;
  std::vector<MapSegment> segments;
  std::int64_t last_segment = -1;
  /// Nothing waits and nothing is under way.
  bool idle = false;
  /// What is stored ends here: nothing will be written behind it.
  bool drained = false;
};

/// Sums over the partitions of a shard, or of a flow.
struct FlowStatus {
  std::int64_t partitions = 0;
  std::int64_t records = 0;
  std::int64_t batches = 0;
  std::int64_t bytes = 0;
  /// Of `batches`, those that could not be passed through as they were, and their records.
  std::int64_t batches_reencoded = 0;
  std::int64_t records_reencoded = 0;
  /// Damaged batches of the source that were left out, as the options say.
  std::int64_t corrupt_batches_skipped = 0;
  std::int64_t retries = 0;
  /// Source offsets between what is settled and the end that was seen last.
  std::int64_t lag = 0;
  /// Partitions that have not reached their goal yet and are not stopped.
  std::int64_t behind_goal = 0;
  /// Selected topics whose remote topic could not be created.
  std::int64_t missing_topics = 0;
  struct StoppedPartition {
    TopicPartition source;
    Stop stop;
  };
  std::vector<StoppedPartition> stopped;

  void add(const FlowStatus& other);
};

/// What a shard cannot decide by itself.
struct ShardAttention {
  /// Partitions to be taken over again: what the target holds of them is in doubt. With how often in a row.
  std::map<TopicPartition, int> retakes;
  /// A partition of each transactional id that another instance has taken over. They are stopped here.
  std::map<std::string, TopicPartition> lost;
};

/// The part of a flow that runs on one core: its partitions, its clients, its slabs. All functions are called
/// on that core. `stop()` before destruction.
class FlowShard {
 public:
  FlowShard(net::Io& io, SlabPool& pool, client::ClusterOptions source, client::ClusterOptions target,
            const FlowOptions& options);
  ~FlowShard();
  FlowShard(const FlowShard&) = delete;
  FlowShard& operator=(const FlowShard&) = delete;

  /// Takes partitions up. One that is already here is replaced: its topic was created anew. Fails, and takes
  /// nothing, when the leaders cannot be learned before `deadline`.
  [[nodiscard]] net::Async<void> add(std::vector<PartitionStart> starts, SteadyTime deadline);
  enum class Which { changed, all };
  /// Reports of the partitions whose progress changed since the last call, or of all; stopped ones included.
  [[nodiscard]] std::vector<PartitionReport> take_reports(Which which);
  [[nodiscard]] FlowStatus status() const;
  /// What has come up since the last call.
  [[nodiscard]] ShardAttention take_attention() { return std::exchange(attention_, {}); }
  /// Stops the partitions of a transactional id that another instance has taken over; returns how many there
  /// are. Their positions are not ours any more.
  std::size_t lose(const std::string& transactional_id);
  /// Stops reading and returns when everything that was read is acknowledged, or when `deadline` passes.
  [[nodiscard]] net::Task drain(SteadyTime deadline);
  [[nodiscard]] net::Task stop();

  [[nodiscard]] net::Io& io() { return io_; }

 private:
  struct Held {
    std::unique_ptr<ShardPartition> partition;
    Progress reported;
    /// It was stopped before it began, or another instance has it: what is stored about it stays as it is.
    bool inert = false;
  };
  void on_changed(ShardPartition& partition);
  void on_stopped(ShardPartition& partition);
  void report_stop(ShardPartition& partition);
  void report_skipped(const ShardPartition& partition, const SkippedRange& range);

  net::Io& io_;
  SlabPool& pool_;
  const FlowOptions options_;
  client::Cluster source_;
  client::Cluster target_;
  std::map<TopicPartition, Held> partitions_;
  ShardAttention attention_;
  /// Counters of replaced partitions.
  FlowStatus retired_totals_;
  /// Replaced partitions: answers under way may still name them.
  std::vector<std::unique_ptr<ShardPartition>> retired_;
  net::Event changed_;
  SourceReader reader_;
  TargetWriter writer_;
};

}  // namespace longhaul::replicator
