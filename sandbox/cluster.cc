#include "sandbox/cluster.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "protocol/messages/all.h"
#include "sandbox/compaction.h"
#include "sandbox/connections.h"
#include "sandbox/control.h"
#include "sandbox/create_topic.h"
#include "sandbox/transactions.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

namespace {

/// Options that may change while the cluster is at work, by their names in Kafka.
struct NamedTime {
  std::string_view name;
  milliseconds ClusterOptions::* time;
};

constexpr std::array kTimes = {
    NamedTime{"producer.id.expiration.ms", &ClusterOptions::producer_id_expiration},
    NamedTime{"producer.id.expiration.check.interval.ms", &ClusterOptions::producer_id_check_interval},
    NamedTime{"transactional.id.expiration.ms", &ClusterOptions::transactional_id_expiration},
    NamedTime{"transaction.remove.expired.transaction.cleanup.interval.ms",
              &ClusterOptions::transactional_id_check_interval},
    NamedTime{"transaction.max.timeout.ms", &ClusterOptions::transaction_max_timeout},
    NamedTime{"transaction.abort.timed.out.transaction.cleanup.interval.ms",
              &ClusterOptions::transaction_check_interval},
    NamedTime{"transaction.marker.delay.ms", &ClusterOptions::transaction_marker_delay},
};

Result<Partition*> find_partition(Core& core, const std::string& topic, PartitionIndex partition) {
  auto* found = core.topics.find(topic, partition.value());
  if (found != nullptr) return found;
  return fail(KafkaErrc::unknown_topic_or_partition, "{}-{}", topic, partition.value());
}

}  // namespace

Cluster::Cluster(ClusterOptions options) : impl_(std::make_unique<Connections>(std::move(options))) {}
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
  LH_TRY(auto* found, find_partition(core, topic, partition));
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

Result<void> Cluster::delete_records(const std::string& topic, PartitionIndex partition, std::int64_t before,
                                     Now now) {
  impl_->enter(now);
  LH_TRY(auto* found, find_partition(impl_->core, topic, partition));
  if (before < 0 || before > found->log.end_offset()) {
    return fail(KafkaErrc::offset_out_of_range, "{}-{} ends at {}", topic, partition.value(),
                found->log.end_offset());
  }
  found->log.delete_before(before);
  impl_->core.changed(*found);
  return {};
}

Result<void> Cluster::set_in_sync(const std::string& topic, PartitionIndex partition,
                                  const std::vector<BrokerId>& brokers, Now now) {
  impl_->enter(now);
  LH_TRY(auto* found, find_partition(impl_->core, topic, partition));
  std::vector<std::int32_t> in_sync;
  for (const auto broker : brokers) in_sync.push_back(broker.value());
  const auto is_replica = [&](std::int32_t broker) {
    return std::ranges::find(found->replicas, broker) != found->replicas.end();
  };
  const bool has_leader = std::ranges::find(in_sync, found->leader) != in_sync.end();
  if (!has_leader || !std::ranges::all_of(in_sync, is_replica)) {
    return fail(KafkaErrc::invalid_request, "the leader, broker {}, and other replicas are wanted",
                found->leader);
  }
  found->isr = std::move(in_sync);
  impl_->core.changed(*found);
  return {};
}

Result<std::int64_t> Cluster::elect_unclean(const std::string& topic, PartitionIndex partition,
                                            std::int64_t end_offset, std::optional<BrokerId> broker,
                                            Now now) {
  impl_->enter(now);
  auto& core = impl_->core;
  LH_TRY(auto* found, find_partition(core, topic, partition));
  auto leader = broker ? broker->value() : found->leader;
  if (leader < 0) {
    const auto live = std::ranges::find_if(found->replicas, [&](auto id) { return core.topics.is_up(id); });
    if (live != found->replicas.end()) leader = *live;
  }
  LH_TRY_VOID(core.topics.move_leader(*found, leader, end_offset));
  core.changed(*found);
  return found->log.end_offset();
}

Result<std::size_t> Cluster::compact(const std::string& topic, PartitionIndex partition, Now now) {
  impl_->enter(now);
  auto& core = impl_->core;
  LH_TRY(auto* found, find_partition(core, topic, partition));
  const auto& config = core.topics.find(topic)->config;
  if (!config.is_compacted()) {
    return fail(KafkaErrc::policy_violation, "the cleanup.policy of {} is not compact", topic);
  }
  const auto removed = sandbox::compact(
      *found, {.delete_retention_ms = config.number("delete.retention.ms"), .now_ms = now.wall_ms});
  core.changed(*found);
  return removed;
}

void Cluster::move_coordinators(milliseconds loading, Now now) {
  impl_->enter(now);
  impl_->core.move_coordinators(loading);
}

Result<void> Cluster::set_option(std::string_view name, std::string_view value, Now now) {
  impl_->enter(now);
  auto& options = impl_->core.options;
  if (name == "transactions") {
    if (value != "allowed" && value != "refused") {
      return fail(KafkaErrc::invalid_request, "{}={}: allowed or refused is wanted", name, value);
    }
    options.authorize_transactions = value == "allowed";
    return {};
  }
  const auto found = std::ranges::find(kTimes, name, &NamedTime::name);
  if (found == kTimes.end()) return fail(KafkaErrc::invalid_request, "{}: no such option", name);
  std::int64_t time_ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), time_ms);
  const bool is_delay = found->time == &ClusterOptions::transaction_marker_delay;
  if (error != std::errc{} || end != value.data() + value.size() || time_ms < (is_delay ? 0 : 1)) {
    return fail(KafkaErrc::invalid_request, "{}={}: milliseconds are wanted", name, value);
  }
  options.*found->time = milliseconds(time_ms);
  impl_->restart_checks();
  return {};
}

std::optional<Cluster::TransactionView> Cluster::transaction(const std::string& id) const {
  const auto found = impl_->core.transactions.find(id);
  if (found == impl_->core.transactions.end()) return std::nullopt;
  const auto& transaction = found->second;
  return TransactionView{.producer_id = transaction.producer_id,
                         .producer_epoch = transaction.epoch,
                         .state = name_of(transaction.state),
                         .partitions = transaction.partitions.size()};
}

std::vector<std::string> Cluster::transactional_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, transaction] : impl_->core.transactions) ids.push_back(id);
  return ids;
}

bool Cluster::has_open_transactions() const {
  return std::ranges::any_of(impl_->core.topics.all(), [](const auto& entry) {
    return std::ranges::any_of(entry.second->partitions, [](const auto& partition) {
      return partition->producers.first_open_offset().has_value();
    });
  });
}

std::int64_t Cluster::lost_markers() const {
  return impl_->core.lost_markers;
}

const std::set<std::pair<std::int64_t, std::int16_t>>& Cluster::aborted_by_mistake() const {
  return impl_->core.aborted_by_mistake;
}

const std::set<std::pair<std::int64_t, std::int16_t>>& Cluster::aborted_by_successor() const {
  return impl_->core.aborted_by_successor;
}

Result<void> Cluster::use_up_epochs(const std::string& transactional_id) {
  const auto found = impl_->core.transactions.find(transactional_id);
  if (found == impl_->core.transactions.end()) {
    return fail(KafkaErrc::transactional_id_not_found, "{}", transactional_id);
  }
  auto& transaction = found->second;
  if (transaction.state == TransactionState::ongoing || transaction.is_ending()) {
    return fail(KafkaErrc::concurrent_transactions, "{} has a transaction open", transactional_id);
  }
  transaction.epoch = Transaction::kLastEpoch;
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
                        .last_stable_offset = found->last_stable_offset(),
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
