#include "sandbox/cluster.h"

#include <deque>
#include <map>
#include <utility>

#include "base/check.h"
#include "protocol/messages/all.h"
#include "sandbox/control.h"
#include "sandbox/core.h"
#include "sandbox/create_topic.h"
#include "sandbox/dispatch.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::ApiKey;
using protocol::GatherBuffer;
using protocol::KafkaErrc;

class Cluster::Impl final : public Answers {
 public:
  explicit Impl(ClusterOptions options) : core(std::move(options), *this) {}

  void enter(Now now);
  void connect(ConnectionId id, std::int32_t broker);
  void disconnect(ConnectionId id);
  void receive(ConnectionId id, Slice frame);
  void close_broker(std::int32_t broker);
  [[nodiscard]] std::size_t unanswered(ConnectionId id) const;

  void answer(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep) override;
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
  void send(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep);
  void send_damaged(const Call& call, const GatherBuffer& frame);
  /// Does something at once, and then again and again.
  void repeat(milliseconds interval, void (*check)(Core&));

  std::map<ConnectionId, Connection> connections_;
  bool has_started_ = false;
};

void Cluster::Impl::enter(Now now) {
  core.now = now;
  if (has_started_) return;
  has_started_ = true;
  const auto& options = core.options;
  repeat(options.retention_check_interval, [](Core& it) { it.enforce_retention(); });
  repeat(options.producer_id_check_interval, [](Core& it) { it.expire_producers(); });
  repeat(options.transaction_check_interval, abort_overdue_transactions);
  repeat(options.transactional_id_check_interval, expire_transactional_ids);
}

void Cluster::Impl::repeat(milliseconds interval, void (*check)(Core&)) {
  check(core);
  core.timers.at(core.now.steady + interval, [this, interval, check] { repeat(interval, check); });
}

void Cluster::Impl::connect(ConnectionId id, std::int32_t broker) {
  LH_CHECK(core.topics.is_broker(broker));
  LH_CHECK(!connections_.contains(id));
  if (!core.topics.is_up(broker)) {
    outputs.push_back({.connection = id, .kind = Output::Kind::close, .frame = {}, .keep = {}});
    return;
  }
  connections_[id].broker = broker;
  core.sessions[id] = {};
}

void Cluster::Impl::disconnect(ConnectionId id) {
  connections_.erase(id);
  core.sessions.erase(id);
  core.fetch_waits.drop(core.timers, id);
}

void Cluster::Impl::close(ConnectionId id) {
  if (!connections_.contains(id)) return;
  disconnect(id);
  outputs.push_back({.connection = id, .kind = Output::Kind::close, .frame = {}, .keep = {}});
}

void Cluster::Impl::close_broker(std::int32_t broker) {
  std::vector<ConnectionId> closed;
  for (const auto& [id, connection] : connections_) {
    if (connection.broker == broker) closed.push_back(id);
  }
  for (const auto id : closed) close(id);
}

std::size_t Cluster::Impl::unanswered(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return 0;
  return found->second.waiting.size() + (found->second.is_busy ? 1 : 0);
}

void Cluster::Impl::receive(ConnectionId id, Slice frame) {
  const auto found = connections_.find(id);
  // The connection may have been closed while the owner was still reading from it.
  if (found == connections_.end()) return;
  found->second.waiting.push_back(std::move(frame));
  pump(id);
}

void Cluster::Impl::pump(ConnectionId id) {
  while (true) {
    // Looked up each time: serving a request may close the connection.
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    if (connection.is_busy || connection.is_pumped || connection.waiting.empty()) return;
    const auto frame = std::move(connection.waiting.front());
    connection.waiting.pop_front();
    connection.is_pumped = true;
    serve(id, connection, frame);
    if (const auto still = connections_.find(id); still != connections_.end())
      still->second.is_pumped = false;
  }
}

void Cluster::Impl::serve(ConnectionId id, Connection& connection, const Slice& frame) {
  const auto parts = protocol::split_request(frame.bytes());
  if (!parts) return close(id);
  connection.is_busy = true;
  Call call{.connection = id,
            .serial = ++connection.serial,
            .broker = connection.broker,
            .api = parts->api_key,
            .version = parts->api_version,
            .correlation_id = parts->correlation_id,
            .client_id = parts->client_id.value_or(""),
            .fault = {}};
  if (!core.may_serve(call)) return close(id);
  // Version 4 of ApiVersions has the layout of 3; it only lets a feature's lowest version be 0.
  if (call.api == ApiKey::api_versions && call.version == kApiVersionsNewest) --call.version;
  if (!is_served(call.api, call.version)) {
    // Every client begins with ApiVersions, so only there is an unknown version answered (KIP-511).
    return call.api == ApiKey::api_versions ? answer_unsupported(call) : close(id);
  }
  if (!dispatch(core, call, parts->body)) close(id);
}

void Cluster::Impl::answer_unsupported(const Call& call) {
  protocol::ApiVersionsResponse response;
  response.error_code = KafkaErrc::unsupported_version;
  for (const auto& api : served_apis()) {
    if (api.key != ApiKey::api_versions) continue;
    response.api_keys.push_back({.api_key = static_cast<std::int16_t>(api.key),
                                 .min_version = api.version_min,
                                 .max_version = api.version_max});
  }
  // The oldest layout is the one that any client reads.
  auto oldest = call;
  oldest.version = 0;
  core.answer(oldest, response);
}

Cluster::Impl::Connection* Cluster::Impl::connection_of(const Call& call) {
  const auto found = connections_.find(call.connection);
  if (found == connections_.end() || found->second.serial != call.serial) return nullptr;
  return &found->second;
}

void Cluster::Impl::answer(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep) {
  if (connection_of(call) == nullptr) return;
  if (!call.fault) return send(call, std::move(frame), std::move(keep));
  switch (call.fault->action) {
    case FaultAction::disconnect:
      return close(call.connection);
    case FaultAction::stall:
      return;
    case FaultAction::truncate:
    case FaultAction::garbage:
      return send_damaged(call, frame);
    case FaultAction::delay: {
      // Shared, because a std::function has to be copyable.
      auto late = std::make_shared<std::pair<GatherBuffer, std::shared_ptr<const void>>>(std::move(frame),
                                                                                         std::move(keep));
      core.timers.at(core.now.steady + call.fault->delay,
                     [this, call, late] { send(call, std::move(late->first), std::move(late->second)); });
      return;
    }
    case FaultAction::error:
      return send(call, std::move(frame), std::move(keep));
  }
}

void Cluster::Impl::send_damaged(const Call& call, const GatherBuffer& frame) {
  auto bytes = frame.flattened();
  const bool is_cut = call.fault->action == FaultAction::truncate;
  if (is_cut) {
    bytes.resize(bytes.size() / 2);
  } else {
    constexpr std::size_t kSizeBytes = 4;
    for (std::size_t i = kSizeBytes; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(core.faults.random());
    }
  }
  GatherBuffer damaged;
  damaged.append(bytes);
  send(call, std::move(damaged), {});
  if (is_cut) close(call.connection);
}

void Cluster::Impl::send(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep) {
  auto* connection = connection_of(call);
  if (connection == nullptr) return;
  outputs.push_back({.connection = call.connection,
                     .kind = Output::Kind::send,
                     .frame = std::move(frame),
                     .keep = std::move(keep)});
  connection->is_busy = false;
  pump(call.connection);
}

void Cluster::Impl::finish(const Call& call) {
  auto* connection = connection_of(call);
  if (connection == nullptr) return;
  if (call.fault && call.fault->action == FaultAction::disconnect) return close(call.connection);
  connection->is_busy = false;
  pump(call.connection);
}

Cluster::Cluster(ClusterOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Cluster::~Cluster() = default;

void Cluster::connected(ConnectionId connection, BrokerId broker, Now now) {
  impl_->enter(now);
  impl_->connect(connection, broker.value());
}

void Cluster::disconnected(ConnectionId connection, Now now) {
  impl_->enter(now);
  impl_->disconnect(connection);
}

void Cluster::received(ConnectionId connection, Slice frame, Now now) {
  impl_->enter(now);
  impl_->receive(connection, std::move(frame));
}

std::optional<SteadyTime> Cluster::next_timer() const {
  return impl_->core.timers.next();
}

void Cluster::on_timer(Now now) {
  impl_->enter(now);
  impl_->core.timers.run(now.steady);
}

std::vector<Output> Cluster::take_outputs() {
  return std::exchange(impl_->outputs, {});
}

std::size_t Cluster::unanswered(ConnectionId connection) const {
  return impl_->unanswered(connection);
}

const ClusterOptions& Cluster::options() const {
  return impl_->core.options;
}

void Cluster::set_endpoint(BrokerId broker, Endpoint endpoint) {
  LH_CHECK(impl_->core.topics.is_broker(broker.value()));
  impl_->core.options.endpoints[static_cast<std::size_t>(broker.value() - 1)] = std::move(endpoint);
}

Faults& Cluster::faults() {
  return impl_->core.faults;
}

Result<void> Cluster::create_topic(const std::string& name, std::int32_t partitions,
                                   std::int16_t replication_factor, const TopicConfig::Values& configs) {
  protocol::CreatableTopic request;
  request.name = name;
  request.num_partitions = partitions;
  request.replication_factor = replication_factor;
  for (const auto& [key, value] : configs) request.configs.push_back({.name = key, .value = value});
  auto result = sandbox::create_topic(impl_->core, request, false);
  if (result.error_code == KafkaErrc::none) return {};
  return fail(Error{kafka_error(result.error_code), result.error_message.value_or("")});
}

Result<void> Cluster::delete_topic(std::string_view name, Now now) {
  impl_->enter(now);
  if (impl_->core.topics.find(name) == nullptr) {
    return fail(KafkaErrc::unknown_topic_or_partition, "{}", name);
  }
  impl_->core.remove_topic(name);
  return {};
}

Result<void> Cluster::move_leader(const std::string& topic, PartitionIndex partition, BrokerId broker,
                                  Now now) {
  impl_->enter(now);
  auto& core = impl_->core;
  auto* found = core.topics.find(topic, partition.value());
  if (found == nullptr) {
    return fail(KafkaErrc::unknown_topic_or_partition, "{}-{}", topic, partition.value());
  }
  LH_TRY_VOID(core.topics.move_leader(*found, broker.value()));
  core.changed(*found);
  return {};
}

Result<void> Cluster::set_broker_up(BrokerId broker, bool up, Now now) {
  impl_->enter(now);
  auto& core = impl_->core;
  if (!core.topics.is_broker(broker.value())) {
    return fail(KafkaErrc::broker_not_available, "there is no broker {}", broker.value());
  }
  if (!up) {
    impl_->close_broker(broker.value());
    core.forget_broker_sessions(broker.value());
  }
  core.changed(core.topics.set_up(broker.value(), up));
  return {};
}

bool Cluster::is_up(BrokerId broker) const {
  return impl_->core.topics.is_up(broker.value());
}

std::optional<Cluster::PartitionState> Cluster::partition(const std::string& topic,
                                                          PartitionIndex partition) const {
  const auto* found = impl_->core.topics.find(topic, partition.value());
  if (found == nullptr) return std::nullopt;
  return PartitionState{.start_offset = found->log.start_offset(),
                        .end_offset = found->log.end_offset(),
                        .leader = found->leader,
                        .leader_epoch = found->leader_epoch,
                        .bytes = found->log.bytes()};
}

std::vector<std::string> Cluster::topics() const {
  std::vector<std::string> names;
  for (const auto& [name, topic] : impl_->core.topics.all()) names.push_back(name);
  return names;
}

Result<std::string> Cluster::control(std::string_view line, Now now) {
  return run_control(*this, line, now);
}

}  // namespace longhaul::sandbox
