#include "client/cluster.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "base/log.h"
#include "client/error.h"
#include "net/error.h"
#include "protocol/messages/metadata.h"

namespace longhaul::client {
namespace {

/// Bootstrap addresses are brokers without a number: -2, -3, ... (-1 is no broker at all).
BrokerId bootstrap_id(std::size_t index) {
  return BrokerId(-2 - static_cast<std::int32_t>(index));
}

constexpr Lane kControl{Role::control, 0};
/// Passing errors of one call in a row before they are worth a line: some seconds.
constexpr int kQuietRefusals = 8;
/// A coordinator may hold an answer back (JoinGroup), which must not hold up metadata.
constexpr Lane kCoordinator{Role::control, 1};

}  // namespace

Cluster::Cluster(net::Io& io, ClusterOptions options)
    : io_(io),
      options_(std::move(options)),
      outages_(options_.outages ? options_.outages : std::make_shared<OutageBoard>()),
      group_(io.executor),
      pool_(io, group_, options_, *outages_),
      refresh_wanted_event_(io.time),
      refreshed_(io.time) {
  LH_CHECK(!options_.bootstrap.empty());
  group_.spawn([this] { return metadata_loop(); });
}

Cluster::~Cluster() {
  LH_CHECK(group_.size() == 0);
}

net::Task Cluster::stop() {
  group_.cancel();
  pool_.close_all(Error{net::aborted(), {}});
  refreshed_.notify();
  co_await group_.stop();
}

// --- connections ---

std::optional<Endpoint> Cluster::endpoint_of(BrokerId broker) const {
  if (broker.value() <= -2) {
    const auto index = static_cast<std::size_t>(-2 - broker.value());
    if (index < options_.bootstrap.size()) return options_.bootstrap[index];
    return std::nullopt;
  }
  const auto* const info = metadata_.broker(broker);
  if (info == nullptr) return std::nullopt;
  return info->endpoint;
}

net::Async<std::shared_ptr<Connection>> Cluster::connection(BrokerId broker, Lane lane, SteadyTime deadline) {
  auto endpoint = endpoint_of(broker);
  if (!endpoint) co_return fail(ClientErrc::unknown_broker, "{}: broker {}", name(), broker);
  co_return co_await pool_.connection(broker, lane, *std::move(endpoint), deadline);
}

net::Async<std::shared_ptr<Connection>> Cluster::connection(BrokerId broker, Lane lane) {
  return connection(broker, lane, SteadyTime::max());
}

/// Whom to ask, best first: brokers before bootstrap addresses, those that are connected or did not fail
/// lately first, equals in random order so that not every client asks the same one.
std::vector<BrokerId> Cluster::candidates() {
  using Ranked = std::tuple<bool, int, std::uint64_t, BrokerId>;
  std::vector<Ranked> ranked;
  for (const auto& [id, info] : metadata_.brokers()) {
    ranked.emplace_back(false, pool_.reluctance(id, kControl), io_.random(), id);
  }
  for (std::size_t i = 0; i < options_.bootstrap.size(); ++i) {
    const auto id = bootstrap_id(i);
    ranked.emplace_back(true, pool_.reluctance(id, kControl), io_.random(), id);
  }
  std::ranges::sort(ranked);
  std::vector<BrokerId> ids;
  for (const auto& entry : ranked) ids.push_back(std::get<BrokerId>(entry));
  return ids;
}

net::Async<std::shared_ptr<Connection>> Cluster::any_connection(SteadyTime deadline) {
  Error last{net::NetErrc::timed_out, name()};
  std::optional<Error> refusal;
  bool is_final = true;
  const auto ids = candidates();
  for (const auto id : ids) {
    if (group_.stopping()) co_return fail(net::aborted());
    auto opened = co_await connection(id, kControl, deadline);
    if (opened) {
      // Bootstrap addresses have done their duty once a broker that the metadata names can be reached.
      for (std::size_t i = 0; id.value() >= 0 && i < options_.bootstrap.size(); ++i) {
        pool_.close_idle(bootstrap_id(i), kControl);
      }
      co_return opened;
    }
    if (net::is_aborted(opened.error())) co_return opened;
    if (is_refusal(opened.error().code)) {
      refusal = std::move(opened).error();
    } else {
      last = std::move(opened).error();
      is_final = false;
    }
    if (io_.time.now() >= deadline) break;
  }
  if (!refusal) co_return fail(std::move(last));
  // Wrong credentials are wrong at every broker. A certificate is a broker's own: one that is down may have a
  // better one, so that is final only when all refuse.
  const bool of_one_broker = refusal->code.category() == net::net_category();
  co_return fail(is_final || !of_one_broker ? *std::move(refusal) : std::move(last));
}

// --- metadata ---

void Cluster::request_refresh() {
  refresh_wanted_ = true;
  refresh_wanted_event_.notify();
}

net::Async<void> Cluster::refresh_metadata(SteadyTime deadline) {
  return wait_for_refresh(deadline);
}

net::Async<void> Cluster::refresh_topics(std::vector<std::string> topics, SteadyTime deadline) {
  for (auto& topic : topics) followed_topics_.insert(std::move(topic));
  co_return co_await wait_for_refresh(deadline);
}

net::Async<void> Cluster::refresh_all_topics(SteadyTime deadline) {
  all_topics_wanted_ = true;
  co_return co_await wait_for_refresh(deadline);
}

void Cluster::forget_topic(const std::string& topic) {
  followed_topics_.erase(topic);
  metadata_.forget_topic(topic);
}

void Cluster::learn_leader(const TopicPartition& partition, Leader leader) {
  metadata_.update_leader(partition, leader);
}

void Cluster::learn_broker(BrokerId broker, BrokerInfo info) {
  metadata_.update_broker(broker, std::move(info));
}

net::Async<void> Cluster::wait_for_refresh(SteadyTime deadline) {
  const auto number = refreshes_started_ + 1;
  request_refresh();
  while (refreshes_succeeded_ < number) {
    if (group_.stopping()) co_return fail(net::aborted());
    const auto waited = co_await refreshed_.wait_until(deadline);
    // A refusal does not pass by waiting.
    if (waited && refresh_error_ && is_refusal(refresh_error_->code)) co_return fail(*refresh_error_);
    if (waited) continue;
    if (net::is_aborted(waited.error())) co_return waited;
    if (refresh_error_) co_return fail(*refresh_error_);
    co_return fail(waited.error().code, "{}: metadata", name());
  }
  co_return Result<void>{};
}

net::Task Cluster::metadata_loop() {
  auto backoff = retry_backoff();
  while (!group_.stopping()) {
    if (const auto wanted = co_await wait_until_wanted(); !wanted) co_return;
    refresh_wanted_ = false;
    const auto number = ++refreshes_started_;
    const auto outcome = co_await fetch_metadata();
    if (group_.stopping()) co_return;
    report_refresh(outcome);
    if (outcome) {
      refreshes_succeeded_ = number;
      last_success_ = io_.time.now();
      refresh_error_.reset();
      backoff.reset();
    } else {
      refresh_error_ = outcome.error();
      refresh_wanted_ = true;
    }
    refreshed_.notify();
    // Keeps a distance even when nothing fails: a storm of errors asks for one refresh, not for one each.
    const auto pause = backoff.next();
    if (const auto slept = co_await io_.time.sleep_until(io_.time.now() + pause); !slept) co_return;
  }
}

net::Async<void> Cluster::wait_until_wanted() {
  while (!refresh_wanted_) {
    const auto age = refreshes_succeeded_ == 0
                         ? SteadyTime::max()
                         : net::saturating_add(last_success_, options_.metadata_max_age);
    const auto waited = co_await refresh_wanted_event_.wait_until(age);
    if (!waited && waited.error().code == net::NetErrc::timed_out) break;
    if (!waited) co_return waited;
  }
  co_return Result<void>{};
}

net::Async<void> Cluster::fetch_metadata() {
  LH_CO_TRY(const auto connection, co_await any_connection(SteadyTime::max()));
  // What is asked for is decided after the last wait, so that it serves everyone who has asked until here.
  const bool all = std::exchange(all_topics_wanted_, false);
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (!all) {
    request.topics.emplace();
    for (const auto& topic : followed_topics_) request.topics->push_back({.topic_id = {}, .name = topic});
  }
  CallOptions call{.deadline = attempt_deadline(SteadyTime::max())};
  const auto response = co_await connection->call(std::move(request), std::move(call));
  if (!response) {
    all_topics_wanted_ = all_topics_wanted_ || all;
    co_return fail(response.error());
  }
  if (response->body.error_code != protocol::KafkaErrc::none) {
    all_topics_wanted_ = all_topics_wanted_ || all;
    co_return fail(protocol::kafka_error(response->body.error_code), "{}: Metadata", connection->name());
  }
  // A broker of a ZooKeeper cluster that has just started knows nothing yet: neither brokers nor topics.
  if (response->body.brokers.empty()) {
    all_topics_wanted_ = all_topics_wanted_ || all;
    co_return fail(protocol::KafkaErrc::broker_not_available, "{}: it names no brokers", connection->name());
  }
  take_in(response->body, all ? ClusterMetadata::Scope::all_topics : ClusterMetadata::Scope::some_topics);
  co_return Result<void>{};
}

void Cluster::take_in(const protocol::MetadataResponse& response, ClusterMetadata::Scope scope) {
  metadata_.update(response, scope);
  for (const auto& topic : followed_topics_) {
    if (metadata_.topic(topic) == nullptr) metadata_.mark_unknown(topic);
  }
  pool_.retain([this](BrokerId broker) { return endpoint_of(broker); });
}

void Cluster::report_refresh(const Result<void>& outcome) {
  if (outcome) {
    refreshes_failed_ = 0;
    if (outages_->cluster_up(io_.time.now(), name())) {
      log::info(
          fmt::format("{}: connected", name()),
          {{"cluster_id", metadata_.cluster_id().value_or("none")}, {"brokers", metadata_.brokers().size()}});
    }
  } else {
    pool_.note_losses();
    outages_->cluster_down(io_.time.now(), ++refreshes_failed_, outcome.error());
  }
}

// --- routing ---

SteadyTime Cluster::attempt_deadline(SteadyTime deadline) const {
  return std::min(deadline, net::saturating_add(io_.time.now(), options_.request_timeout));
}

Backoff Cluster::retry_backoff() const {
  return {options_.retry_backoff, options_.retry_backoff_max, io_.random};
}

net::Async<void> Cluster::back_off(Backoff& backoff, SteadyTime deadline, Error reason) {
  // Brokers that cannot be reached have lines of their own.
  if (backoff.attempts() >= kQuietRefusals && reason.code.failed() && !is_connection_error(reason.code)) {
    const auto text = reason.message();
    outages_->call_refused(io_.time.now(), text.starts_with(name()) ? text : name() + ": " + text);
  }
  const auto until = io_.time.now() + backoff.next();
  if (until >= deadline) co_return fail(std::move(reason));
  co_return co_await io_.time.sleep_until(until);
}

Result<BrokerId> Cluster::controller_or_error() const {
  if (const auto controller = metadata_.controller()) return *controller;
  return fail(ClientErrc::no_controller, "{}", name());
}

Result<BrokerId> Cluster::leader_or_error(const TopicPartition& partition) const {
  if (const auto known = metadata_.leader(partition)) return known->broker;
  const auto* const topic = metadata_.topic(partition.topic);
  if (topic == nullptr) return fail(ClientErrc::unknown_topic, "{}: topic {}", name(), partition.topic);
  if (topic->error != protocol::KafkaErrc::none) {
    return fail(protocol::kafka_error(topic->error), "{}: topic {}", name(), partition.topic);
  }
  return fail(ClientErrc::no_leader, "{}: {}", name(), partition);
}

net::Async<std::shared_ptr<Connection>> Cluster::route_to(Route route, SteadyTime deadline) {
  if (group_.stopping()) co_return fail(net::aborted());
  Lane lane = kControl;
  Result<BrokerId> broker = route.broker;
  switch (route.target) {
    case Target::any:
      co_return co_await any_connection(deadline);
    case Target::broker:
      break;
    case Target::controller:
      broker = controller_or_error();
      break;
    case Target::leader:
      broker = leader_or_error(route.partition);
      break;
    case Target::coordinator:
      lane = kCoordinator;
      broker = co_await coordinator(route.type, route.key, deadline);
      break;
  }
  if (!broker) co_return std::unexpected(std::move(broker).error());
  co_return co_await connection(*broker, lane, deadline);
}

net::Async<void> Cluster::after_failure(Route route, Error error, Backoff& backoff, SteadyTime deadline) {
  if (group_.stopping()) co_return fail(net::aborted());
  bool refresh = false;
  switch (reaction_to(error)) {
    case Reaction::retry:
      // Whoever cannot be reached may have lost its role.
      if (is_connection_error(error.code)) {
        if (route.target == Target::coordinator) forget_coordinator(route.type, route.key);
        if (route.target == Target::leader || route.target == Target::controller) request_refresh();
      }
      break;
    case Reaction::refresh_metadata:
      refresh = true;
      if (route.target == Target::coordinator) forget_coordinator(route.type, route.key);
      break;
    case Reaction::find_coordinator:
      forget_coordinator(route.type, route.key);
      break;
    default:
      co_return fail(std::move(error));
  }
  // Why nothing is known about the cluster says more than that nothing is known.
  if (refresh && refresh_error_) error = *refresh_error_;
  LH_CO_TRY_VOID(co_await back_off(backoff, deadline, std::move(error)));
  if (!refresh) co_return Result<void>{};
  if (route.target == Target::leader) followed_topics_.insert(route.partition.topic);
  co_return co_await wait_for_refresh(deadline);
}

net::Async<BrokerId> Cluster::coordinator(CoordinatorType type, std::string key, SteadyTime deadline) {
  if (const auto known = coordinators_.find({type, key}); known != coordinators_.end())
    co_return known->second;
  using protocol::FindCoordinatorRequest;
  const auto make = [type, key](const Connection& connection) -> Result<FindCoordinatorRequest> {
    LH_TRY(const auto version, connection.version_of<FindCoordinatorRequest>());
    FindCoordinatorRequest request{.key = {}, .key_type = type, .coordinator_keys = {}};
    if (version >= 4) {
      request.coordinator_keys.push_back(key);
    } else {
      request.key = key;
    }
    return request;
  };
  const auto error_of = [](const protocol::FindCoordinatorResponse& response) {
    return response.coordinators.empty() ? response.error_code : response.coordinators.front().error_code;
  };
  LH_CO_TRY(const auto response,
            co_await call_routed<FindCoordinatorRequest>(Route{}, make, deadline, error_of));
  const auto& body = response.body;
  const auto& found = body.coordinators;
  const BrokerId id(found.empty() ? body.node_id : found.front().node_id);
  if (metadata_.broker(id) == nullptr) {
    const auto port = found.empty() ? body.port : found.front().port;
    const auto& host = found.empty() ? body.host : found.front().host;
    metadata_.update_broker(id, {.endpoint = {host, static_cast<std::uint16_t>(port)}, .rack = std::nullopt});
  }
  coordinators_[{type, key}] = id;
  co_return id;
}

void Cluster::forget_coordinator(CoordinatorType type, const std::string& key) {
  coordinators_.erase({type, key});
}

}  // namespace longhaul::client
