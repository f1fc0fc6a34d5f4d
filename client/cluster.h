#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/broker_pool.h"
#include "client/connection.h"
#include "client/metadata.h"
#include "client/options.h"
#include "client/outage_board.h"
#include "client/retry.h"
#include "net/io.h"
#include "net/task_group.h"
#include "protocol/messages/find_coordinator.h"

namespace longhaul::client {

using protocol::CoordinatorType;

/// The error at the top of a response; none for responses that only have errors per item.
template <class Response>
[[nodiscard]] protocol::KafkaErrc top_level_error(const Response& response) {
  if constexpr (requires { response.error_code; }) {
    return static_cast<protocol::KafkaErrc>(response.error_code);
  } else {
    return protocol::KafkaErrc{};
  }
}

/// One Kafka cluster as seen from one core: its metadata and its connections, each opened when first used and
/// again after it was lost, with back-off. Everything is one core's; `stop()` before destruction.
///
/// A cluster that cannot be reached is reported once when that starts and once when it ends, not per attempt;
/// calls keep trying until their own deadline, and `SteadyTime::max()` is one.
class Cluster {
 public:
  Cluster(net::Io& io, ClusterOptions options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Closes all connections, fails what is pending with `operation_aborted`, and returns when nothing runs
  /// any more.
  [[nodiscard]] net::Task stop();

  [[nodiscard]] const ClusterOptions& options() const { return options_; }
  [[nodiscard]] const ClusterMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::optional<Leader> leader(const TopicPartition& partition) const {
    return metadata_.leader(partition);
  }

  /// Asks for all topics that were ever named in `refresh_topics` (and are not forgotten), and for brokers,
  /// controller and cluster id. Returns when an answer to a question asked after this call is in
  /// `metadata()`. Concurrent callers share one request, and requests keep a distance that grows while they
  /// fail. Topics are never created by asking.
  [[nodiscard]] net::Async<void> refresh_metadata(SteadyTime deadline);
  /// The same, after adding `topics` to those that are followed. What the cluster says about each of them, be
  /// it an error, is in `metadata().topic(name)` afterwards.
  [[nodiscard]] net::Async<void> refresh_topics(std::vector<std::string> topics, SteadyTime deadline);
  /// The same for every topic of the cluster; they are not followed by that.
  [[nodiscard]] net::Async<void> refresh_all_topics(SteadyTime deadline);
  void forget_topic(const std::string& topic);
  /// Asks for a refresh without waiting for it: for callers that go on with other things.
  void request_refresh();
  /// A newer leader, and perhaps its address, that came with an error answer (KIP-951).
  void learn_leader(const TopicPartition& partition, Leader leader);
  void learn_broker(BrokerId broker, BrokerInfo info);

  /// The open connection of that lane, opened first if need be: one attempt, after the broker's back-off has
  /// passed. Callers at the same time share it. A closed connection is not repaired: ask again. Errors:
  /// unknown_broker (refresh the metadata), timed_out, or why the attempt failed.
  [[nodiscard]] net::Async<std::shared_ptr<Connection>> connection(BrokerId broker, Lane lane,
                                                                   SteadyTime deadline);
  [[nodiscard]] net::Async<std::shared_ptr<Connection>> connection(BrokerId broker, Lane lane);
  /// Some open connection for control traffic: an open one first, then one to any broker or bootstrap
  /// address. One round over all of them; the error of the last one when none answers.
  [[nodiscard]] net::Async<std::shared_ptr<Connection>> any_connection(SteadyTime deadline);

  /// Sends `request` to any broker and repeats it after connection errors and after retriable errors at the
  /// top of the response, until `deadline`; then the last error is returned. A response with another error at
  /// its top is returned as an error too. Only for requests that may be repeated.
  template <class Request>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_any(Request request, SteadyTime deadline);
  /// The same on the controller (brokers of KRaft clusters pass such requests on, those of ZooKeeper clusters
  /// do not).
  template <class Request>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_controller(Request request,
                                                                              SteadyTime deadline);
  template <class Request, class ErrorOf>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_controller(
      Request request, SteadyTime deadline, ErrorOf error_of,
      std::optional<std::int16_t> max_version = std::nullopt);
  /// The same on the leader of `partition`; the metadata is refreshed where errors ask for it. `error_of`
  /// tells the error that decides about a repetition.
  template <class Request, class ErrorOf>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_leader(TopicPartition partition,
                                                                          Request request,
                                                                          SteadyTime deadline,
                                                                          ErrorOf error_of);
  /// The same on the coordinator of a group or a transactional id.
  template <class Request>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_coordinator(CoordinatorType type,
                                                                               std::string key,
                                                                               Request request,
                                                                               SteadyTime deadline);
  template <class Request, class ErrorOf>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_coordinator(
      CoordinatorType type, std::string key, Request request, SteadyTime deadline, ErrorOf error_of);
  /// The same with a request that `make(const Connection&)` gives as a Result for each attempt, where its
  /// content depends on the version that the connection speaks.
  template <class Request, class Make, class ErrorOf>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_coordinator_with(
      CoordinatorType type, std::string key, Make make, SteadyTime deadline, ErrorOf error_of);
  /// The same on one broker.
  template <class Request>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_broker(BrokerId broker, Request request,
                                                                          SteadyTime deadline);

  /// Who coordinates; asked once and remembered until `forget_coordinator` (call_coordinator does both).
  [[nodiscard]] net::Async<BrokerId> coordinator(CoordinatorType type, std::string key, SteadyTime deadline);
  void forget_coordinator(CoordinatorType type, const std::string& key);

  /// Deadline of one attempt: a request timeout from now, but not later than `deadline`.
  [[nodiscard]] SteadyTime attempt_deadline(SteadyTime deadline) const;
  /// Waits the next interval of `backoff`, or fails with `reason` when `deadline` lies before its end.
  [[nodiscard]] net::Async<void> back_off(Backoff& backoff, SteadyTime deadline, Error reason);
  [[nodiscard]] Backoff retry_backoff() const;

  [[nodiscard]] net::Io& io() { return io_; }
  /// "cluster A", for messages.
  [[nodiscard]] std::string name() const { return "cluster " + options_.alias; }

 private:
  /// Where an attempt goes: chosen anew each time.
  enum class Target { any, controller, leader, coordinator, broker };
  struct Route {
    Target target = Target::any;
    BrokerId broker = {};
    TopicPartition partition = {};
    CoordinatorType type = CoordinatorType::group;
    std::string key = {};
    std::optional<std::int16_t> max_version = std::nullopt;  ///< as in CallOptions
  };

  /// `make(connection)` gives the request as a Result, because its content may depend on the connection's
  /// versions.
  template <class Request, class Make, class ErrorOf>
  [[nodiscard]] net::Async<Owned<typename Request::Response>> call_routed(Route route, Make make,
                                                                          SteadyTime deadline,
                                                                          ErrorOf error_of);
  [[nodiscard]] net::Async<std::shared_ptr<Connection>> route_to(Route route, SteadyTime deadline);
  [[nodiscard]] Result<BrokerId> controller_or_error() const;
  [[nodiscard]] Result<BrokerId> leader_or_error(const TopicPartition& partition) const;
  /// Prepares the next attempt after `error`: success when there shall be one, the error to return when not.
  [[nodiscard]] net::Async<void> after_failure(Route route, Error error, Backoff& backoff,
                                               SteadyTime deadline);

  [[nodiscard]] std::optional<Endpoint> endpoint_of(BrokerId broker) const;
  [[nodiscard]] std::vector<BrokerId> candidates();

  [[nodiscard]] net::Async<void> wait_for_refresh(SteadyTime deadline);
  [[nodiscard]] net::Task metadata_loop();
  [[nodiscard]] net::Async<void> wait_until_wanted();
  [[nodiscard]] net::Async<void> fetch_metadata();
  void take_in(const protocol::MetadataResponse& response, ClusterMetadata::Scope scope);
  void report_refresh(const Result<void>& outcome);

  net::Io& io_;
  ClusterOptions options_;
  std::shared_ptr<OutageBoard> outages_;
  net::TaskGroup group_;
  BrokerPool pool_;
  ClusterMetadata metadata_;
  std::map<std::pair<CoordinatorType, std::string>, BrokerId> coordinators_;

  std::set<std::string> followed_topics_;
  bool all_topics_wanted_ = false;
  bool refresh_wanted_ = false;
  std::uint64_t refreshes_started_ = 0;
  std::uint64_t refreshes_succeeded_ = 0;  ///< number of the last refresh that succeeded; 0 before the first
  SteadyTime last_success_{};
  std::optional<Error> refresh_error_;  ///< of the last refresh, when it failed
  net::Event refresh_wanted_event_;
  net::Event refreshed_;
  int refreshes_failed_ = 0;  ///< in a row
};

}  // namespace longhaul::client

#include "client/cluster_calls.h"  // IWYU pragma: keep
