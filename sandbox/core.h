#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "protocol/header.h"
#include "protocol/message.h"
#include "sandbox/call.h"
#include "sandbox/faults.h"
#include "sandbox/fetch_session.h"
#include "sandbox/fetch_waits.h"
#include "sandbox/group.h"
#include "sandbox/options.h"
#include "sandbox/timers.h"
#include "sandbox/topics.h"
#include "sandbox/transaction.h"

namespace longhaul::sandbox {

/// What a connection has proven about its client.
struct Session {
  bool is_authenticated = false;
  /// The mechanism agreed on; empty before the handshake.
  std::string mechanism;
  std::unique_ptr<Authenticator> authenticator;
  /// Who was authenticated last.
  std::string user;
  /// When the connection has to authenticate again; the largest time: never.
  SteadyTime expires = SteadyTime::max();
};

/// Takes what handlers answer.
class Answers {
 public:
  virtual ~Answers() = default;
  virtual void answer(const Call& call, protocol::GatherBuffer frame, std::shared_ptr<const void> keep) = 0;
  /// The request is done and there is nothing to send.
  virtual void finish(const Call& call) = 0;
  virtual void close(ConnectionId connection) = 0;
};

/// What the handlers of all brokers of a cluster work on.
class Core {
 public:
  Core(ClusterOptions cluster_options, Answers& cluster_answers);

  ClusterOptions options;
  Answers& answers;
  Now now;
  Timers timers;
  std::mt19937_64 random;
  Topics topics;
  Faults faults;
  FetchWaits fetch_waits;
  std::map<ConnectionId, Session> sessions;
  std::map<std::string, Group> groups;
  std::map<std::string, Transaction> transactions;
  std::int64_t next_producer_id = 0;
  /// Counts the commits of offsets: of two for one partition the later one holds.
  std::uint64_t commits = 0;
  std::int32_t coordinator_epoch = 0;
  /// Markers that were not written because their partitions had no leader.
  std::int64_t lost_markers = 0;
  /// Producers and epochs of the markers of what a coordinator aborted: because it was open for too long or
  /// a request of a former holder came late, and because somebody took their id.
  std::set<std::pair<std::int64_t, std::int16_t>> aborted_by_mistake;
  std::set<std::pair<std::int64_t, std::int16_t>> aborted_by_successor;
  /// Until then coordinators have just come to their tasks and serve nobody.
  SteadyTime coordinators_load_until = SteadyTime::min();

  [[nodiscard]] FetchSessions& fetch_sessions(std::int32_t broker) {
    return fetch_sessions_[static_cast<std::size_t>(broker - 1)];
  }
  [[nodiscard]] const Endpoint& endpoint(std::int32_t broker) const {
    return options.endpoints[static_cast<std::size_t>(broker - 1)];
  }

  /// Whether the connection's client may make this request now, as far as authentication goes.
  [[nodiscard]] bool may_serve(const Call& call) const;

  /// Answers `call`. What `response` references is kept by `keep` until it is sent. A response that does not
  /// encode is a defect of ours and ends the connection, as an uncaught exception does in a broker.
  template <protocol::Message Response>
  void answer(const Call& call, const Response& response, std::shared_ptr<const void> keep = {}) {
    auto frame = protocol::encode_response(response, call.version, call.correlation_id);
    if (!frame) return answers.close(call.connection);
    answers.answer(call, *std::move(frame), std::move(keep));
  }

  /// Wakes what waits for `partition`, after an append or a change of its leader.
  void changed(Partition& partition);
  void changed(const std::vector<Partition*>& partitions);
  /// Takes note of `bytes` that were appended to some log, and frees memory when the logs hold more than they
  /// may.
  void appended(std::size_t bytes);
  /// Deletes what the topics' retention no longer keeps.
  void enforce_retention();
  /// Forgets producers whose batches are old, see ClusterOptions::producer_id_expiration.
  void expire_producers();
  /// Takes the topic out and wakes who waits for it.
  void remove_topic(std::string_view name);
  void forget_broker_sessions(std::int32_t broker);
  /// The broker that coordinates a group or a transactional id; -1 when none is up.
  [[nodiscard]] std::int32_t coordinator(std::string_view key) const;
  /// Lets other brokers coordinate, which serve nobody for the time they load.
  void move_coordinators(milliseconds loading);
  [[nodiscard]] bool are_coordinators_loading() const { return now.steady < coordinators_load_until; }
  /// Why this broker does not serve a request about `key`.
  [[nodiscard]] protocol::KafkaErrc coordinator_error(const Call& call, std::string_view key) const;
  /// A random id, such as clusters and group members have.
  [[nodiscard]] TopicId random_id();

 private:
  void enforce_memory();

  std::vector<FetchSessions> fetch_sessions_;
  std::size_t appended_unchecked_ = 0;
};

/// The error of a partition that this broker cannot serve: it is unknown, has another leader, or another
/// leader epoch than `current_leader_epoch` (-1: not checked). `partition` may be null.
[[nodiscard]] protocol::KafkaErrc leader_error(const Call& call, const Partition* partition,
                                               std::int32_t current_leader_epoch);
/// Kafka's check of a client's epoch against the partition's.
[[nodiscard]] protocol::KafkaErrc epoch_error(const Partition& partition, std::int32_t current_leader_epoch);

}  // namespace longhaul::sandbox
