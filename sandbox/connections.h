#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/slab.h"
#include "protocol/wire.h"
#include "sandbox/core.h"

namespace longhaul::sandbox {

/// The connections of a cluster and the requests on them: one request of a connection is served at a time, as
/// in a broker, and its answer goes out with whatever fault it met. Also runs what brokers do from time to
/// time. Owned by the Cluster.
class Connections final : public Answers {
 public:
  explicit Connections(ClusterOptions options) : core(std::move(options), *this) {}

  /// Takes note of the time, before anything else.
  void enter(Now now);
  /// Begins the periodic checks anew, by the intervals that hold.
  void restart_checks();
  void connect(ConnectionId id, std::int32_t broker);
  void disconnect(ConnectionId id);
  void receive(ConnectionId id, Slice frame);
  void close_broker(std::int32_t broker);
  [[nodiscard]] std::size_t unanswered(ConnectionId id) const;

  void answer(const Call& call, protocol::GatherBuffer frame, std::shared_ptr<const void> keep) override;
  void finish(const Call& call) override;
  void close(ConnectionId id) override;

  Core core;
  std::vector<Output> outputs;

 private:
  struct Connection {
    std::int32_t broker = 0;
    std::uint64_t serial = 0;
    bool is_busy = false;
    /// Whether pump() is at work, so that an answer does not begin it a second time.
    bool is_pumped = false;
    std::deque<Slice> waiting;
  };

  [[nodiscard]] Connection* connection_of(const Call& call);
  void pump(ConnectionId id);
  void serve(ConnectionId id, Connection& connection, const Slice& frame);
  void answer_unsupported(const Call& call);
  void send(const Call& call, protocol::GatherBuffer frame, std::shared_ptr<const void> keep);
  void send_damaged(const Call& call, const protocol::GatherBuffer& frame);
  void run_check(std::size_t number);

  std::map<ConnectionId, Connection> connections_;
  std::vector<Timers::Id> checks_;
  bool has_started_ = false;
};

}  // namespace longhaul::sandbox
