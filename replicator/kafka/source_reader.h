#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/slab.h"
#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "protocol/messages/fetch.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/line_limit.h"
#include "replicator/kafka/shard_partition.h"

namespace longhaul::replicator {

/// Fetches the partitions of one shard from their leaders.
///
/// Each broker has two lanes, each a connection of its own. The tip lane long-polls partitions that have been
/// read to their end. The bulk lane fetches the others without waiting: a partition whose window was full
/// would otherwise wait behind a poll for partitions that have nothing. A partition that reaches its end
/// stays in the bulk lane until the tip lane begins its next poll, so it is never without a fetch. Lives on
/// one core.
class SourceReader {
 public:
  /// Called after each answer for a partition that got something to write, or stopped.
  using Changed = std::function<void(ShardPartition&)>;

  SourceReader(client::Cluster& source, const FlowOptions& options, SlabPool& pool, Changed changed);
  ~SourceReader();

  /// Begins to read a partition, which must live until it is removed.
  void add(ShardPartition& partition);
  /// Asks no more for the partition. Answers under way may still reach it, so the object stays until
  /// `stop()`.
  void remove(ShardPartition& partition);
  /// To be called when the partition's window may have room again.
  void wake(ShardPartition& partition);
  [[nodiscard]] net::Task stop();

 private:
  struct Broker;
  /// A partition in a request, and the offset that was asked for.
  struct Asked {
    ShardPartition* partition;
    Offset offset;
    LeaderEpoch last_epoch;
    /// Of the leader that is asked: another one refuses.
    LeaderEpoch leader_epoch;
    /// Whether the partition still reads from there.
    [[nodiscard]] bool is_current() const {
      const auto& pipeline = partition->pipeline;
      return pipeline.fetch_offset() == offset && pipeline.fetched_leader_epoch() == last_epoch;
    }
  };
  enum class LaneKind { bulk, tip };

  [[nodiscard]] net::Task route_loop();
  void unroute(ShardPartition& partition);
  void leave_broker(ShardPartition& partition);
  void report_leaderless();
  /// Sends the partition to its leader's bulk lane; false while no leader is known.
  [[nodiscard]] bool route(ShardPartition& partition);
  /// Whether the topic is gone, or another one by now; stops the partition then.
  [[nodiscard]] bool check_topic(ShardPartition& partition);
  Broker& broker(BrokerId id);

  [[nodiscard]] net::Task lane_loop(Broker& broker, LaneKind kind);
  [[nodiscard]] std::vector<ShardPartition*> choose(Broker& broker, LaneKind kind);
  [[nodiscard]] net::Async<void> fetch_once(Broker& broker, LaneKind kind,
                                            std::vector<ShardPartition*> chosen);
  [[nodiscard]] protocol::FetchRequest request_for(const std::vector<Asked>& chosen, LaneKind kind,
                                                   std::int16_t version) const;
  void take(const client::Owned<protocol::FetchResponse>& response, const std::vector<Asked>& chosen);
  /// Whether an empty answer of a leader that knows the log up to `end` says that nothing is left in front of
  /// the goal.
  [[nodiscard]] bool is_the_end(ShardPartition& partition, Offset end) const;
  void take_partition(const Asked& asked, const protocol::PartitionData& data, const Slice& frame);
  void take_error(ShardPartition& partition, const protocol::PartitionData& data);
  void take_cut(ShardPartition& partition, LeaderEpoch epoch, Offset end);
  [[nodiscard]] net::Task find_position(ShardPartition& partition);

  client::Cluster& source_;
  const FlowOptions& options_;
  SlabPool& pool_;
  Changed changed_;
  std::map<BrokerId, std::unique_ptr<Broker>> brokers_;
  std::vector<ShardPartition*> unrouted_;
  net::Event unrouted_changed_;
  LineLimit lines_;
  net::TaskGroup group_;
};

}  // namespace longhaul::replicator
