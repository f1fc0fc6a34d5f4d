#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/slab.h"
#include "sandbox/faults.h"
#include "sandbox/options.h"
#include "sandbox/topic_config.h"

namespace longhaul::sandbox {

class Connections;

/// A Kafka cluster in memory, without sockets and without a clock: requests and times go in, responses and
/// the next time to look at come out. It refuses what Apache Kafka 4.3 refuses, with the same error codes.
///
/// After any call the owner takes the outputs, and calls on_timer() when next_timer() has come. As in a
/// broker, one request of a connection is served at a time; those behind it wait. Not for use by several
/// threads at once.
class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// A client has connected to `broker`. To one that is down it is closed at once.
  void connected(ConnectionId connection, BrokerId broker, Now now);
  /// The connection is gone, whoever closed it.
  void disconnected(ConnectionId connection, Now now);
  /// One whole request, without its size.
  void received(ConnectionId connection, Slice frame, Now now);

  [[nodiscard]] std::optional<SteadyTime> next_timer() const;
  void on_timer(Now now);

  /// What there is to send and to close, in order; moved out.
  [[nodiscard]] std::vector<Output> take_outputs();

  /// Requests of the connection that were received and not answered: when there are many, the owner had
  /// better not read more.
  [[nodiscard]] std::size_t unanswered(ConnectionId connection) const;

  [[nodiscard]] const ClusterOptions& options() const;
  /// Where a broker is reached, once its listener knows its port.
  void set_endpoint(BrokerId broker, Endpoint endpoint);

  [[nodiscard]] Faults& faults();

  /// A topic as an administrator creates it. Errors are Kafka's, with a sentence.
  [[nodiscard]] Result<void> create_topic(const std::string& name, std::int32_t partitions,
                                          std::int16_t replication_factor = -1,
                                          const TopicConfig::Values& configs = {});
  [[nodiscard]] Result<void> delete_topic(std::string_view name, Now now);
  /// Makes `broker` the leader of a partition; the leader epoch goes up.
  [[nodiscard]] Result<void> move_leader(const std::string& topic, PartitionIndex partition, BrokerId broker,
                                         Now now);
  /// Takes a broker down: its connections are closed and others lead its partitions. Or brings it back.
  [[nodiscard]] Result<void> set_broker_up(BrokerId broker, bool up, Now now);
  /// Moves the start of a log, as DeleteRecords and retention do.
  [[nodiscard]] Result<void> delete_records(const std::string& topic, PartitionIndex partition,
                                            std::int64_t before, Now now);
  /// Which replicas are in sync, until a broker goes or comes: the leader and any others.
  [[nodiscard]] Result<void> set_in_sync(const std::string& topic, PartitionIndex partition,
                                         const std::vector<BrokerId>& brokers, Now now);
  /// An election that loses data: the log ends at `end_offset`, or at the start of the batch that holds it,
  /// the leader epoch goes up, and what is known of producers and transactions is what the rest of the log
  /// says. Without `broker` the leader leads again, or the first replica that is up. Returns where the log
  /// ends.
  [[nodiscard]] Result<std::int64_t> elect_unclean(const std::string& topic, PartitionIndex partition,
                                                   std::int64_t end_offset, std::optional<BrokerId> broker,
                                                   Now now);
  /// One pass of the log cleaner over a compacted topic's partition, see compaction.h; returns the records
  /// that went.
  [[nodiscard]] Result<std::size_t> compact(const std::string& topic, PartitionIndex partition, Now now);
  /// All groups and transactional ids get another coordinator, which loads for some time before it serves
  /// them.
  void move_coordinators(milliseconds loading, Now now);
  /// Changes an option under way: `transactions` (allowed or refused), or a time in milliseconds by its name
  /// in Kafka, such as `producer.id.expiration.ms`; intervals begin anew, with a check at once.
  [[nodiscard]] Result<void> set_option(std::string_view name, std::string_view value, Now now);
  /// Brings an id whose transaction is over to its last epoch, so that the next producer gets another id.
  [[nodiscard]] Result<void> use_up_epochs(const std::string& transactional_id);
  /// Whether the broker is up: the owner of its socket refuses connections while it is not.
  [[nodiscard]] bool is_up(BrokerId broker) const;

  /// What the cluster holds of a partition.
  struct PartitionState {
    std::int64_t start_offset = 0;
    std::int64_t end_offset = 0;
    std::int64_t last_stable_offset = 0;
    std::int32_t leader = -1;
    std::int32_t leader_epoch = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] std::optional<PartitionState> partition(const std::string& topic,
                                                        PartitionIndex partition) const;
  [[nodiscard]] std::vector<std::string> topics() const;

  /// What a coordinator knows of a transactional id.
  struct TransactionView {
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    /// Kafka's word, such as "Ongoing".
    std::string_view state;
    std::size_t partitions = 0;
  };
  [[nodiscard]] std::optional<TransactionView> transaction(const std::string& id) const;
  [[nodiscard]] std::vector<std::string> transactional_ids() const;
  /// Whether a transaction is open in any partition, or hangs there.
  [[nodiscard]] bool has_open_transactions() const;
  /// Markers of transactions that partitions without leader never got.
  [[nodiscard]] std::int64_t lost_markers() const;
  /// Producers and epochs of the markers of what was aborted because it was open for longer than allowed,
  /// or because a request of a former holder of their id came late.
  [[nodiscard]] const std::set<std::pair<std::int64_t, std::int16_t>>& aborted_by_mistake() const;
  /// The same of those whose transactional id was taken by another while they were open.
  [[nodiscard]] const std::set<std::pair<std::int64_t, std::int16_t>>& aborted_by_successor() const;

  /// One line of a control file or endpoint, see README.md. Returns what to print. Errors name the word that
  /// is wrong.
  [[nodiscard]] Result<std::string> control(std::string_view line, Now now);

 private:
  std::unique_ptr<Connections> impl_;
};

}  // namespace longhaul::sandbox
