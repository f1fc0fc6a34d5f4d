#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/slab.h"
#include "sandbox/faults.h"
#include "sandbox/options.h"
#include "sandbox/topic_config.h"

namespace longhaul::sandbox {

class Core;

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
  /// Whether the broker is up: the owner of its socket refuses connections while it is not.
  [[nodiscard]] bool is_up(BrokerId broker) const;

  /// What the cluster holds of a partition.
  struct PartitionState {
    std::int64_t start_offset = 0;
    std::int64_t end_offset = 0;
    std::int32_t leader = -1;
    std::int32_t leader_epoch = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] std::optional<PartitionState> partition(const std::string& topic,
                                                        PartitionIndex partition) const;
  [[nodiscard]] std::vector<std::string> topics() const;

  /// One line of a control file or endpoint, see README.md: `fault ...`, `clear`, `leader ...`,
  /// `broker ...`, `status`. Returns what to print. Errors name the word that is wrong.
  [[nodiscard]] Result<std::string> control(std::string_view line, Now now);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::sandbox
