#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "protocol/messages/produce.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/line_limit.h"
#include "replicator/kafka/shard_partition.h"

namespace longhaul::replicator {

/// Produces what the pipelines of one shard have planned to the leaders on the target.
///
/// One connection per broker, several requests under way on it: a broker handles them one after the other,
/// which keeps each partition's batches in order. A request holds one batch per partition (brokers refuse
/// more) of as many partitions as have one. Nothing lingers: under load batches gather by themselves while
/// requests are under way. Lives on one core.
class TargetWriter {
 public:
  /// Called after each answer for a partition.
  using Changed = std::function<void(ShardPartition&)>;

  TargetWriter(client::Cluster& target, const FlowOptions& options, Changed changed);
  ~TargetWriter();

  /// To be called when the partition may have something to send. It must live until `stop()`.
  void wake(ShardPartition& partition);
  [[nodiscard]] net::Task stop();

 private:
  struct Broker;
  struct Sent {
    ShardPartition* partition;
    std::uint64_t number;
  };
  struct Round;

  Broker& broker(BrokerId id);
  void enqueue(Broker& broker, ShardPartition& partition);
  /// Leader of the target partition, by metadata that is about the same topic; none otherwise.
  [[nodiscard]] BrokerId leader_of(const ShardPartition& partition) const;
  void look_for_leader(ShardPartition& partition);
  [[nodiscard]] net::Task leader_loop();
  /// Whether the target topic is gone, or another one by now; stops the partition then.
  [[nodiscard]] bool check_topic(ShardPartition& partition);

  void look_again(Broker& broker);
  [[nodiscard]] net::Task write_loop(Broker& broker);
  [[nodiscard]] SteadyTime next_retry(const Broker& broker) const;
  [[nodiscard]] bool has_sendable(const Broker& broker) const;
  [[nodiscard]] Round gather(Broker& broker);
  void fill_request(Round& round, const std::vector<PartitionPipeline::Outgoing>& batches) const;
  [[nodiscard]] net::Async<void> send_round(Broker& broker);
  [[nodiscard]] net::Task collect(Broker& broker, client::Pending<protocol::ProduceResponse> pending,
                                  std::vector<Sent> sent);
  void take(const protocol::ProduceResponse& response, std::vector<Sent>& sent);
  void take_error(const Sent& sent, const protocol::PartitionProduceResponse& answer);
  void fail_all(const std::vector<Sent>& sent);
  void fail_one(const Sent& sent, PartitionPipeline::Fate fate);
  void report_refusal(const ShardPartition& partition, const std::string& reason);
  void report_leaderless();

  client::Cluster& target_;
  const FlowOptions& options_;
  Changed changed_;
  std::map<BrokerId, std::unique_ptr<Broker>> brokers_;
  std::vector<ShardPartition*> leaderless_;
  net::Event leaderless_changed_;
  LineLimit lines_;
  net::TaskGroup group_;
};

}  // namespace longhaul::replicator
