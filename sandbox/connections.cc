#include "sandbox/connections.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "protocol/messages/all.h"
#include "sandbox/dispatch.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::ApiKey;
using protocol::GatherBuffer;
using protocol::KafkaErrc;

namespace {

/// What brokers look after, and how often.
struct Check {
  milliseconds ClusterOptions::* interval;
  void (*run)(Core&);
};

constexpr std::array kChecks = {
    Check{&ClusterOptions::retention_check_interval, [](Core& core) { core.enforce_retention(); }},
    Check{&ClusterOptions::producer_id_check_interval, [](Core& core) { core.expire_producers(); }},
    Check{&ClusterOptions::transaction_check_interval, abort_overdue_transactions},
    Check{&ClusterOptions::transactional_id_check_interval, expire_transactional_ids},
};

}  // namespace

void Connections::enter(Now now) {
  core.now = now;
  if (has_started_) return;
  has_started_ = true;
  restart_checks();
}

void Connections::restart_checks() {
  checks_.resize(kChecks.size());
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    core.timers.cancel(checks_[i]);
    run_check(i);
  }
}

void Connections::run_check(std::size_t number) {
  const auto& check = kChecks[number];
  check.run(core);
  checks_[number] =
      core.timers.at(core.now.steady + core.options.*check.interval, [this, number] { run_check(number); });
}

void Connections::connect(ConnectionId id, std::int32_t broker) {
  LH_CHECK(core.topics.is_broker(broker));
  LH_CHECK(!connections_.contains(id));
  if (!core.topics.is_up(broker)) {
    outputs.push_back({.connection = id, .kind = Output::Kind::close, .frame = {}, .keep = {}});
    return;
  }
  connections_[id].broker = broker;
  core.sessions[id] = {};
}

void Connections::disconnect(ConnectionId id) {
  connections_.erase(id);
  core.sessions.erase(id);
  core.fetch_waits.drop(core.timers, id);
}

void Connections::close(ConnectionId id) {
  if (!connections_.contains(id)) return;
  disconnect(id);
  outputs.push_back({.connection = id, .kind = Output::Kind::close, .frame = {}, .keep = {}});
}

void Connections::close_broker(std::int32_t broker) {
  std::vector<ConnectionId> closed;
  for (const auto& [id, connection] : connections_) {
    if (connection.broker == broker) closed.push_back(id);
  }
  for (const auto id : closed) close(id);
}

std::size_t Connections::unanswered(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return 0;
  return found->second.waiting.size() + (found->second.is_busy ? 1 : 0);
}

void Connections::receive(ConnectionId id, Slice frame) {
  const auto found = connections_.find(id);
  // The connection may have been closed while the owner was still reading from it.
  if (found == connections_.end()) return;
  found->second.waiting.push_back(std::move(frame));
  pump(id);
}

void Connections::pump(ConnectionId id) {
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

void Connections::serve(ConnectionId id, Connection& connection, const Slice& frame) {
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

void Connections::answer_unsupported(const Call& call) {
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

Connections::Connection* Connections::connection_of(const Call& call) {
  const auto found = connections_.find(call.connection);
  if (found == connections_.end() || found->second.serial != call.serial) return nullptr;
  return &found->second;
}

void Connections::answer(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep) {
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

void Connections::send_damaged(const Call& call, const GatherBuffer& frame) {
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

void Connections::send(const Call& call, GatherBuffer frame, std::shared_ptr<const void> keep) {
  auto* connection = connection_of(call);
  if (connection == nullptr) return;
  outputs.push_back({.connection = call.connection,
                     .kind = Output::Kind::send,
                     .frame = std::move(frame),
                     .keep = std::move(keep)});
  connection->is_busy = false;
  pump(call.connection);
}

void Connections::finish(const Call& call) {
  auto* connection = connection_of(call);
  if (connection == nullptr) return;
  if (call.fault && call.fault->action == FaultAction::disconnect) return close(call.connection);
  connection->is_busy = false;
  pump(call.connection);
}

}  // namespace longhaul::sandbox
