#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  /// Log starts as they were told last; what the map says of offsets below both serves nobody.
  Offset source_start{0};
  Offset target_start{0};
  /// Nothing waits and nothing is under way.
  bool idle = false;
  /// What is stored ends here: nothing will be written behind it.
  bool drained = false;
  /// What stands behind it on the target is written in transactions only.
  bool transactional = false;
};

/// What became of a partition in a transaction. Plain data.
struct TransactionPart {
  PartitionReport report;
  /// `report` is all that the transaction holds of it.
  bool certain = false;
  /// What the target holds of it is not what was sent, in its order.
  bool broken = false;
  /// See PartitionPipeline::take_doubted.
  std::optional<Anchor> doubted;
  /// Records were sent that are older than the target remembers producers by.
  bool sent_old = false;
  /// It may leave transactions.
  bool may_leave = false;
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
  std::int64_t lost_offsets = 0;
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
  /// How partitions that are taken over again are to be written from then on, where that changes.
  std::map<TopicPartition, Regime> regimes;
  /// Partitions to be taken over again: what the target holds of them is in doubt. With how often in a row.
  std::map<TopicPartition, int> retakes;
  /// Transactional ids whose epoch the target has fenced: by another instance, or by itself, when it aborts
  /// what a late request of ours has opened. The partitions that were refused are in `retakes`.
  std::set<std::string> contested;
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
  /// Partitions that wait for a transaction, by its transactional id: source and target.
  using Waiting = std::map<std::string, std::vector<std::pair<TopicPartition, TopicPartition>>>;
  [[nodiscard]] Waiting waiting();
  /// When a transaction is closed: at `until`, or before that when it has become large, or when
  /// `finish_transactions` was called and nothing waits any more. What is under way then must end before
  /// `deadline`.
  struct TransactionLimits {
    SteadyTime until;
    SteadyTime deadline;
    std::int64_t bytes_max = 0;
  };
  /// Lets partitions write in an open transaction of `producer`. Those that are not here any more are left
  /// out of the result. They write no more until the next call.
  [[nodiscard]] boost::asio::awaitable<std::vector<TransactionPart>> write_in_transaction(
      std::vector<TopicPartition> sources, ProducerState producer, TransactionLimits limits);
  /// The positions of all partitions of transactions, for the last one.
  [[nodiscard]] std::vector<std::pair<std::string, PartitionReport>> transactional_reports();
  /// The transaction was not committed: its partitions are taken over again.
  void abandon(const std::vector<TopicPartition>& sources);
  /// It was committed; `leaving` are to be written outside of transactions from now on.
  void committed(const std::vector<TopicPartition>& sources, const std::vector<TopicPartition>& leaving);
  enum class Ending { when_written, at_once };
  /// Transactions wait no longer for more to write, or for anything.
  void finish_transactions(Ending ending);
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
  [[nodiscard]] static PartitionReport report_of(const TopicPartition& source, ShardPartition& partition);
  void on_changed(ShardPartition& partition);
  void take_again(ShardPartition& partition, int retakes);
  void on_stopped(ShardPartition& partition);
  void report_stop(ShardPartition& partition);
  void report_skipped(const ShardPartition& partition, const SkippedRange& range);
  void forget_attention(const TopicPartition& source, const std::string& transactional_id);
  void free_retired();

  net::Io& io_;
  SlabPool& pool_;
  const FlowOptions options_;
  client::Cluster source_;
  client::Cluster target_;
  std::map<TopicPartition, Held> partitions_;
  ShardAttention attention_;
  /// Partitions that may wait for a transaction, and since when.
  std::map<TopicPartition, SteadyTime> waiting_;
  std::optional<Ending> ending_;
  /// Counters of replaced partitions.
  FlowStatus retired_totals_;
  /// Replaced partitions: answers under way may still name them.
  struct Retired {
    std::unique_ptr<ShardPartition> partition;
    SteadyTime since;
  };
  std::vector<Retired> retired_;
  net::Event changed_;
  SourceReader reader_;
  TargetWriter writer_;
};

}  // namespace longhaul::replicator
