#include "sandbox/topics.h"

#include <algorithm>

#include "base/check.h"
#include "protocol/error_code.h"

namespace longhaul::sandbox {

using protocol::KafkaErrc;

std::optional<std::string> topic_name_fault(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 249;
  if (name.empty()) return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..") return fmt::format("Topic name is invalid: '{}' is not allowed", name);
  if (name.size() > kNameBytesMax) {
    return fmt::format("Topic name is invalid: the length of '{}' is longer than the max allowed length {}",
                       name, kNameBytesMax);
  }
  const bool is_legal = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!is_legal) {
    return fmt::format(
        "Topic name is invalid: '{}' contains one or more characters other than ASCII "
        "alphanumerics, '.', '_' and '-'",
        name);
  }
  return std::nullopt;
}

bool has_too_few_replicas(const Topic& topic, const Partition& partition) {
  const auto wanted =
      std::min(static_cast<std::size_t>(topic.config.min_insync_replicas()), partition.replicas.size());
  return partition.isr.size() < wanted;
}

bool is_internal_topic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state";
}

Topic* Topics::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

Topic* Topics::find(const TopicId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

Partition* Topics::find(std::string_view name, std::int32_t index) const {
  const auto* topic = find(name);
  return topic == nullptr ? nullptr : topic->partition(index);
}

Topic& Topics::create(const std::string& name, TopicConfig config, std::span<const Replicas> assignments,
                      std::mt19937_64& random) {
  auto topic = std::make_unique<Topic>();
  topic->name = name;
  topic->config = std::move(config);
  // Zero, and a first byte that prints as '-', are no topic ids to Kafka's tools.
  do {
    for (auto& byte : topic->id.bytes) byte = static_cast<std::uint8_t>(random());
  } while (topic->id.is_zero() || topic->id.to_string().starts_with('-'));
  auto& created = *topic;
  by_id_[created.id] = &created;
  const auto [place, is_new] = topics_.emplace(name, std::move(topic));
  LH_CHECK(is_new);
  add_partitions(created, assignments);
  return created;
}

void Topics::add_partitions(Topic& topic, std::span<const Replicas> assignments) {
  for (const auto& replicas : assignments) {
    auto partition = std::make_unique<Partition>(segment_bytes_max_);
    partition->index = static_cast<std::int32_t>(topic.partitions.size());
    partition->replicas = replicas;
    for (const auto broker : replicas) {
      if (is_up(broker)) partition->isr.push_back(broker);
    }
    if (!partition->isr.empty()) {
      partition->leader = partition->isr.front();
      partition->log.begin_epoch(0);
    } else {
      partition->isr = replicas;
    }
    topic.partitions.push_back(std::move(partition));
  }
}

std::unique_ptr<Topic> Topics::remove(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return nullptr;
  auto topic = std::move(found->second);
  topics_.erase(found);
  by_id_.erase(topic->id);
  return topic;
}

std::vector<Topics::Replicas> Topics::place(std::int32_t partitions, std::int16_t replication_factor,
                                            std::mt19937_64& random) const {
  const auto live = live_brokers();
  std::vector<Replicas> assignments;
  if (live.empty()) return assignments;
  const auto start = static_cast<std::size_t>(random() % live.size());
  for (std::int32_t i = 0; i < partitions; ++i) {
    Replicas replicas;
    for (std::size_t j = 0; j < live.size(); ++j) {
      replicas.push_back(live[(start + static_cast<std::size_t>(i) + j) % live.size()]);
    }
    for (std::int32_t id = 1; id <= brokers(); ++id) {
      if (!is_up(id)) replicas.push_back(id);
    }
    replicas.resize(static_cast<std::size_t>(replication_factor));
    assignments.push_back(std::move(replicas));
  }
  return assignments;
}

std::vector<std::int32_t> Topics::live_brokers() const {
  std::vector<std::int32_t> live;
  for (std::int32_t id = 1; id <= brokers(); ++id) {
    if (is_up(id)) live.push_back(id);
  }
  return live;
}

std::int32_t Topics::controller() const {
  const auto live = live_brokers();
  return live.empty() ? -1 : live.front();
}

void Topics::lead(Partition& partition, std::int32_t broker) {
  partition.leader = broker;
  ++partition.leader_epoch;
  if (broker >= 0) partition.log.begin_epoch(partition.leader_epoch);
}

std::vector<Partition*> Topics::set_up(std::int32_t broker, bool up) {
  std::vector<Partition*> changed;
  if (!is_broker(broker) || is_up(broker) == up) return changed;
  up_[static_cast<std::size_t>(broker - 1)] = up;
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic->partitions) {
      if (std::ranges::find(partition->replicas, broker) == partition->replicas.end()) continue;
      changed.push_back(partition.get());
      auto& isr = partition->isr;
      const auto place = std::ranges::find(isr, broker);
      if (up) {
        if (place == isr.end()) isr.push_back(broker);
        if (partition->leader < 0 && place != isr.end()) lead(*partition, broker);
        continue;
      }
      // The last replica stays in sync, for it is the only one that may lead again.
      if (place != isr.end() && isr.size() > 1) isr.erase(place);
      if (partition->leader != broker) continue;
      const bool has_other = isr.front() != broker;
      lead(*partition, has_other ? isr.front() : -1);
    }
  }
  return changed;
}

Result<void> Topics::move_leader(Partition& partition, std::int32_t broker,
                                 std::optional<std::int64_t> end_offset) {
  if (!is_broker(broker)) return fail(KafkaErrc::broker_not_available, "there is no broker {}", broker);
  if (!is_up(broker)) return fail(KafkaErrc::broker_not_available, "broker {} is down", broker);
  if (std::ranges::find(partition.replicas, broker) == partition.replicas.end()) {
    // A reassignment: the new replica takes the place of the old leader.
    const auto place = std::ranges::find(partition.replicas, partition.leader);
    const auto old = place == partition.replicas.end() ? partition.replicas.front() : *place;
    std::ranges::replace(partition.replicas, old, broker);
    std::ranges::replace(partition.isr, old, broker);
  }
  if (std::ranges::find(partition.isr, broker) == partition.isr.end()) partition.isr.push_back(broker);
  if (end_offset) partition.truncate(*end_offset);
  lead(partition, broker);
  return {};
}

std::size_t Topics::bytes() const {
  std::size_t sum = 0;
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic->partitions) sum += partition->log.bytes();
  }
  return sum;
}

}  // namespace longhaul::sandbox
