#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/admin_requests.h"
#include "client/cluster.h"
#include "net/event.h"
#include "net/task_group.h"
#include "replicator/flow_options.h"
#include "replicator/kafka/async_lock.h"
#include "replicator/kafka/flow_shard.h"
#include "replicator/kafka/line_limit.h"
#include "replicator/kafka/position_store.h"

namespace longhaul::replicator {

/// The transactions of one flow (docs/decisions/061): one after the other for each transactional id. One is
/// begun when partitions of the id have something to send. It holds what these write until it is closed, and
/// where they stand then; it is committed, or its partitions are taken over again. Lives on the control core.
class TransactionLanes {
 public:
  TransactionLanes(net::Io& control, client::Cluster& target, PositionStore& store,
                   const std::vector<std::unique_ptr<FlowShard>>& shards, const FlowOptions& options);

  /// Under which producer this process holds a transactional id.
  [[nodiscard]] std::shared_ptr<SharedProducer> owner(const std::string& id) { return lane(id).owner; }
  /// Waits for the transaction that is under way to end, and keeps others from being begun.
  [[nodiscard]] net::Async<AsyncLock::Turn> pause(const std::string& id, SteadyTime deadline);
  /// The id was taken over, or is about to be: it writes nothing before it is confirmed. `fenced`: nothing of
  /// it is open any more.
  void taken(const std::string& id, ProducerEpoch producer, bool fenced);
  /// After it was taken, whoever takes it over was seen to have its guard still. (A predecessor that was held
  /// up in between could otherwise take the id from its successor, and write.)
  void confirmed(const std::string& id);
  /// Whether what the id has open, or what may hang in one of the partitions, must not be committed: the
  /// target had lost what stood in front of it.
  [[nodiscard]] bool must_abort(const std::string& id, const std::map<TopicPartition, Offset>& partitions);
  /// Their abort markers were seen.
  void aborted(const std::string& id, const std::map<TopicPartition, Offset>& markers);

  /// Begins to look for partitions that wait.
  void start();
  /// Ends the transactions under way without waiting for more to write, then stores where partitions stand:
  /// as drained where nothing is left to send. To be called when the shards read no more.
  [[nodiscard]] net::Async<void> finish(SteadyTime deadline);
  /// Ends everything at once; what is not committed is lost.
  [[nodiscard]] net::Task stop();

 private:
  struct Lane {
    Lane(std::string id, net::TimeSource& time);
    std::shared_ptr<SharedProducer> owner;
    AsyncLock turn;
    bool busy = false;
    bool confirmed = false;
    /// What the target allows of `transaction_timeout`.
    milliseconds timeout{0};
    SteadyTime not_before{};
    /// The last transaction was not committed: where its partitions stand is found out by taking them over.
    bool failed = false;
    /// What the coordinator may have open, and how it has to end.
    enum class Open { none, to_commit, to_abort } open = Open::none;
    /// Partitions whose next marker has to be one that aborts.
    std::set<TopicPartition> to_abort;
    /// Partitions of committed transactions whose markers were not seen yet, and when to look.
    std::map<TopicPartition, SteadyTime> unmarked;
    SteadyTime no_mending_before{};
    /// When each partition last wrote records that were too old to be written otherwise.
    std::map<TopicPartition, SteadyTime> last_old;
    /// Partitions that could not be made part of a transaction, and until when they are left out.
    std::map<TopicPartition, SteadyTime> set_aside;
  };
  using Places = std::vector<std::pair<TopicPartition, TopicPartition>>;
  /// What a transaction is about: source and target partitions, by the shard's place.
  using Work = std::map<std::size_t, Places>;
  struct Written {
    std::vector<TransactionPart> parts;
    [[nodiscard]] bool certain() const;
    [[nodiscard]] std::vector<PartitionReport> reports() const;
  };

  [[nodiscard]] Lane& lane(const std::string& id);
  [[nodiscard]] net::Task look_loop();
  [[nodiscard]] net::Task look();
  [[nodiscard]] net::Task run_lane(Lane& lane, Work work);
  [[nodiscard]] std::set<TopicPartition> partitions_of(const Work& work) const;
  /// The id is ours, and what it left open is ended.
  [[nodiscard]] static bool is_usable(const Lane& lane) {
    return lane.owner->producer && lane.confirmed && !lane.failed;
  }
  /// How long a transaction of the lane may take until it is given up.
  [[nodiscard]] milliseconds patience(const Lane& lane) const;
  /// Looks for markers that were lost, which a coordinator does not repeat where a partition had no leader,
  /// and ends what hangs there.
  void mend_idle(SteadyTime now);
  [[nodiscard]] net::Task mend_lane(Lane& lane);
  /// Only partitions that no transaction has touched for a while, or all.
  enum class Mending { idle, all };
  [[nodiscard]] net::Async<void> mend(Lane& lane, Mending which, SteadyTime deadline);
  /// Those of `partitions` where something is open, although no transaction is.
  [[nodiscard]] net::Async<std::vector<TopicPartition>> find_hanging(Lane& lane,
                                                                     std::vector<TopicPartition> partitions,
                                                                     SteadyTime deadline);
  [[nodiscard]] net::Async<void> run_transaction(Lane& lane, Work& work, SteadyTime begun);
  [[nodiscard]] net::Async<void> begin(Lane& lane, Work& work, SteadyTime deadline);
  [[nodiscard]] net::Async<void> renew_epoch(Lane& lane, SteadyTime deadline);
  [[nodiscard]] net::Async<std::vector<client::AddedPartition>> open(
      Lane& lane, const std::set<TopicPartition>& partitions, SteadyTime deadline);
  /// The same, where one that is refused is a failure.
  [[nodiscard]] net::Async<void> open_all(Lane& lane, std::set<TopicPartition> partitions,
                                          SteadyTime deadline);
  [[nodiscard]] net::Async<void> end(Lane& lane, client::TransactionEnd how, SteadyTime deadline);
  /// Gives up all of a transaction, because the target has lost what stood in front of it.
  [[nodiscard]] net::Async<void> abort(Lane& lane, const Work& work, SteadyTime deadline);
  /// Takes out what cannot be part of a transaction now.
  void leave_out(Lane& lane, Work& work);
  [[nodiscard]] net::Async<void> add_partitions(Lane& lane, Work& work, SteadyTime deadline);
  [[nodiscard]] net::Async<Written> write(Lane& lane, const Work& work, SteadyTime begun);
  /// Whether the target has lost what it had acknowledged in front of what was written now.
  void remember_unmarked(Lane& lane, const std::set<TopicPartition>& partitions);
  [[nodiscard]] net::Async<bool> lost_tail(const Written& written, SteadyTime deadline);
  [[nodiscard]] net::Async<void> commit(Lane& lane, std::set<TopicPartition> partitions,
                                        const std::vector<PartitionReport>& reports, SteadyTime deadline);
  [[nodiscard]] net::Task tell_committed(Lane& lane, Work work, std::vector<TransactionPart> parts);
  [[nodiscard]] net::Task abandon(const Work& work);
  [[nodiscard]] net::Async<void> store_last(Lane& lane, std::vector<PartitionReport> reports,
                                            SteadyTime deadline);

  net::Io& control_;
  client::Cluster& target_;
  PositionStore& store_;
  const std::vector<std::unique_ptr<FlowShard>>& shards_;
  const FlowOptions& options_;
  std::map<std::string, std::unique_ptr<Lane>> lanes_;
  LineLimit lines_;
  bool finishing_ = false;
  net::Event ended_;
  net::TaskGroup group_;
};

}  // namespace longhaul::replicator
