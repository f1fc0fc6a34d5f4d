#include "sandbox/core.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

KafkaErrc Call::injected_error(FaultMoment moment, std::string_view topic, std::int32_t partition) const {
  if (!fault || fault->action != FaultAction::error || fault->moment != moment) return KafkaErrc::none;
  if (!topic.empty() && fault->topic && *fault->topic != topic) return KafkaErrc::none;
  if (partition >= 0 && fault->partition && *fault->partition != partition) return KafkaErrc::none;
  return fault->error_code;
}

Core::Core(ClusterOptions cluster_options, Answers& cluster_answers)
    : options(std::move(cluster_options)),
      answers(cluster_answers),
      random(options.seed),
      topics(options.brokers, std::min(PartitionLog::kSegmentBytesMax, options.memory_max / 64)),
      faults(options.seed + 1),
      fetch_sessions_(static_cast<std::size_t>(options.brokers)) {
  LH_CHECK(options.brokers > 0);
  options.endpoints.resize(static_cast<std::size_t>(options.brokers));
  if (options.cluster_id.empty()) options.cluster_id = random_id().to_string();
}

bool Core::may_serve(const Call& call) const {
  using enum protocol::ApiKey;
  if (!options.authentication) return true;
  if (call.api == sasl_handshake || call.api == sasl_authenticate) return true;
  const auto found = sessions.find(call.connection);
  if (found == sessions.end()) return false;
  const auto& session = found->second;
  // Before the handshake a client may ask for versions, and for nothing else.
  if (!session.is_authenticated) return call.api == api_versions && session.mechanism.empty();
  return now.steady < session.expires;
}

void Core::changed(Partition& partition) {
  fetch_waits.wake(timers, partition);
}

void Core::changed(const std::vector<Partition*>& partitions) {
  for (auto* partition : partitions) changed(*partition);
}

void Core::appended(std::size_t bytes) {
  // Adding up all logs at each append would make many partitions slow, so a small excess is allowed.
  constexpr std::size_t kUncheckedMax = std::size_t{1} << 20;
  appended_unchecked_ += bytes;
  if (appended_unchecked_ < std::min(kUncheckedMax, options.memory_max / 8)) return;
  appended_unchecked_ = 0;
  enforce_memory();
}

void Core::enforce_memory() {
  auto bytes = topics.bytes();
  while (bytes > options.memory_max) {
    // The largest log gives way, and one that is written to keeps its last segment as long as any can.
    Partition* largest = nullptr;
    const auto yields = [](const Partition& partition) {
      return std::pair(partition.log.segments() > 1, partition.log.bytes());
    };
    for (const auto& [name, topic] : topics.all()) {
      for (const auto& partition : topic->partitions) {
        if (largest == nullptr || yields(*partition) > yields(*largest)) largest = partition.get();
      }
    }
    LH_CHECK(largest != nullptr);
    const auto before = largest->log.bytes();
    largest->log.drop_oldest_segment();
    bytes -= before - largest->log.bytes();
  }
}

void Core::enforce_retention() {
  for (const auto& [name, topic] : topics.all()) {
    if (!topic->config.is_deleted()) continue;
    const auto retention_ms = topic->config.number("retention.ms");
    const auto retention_bytes = topic->config.number("retention.bytes");
    const auto oldest =
        retention_ms < 0 ? std::numeric_limits<std::int64_t>::min() : now.wall_ms - retention_ms;
    std::optional<std::size_t> bytes_max;
    if (retention_bytes >= 0) bytes_max = static_cast<std::size_t>(retention_bytes);
    for (const auto& partition : topic->partitions) {
      if (!partition->log.enforce_retention(oldest, bytes_max)) continue;
      changed(*partition);
    }
  }
}

void Core::expire_producers() {
  for (const auto& [name, topic] : topics.all()) {
    for (const auto& partition : topic->partitions) {
      partition->producers.expire(now.wall_ms - options.producer_id_expiration.count());
    }
  }
}

void Core::remove_topic(std::string_view name) {
  const auto topic = topics.remove(name);
  if (!topic) return;
  for (const auto& partition : topic->partitions) fetch_waits.release(timers, *partition);
}

void Core::forget_broker_sessions(std::int32_t broker) {
  fetch_sessions(broker) = FetchSessions();
}

std::int32_t Core::coordinator(std::string_view key) const {
  const auto live = topics.live_brokers();
  if (live.empty()) return -1;
  std::uint32_t hash = 0;
  for (const auto c : key) hash = hash * 31 + static_cast<unsigned char>(c);
  // The same broker whenever it is up, so that only its own keys move when one goes down.
  hash += static_cast<std::uint32_t>(coordinator_epoch);
  const auto first = static_cast<std::int32_t>(hash % static_cast<std::uint32_t>(options.brokers)) + 1;
  return topics.is_up(first) ? first : live[hash % live.size()];
}

KafkaErrc Core::coordinator_error(const Call& call, std::string_view key) const {
  if (coordinator(key) != call.broker) return KafkaErrc::not_coordinator;
  return are_coordinators_loading() ? KafkaErrc::coordinator_load_in_progress : KafkaErrc::none;
}

void Core::move_coordinators(milliseconds loading) {
  ++coordinator_epoch;
  coordinators_load_until = now.steady + loading;
}

TopicId Core::random_id() {
  TopicId id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random());
  return id;
}

KafkaErrc epoch_error(const Partition& partition, std::int32_t current_leader_epoch) {
  if (current_leader_epoch < 0 || current_leader_epoch == partition.leader_epoch) return KafkaErrc::none;
  return current_leader_epoch < partition.leader_epoch ? KafkaErrc::fenced_leader_epoch
                                                       : KafkaErrc::unknown_leader_epoch;
}

KafkaErrc leader_error(const Call& call, const Partition* partition, std::int32_t current_leader_epoch) {
  if (partition == nullptr) return KafkaErrc::unknown_topic_or_partition;
  const bool is_replica = std::ranges::find(partition->replicas, call.broker) != partition->replicas.end();
  if (!is_replica) return KafkaErrc::not_leader_or_follower;
  if (const auto error = epoch_error(*partition, current_leader_epoch); error != KafkaErrc::none) {
    return error;
  }
  return partition->leader == call.broker ? KafkaErrc::none : KafkaErrc::not_leader_or_follower;
}

}  // namespace longhaul::sandbox
