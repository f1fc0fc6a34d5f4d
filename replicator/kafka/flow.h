#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/slab.h"
#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/async_lock.h"
#include "replicator/kafka/flow_shard.h"
#include "replicator/kafka/line_limit.h"
#include "replicator/kafka/owners.h"
#include "replicator/kafka/position_store.h"
#include "replicator/kafka/transaction_lanes.h"
#include "replicator/tail_match.h"
#include "replicator/topic_sync.h"

namespace longhaul::replicator {

/// How the clusters of a flow are reached, by what the clients are for.
struct FlowClients {
  client::ClusterOptions source_data;
  client::ClusterOptions source_admin;
  client::ClusterOptions target_data;
  client::ClusterOptions target_admin;
};

/// A core that carries partitions.
struct FlowCore {
  net::Io* io = nullptr;
  SlabPool* pool = nullptr;
};

/// One flow `source->target`: finds topics, creates what is missing, decides where each partition goes on,
/// hands the partitions to its shards and stores their positions. Lives on the control core; its shards live
/// on theirs.
class Flow {
 public:
  Flow(net::Io& control, std::vector<FlowCore> cores, FlowOptions options, FlowClients clients);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  /// Connects and begins to replicate; returns when the first partitions are handed over. Waits for clusters
  /// that are down. Errors are final: the flow cannot work before somebody changes something.
  [[nodiscard]] net::Async<void> start();
  /// Sums over all shards.
  [[nodiscard]] boost::asio::awaitable<FlowStatus> status();
  /// Stops reading, waits until `deadline` for what is under way, stores the positions and ends everything.
  /// After a failed or unfinished start too. The error says what could not be stored.
  [[nodiscard]] net::Async<void> drain(SteadyTime deadline);
  /// Ends everything at once.
  [[nodiscard]] net::Task stop();

  [[nodiscard]] const FlowOptions& options() const { return options_; }
  /// Topics that are replicated now.
  [[nodiscard]] std::size_t topics() const;

 private:
  struct Candidate;
  /// Which topics a partition that was handed over belongs to.
  struct Active {
    TopicPartition target;
    TopicId source_id;
    TopicId target_id;
  };
  /// The candidates behind one transactional id.
  struct Guarded {
    std::shared_ptr<SharedProducer> owner;
    std::vector<Candidate*> candidates;
  };

  [[nodiscard]] net::Async<void> connect();
  [[nodiscard]] net::Async<void> sync_until_done();
  [[nodiscard]] net::Async<void> fresh_producer(SteadyTime deadline);
  [[nodiscard]] net::Async<void> sync_topics(SteadyTime deadline);
  [[nodiscard]] net::Async<TopicPlan> read_plan(SteadyTime deadline);
  /// Reads the plan until it shows what has just been made of these remote topics, for some time: in a
  /// cluster of several brokers the one that is asked next may not know of it yet.
  [[nodiscard]] net::Async<TopicPlan> read_plan_with(std::set<std::string> made, SteadyTime deadline);
  void report_plan(const TopicPlan& plan);
  void report_unknown_settings(const TopicChange& change, const std::vector<std::string>& settings);
  /// Both return the remote topics that the target says it has made, or has had.
  [[nodiscard]] net::Async<std::set<std::string>> create_missing(const TopicPlan& plan, SteadyTime deadline);
  [[nodiscard]] net::Async<std::set<std::string>> add_partitions(const TopicPlan& plan, SteadyTime deadline);
  [[nodiscard]] std::vector<Candidate> find_new(const TopicPlan& plan) const;

  /// Returns how many could not be taken up yet.
  [[nodiscard]] net::Async<std::int64_t> take_up(std::vector<Candidate> candidates, SteadyTime deadline);
  [[nodiscard]] net::Async<void> read_target_offsets(std::vector<Candidate>& candidates, SteadyTime deadline);
  [[nodiscard]] net::Async<void> read_source_offsets(std::vector<Candidate>& candidates, SteadyTime deadline);
  [[nodiscard]] net::Async<void> read_limits(std::vector<Candidate>& candidates, SteadyTime deadline);
  [[nodiscard]] net::Async<void> read_producer_memory(SteadyTime deadline);
  void report_unready(const std::vector<Candidate>& candidates);
  void report_note(const Candidate& candidate, const std::string& note);
  [[nodiscard]] net::Async<void> hand_over(std::vector<Candidate>& candidates, SteadyTime deadline);
  [[nodiscard]] net::Async<void> store_candidates(std::vector<Candidate>& candidates, SteadyTime deadline);
  [[nodiscard]] std::size_t shard_of(const TopicPartition& target) const;

  // Taking partitions from whoever had them before (docs/decisions/061).
  [[nodiscard]] net::Async<void> take_from_predecessors(std::vector<Candidate>& candidates,
                                                        SteadyTime deadline);
  [[nodiscard]] net::Async<void> fence(Guarded& guarded, SteadyTime deadline);
  void take_fenced(Guarded& guarded, const Fence& fence);

  // The transactions of those that are written in them.
  [[nodiscard]] bool was_transactional(const Candidate& candidate) const;
  void choose_regime(Candidate& candidate) const;
  [[nodiscard]] net::Async<void> fence_transactions(Guarded& guarded, SteadyTime deadline);
  void refuse_transactions(Guarded& guarded, const Error& reason);
  /// Lets transactional ids that were taken write, whose guards are seen to be ours still.
  [[nodiscard]] net::Async<void> confirm_transactions(const std::vector<Candidate>& stored,
                                                      SteadyTime deadline);
  void go_unfenced(const Error& reason);
  [[nodiscard]] ResumeFacts facts_of(const Candidate& candidate);
  /// Under which producers something of ours may stand in the partition.
  [[nodiscard]] OwnProducers own_producers(const Candidate& candidate, const StoredPosition& stored);
  [[nodiscard]] ProducerState fresh_producer_for(const Candidate& candidate);
  [[nodiscard]] net::Async<void> decide(Candidate& candidate, SteadyTime deadline);
  void load_map(Candidate& candidate, const StoredPosition& stored) const;
  /// Whether the source still has the log that was replicated; stops or leaves the candidate otherwise.
  [[nodiscard]] net::Async<void> confirm_source(Candidate& candidate, SteadyTime deadline);
  [[nodiscard]] net::Async<void> look_back(Candidate& candidate, const ResumeDecision& decision,
                                           const StoredPosition& stored);

  // What shards and positions report in operation.
  [[nodiscard]] net::Task attention_loop();
  [[nodiscard]] net::Async<void> attend(SteadyTime deadline);
  [[nodiscard]] net::Async<std::string> who_writes(TopicPartition source, SteadyTime deadline);
  [[nodiscard]] net::Async<void> lose(std::map<std::string, TopicPartition> lost, SteadyTime deadline);
  [[nodiscard]] net::Async<void> take_again(SteadyTime deadline);
  [[nodiscard]] net::Task keep_alive_loop();
  [[nodiscard]] net::Async<void> keep_alive(SteadyTime deadline);
  void take_failures(const PositionStore::Failures& failures);
  /// Takes the next epoch of an id that is held; false when that fails for now, or somebody else has it.
  [[nodiscard]] net::Async<bool> renew(SharedProducer& owner, SteadyTime deadline);

  [[nodiscard]] net::Task refresh_loop();
  [[nodiscard]] net::Task flush_loop();
  [[nodiscard]] net::Async<void> flush(FlowShard::Which which, bool drained, SteadyTime deadline);

  net::Io& control_;
  const FlowOptions options_;
  client::Cluster source_;
  client::Cluster target_;
  Owners owners_;
  PositionStore store_;
  std::vector<std::unique_ptr<FlowShard>> shards_;
  TransactionLanes transactions_;
  /// The target lets us have transactional ids, but no others for transactions.
  bool transactions_refused_ = false;
  /// Transactional ids of transactions that were taken and not confirmed yet, and their guards.
  std::map<std::string, std::shared_ptr<SharedProducer>> unconfirmed_;
  /// How partitions are written that went over to the other regime, as long as nothing else decides.
  std::map<TopicPartition, Regime> regimes_;
  std::map<TopicPartition, Active> active_;
  std::set<std::string> reported_;
  LineLimit lines_;
  /// Without a transactional id, for where those are refused.
  ProducerState producer_;
  /// How long the target remembers a producer (`producer.id.expiration.ms`), with a margin.
  milliseconds producer_memory_ = PipelineOptions{}.producer_memory;
  std::string source_cluster_id_;
  std::string target_cluster_id_;
  /// Reports that could not be stored yet, by source partition: newer ones replace older ones.
  std::map<TopicPartition, PartitionReport> unsaved_;
  /// To be taken over again, with how often in a row; transactional ids that another instance was found to
  /// have; owners whose next write needs another epoch.
  std::map<TopicPartition, int> retakes_;
  std::map<std::string, TopicPartition> found_lost_;
  std::map<std::string, std::shared_ptr<SharedProducer>> stale_;
  /// How often in a row what the target holds of a partition could not be looked at.
  std::map<TopicPartition, int> failed_looks_;
  /// Storing positions and handing partitions over take turns.
  AsyncLock positions_lock_;
  /// Partitions that could not be taken up yet; remote topics that could not be created.
  std::int64_t unready_ = 0;
  std::int64_t uncreated_ = 0;
  bool opened_ = false;
  bool stopped_ = false;
  net::TaskGroup group_;
};

}  // namespace longhaul::replicator
