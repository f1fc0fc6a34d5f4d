#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "sandbox/partition.h"
#include "sandbox/topic_config.h"

namespace longhaul::sandbox {

struct Topic {
  std::string name;
  TopicId id;
  std::vector<std::unique_ptr<Partition>> partitions;
  TopicConfig config;

  [[nodiscard]] Partition* partition(std::int32_t index) const {
    if (index < 0 || index >= static_cast<std::int32_t>(partitions.size())) return nullptr;
    return partitions[static_cast<std::size_t>(index)].get();
  }
};

/// Why Kafka would not take `name` for a topic; nothing when it would.
[[nodiscard]] std::optional<std::string> topic_name_fault(std::string_view name);
/// Whether a write that wants all replicas is refused.
[[nodiscard]] bool has_too_few_replicas(const Topic& topic, const Partition& partition);
/// Topics that only brokers write to.
[[nodiscard]] bool is_internal_topic(std::string_view name);

/// The topics of a cluster and who leads their partitions: what Kafka's controller does.
class Topics {
 public:
  using Replicas = std::vector<std::int32_t>;

  Topics(int brokers, std::size_t segment_bytes_max)
      : segment_bytes_max_(segment_bytes_max), up_(static_cast<std::size_t>(brokers), true) {}

  [[nodiscard]] Topic* find(std::string_view name) const;
  [[nodiscard]] Topic* find(const TopicId& id) const;
  [[nodiscard]] Partition* find(std::string_view name, std::int32_t index) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Topic>, std::less<>>& all() const {
    return topics_;
  }

  /// A topic whose partitions have these replicas, the first of each leading. The name is free and valid.
  Topic& create(const std::string& name, TopicConfig config, std::span<const Replicas> assignments,
                std::mt19937_64& random);
  void add_partitions(Topic& topic, std::span<const Replicas> assignments);
  /// The topic, taken out; null when there is none.
  std::unique_ptr<Topic> remove(std::string_view name);

  /// Replicas for `partitions` new partitions, spread over the brokers from a random one on.
  [[nodiscard]] std::vector<Replicas> place(std::int32_t partitions, std::int16_t replication_factor,
                                            std::mt19937_64& random) const;

  [[nodiscard]] int brokers() const { return static_cast<int>(up_.size()); }
  [[nodiscard]] bool is_broker(std::int32_t id) const { return id >= 1 && id <= brokers(); }
  [[nodiscard]] bool is_up(std::int32_t broker) const {
    return is_broker(broker) && up_[static_cast<std::size_t>(broker - 1)];
  }
  [[nodiscard]] std::vector<std::int32_t> live_brokers() const;
  /// The live broker that does administration, and coordinates; -1 when none is up.
  [[nodiscard]] std::int32_t controller() const;

  /// Takes a broker down or brings it back, and moves the leaders that this concerns. Returns the partitions
  /// whose leader or in-sync replicas changed.
  std::vector<Partition*> set_up(std::int32_t broker, bool up);
  /// Makes `broker` the leader, as a replica if it was none. Errors are sentences.
  /// With `end_offset` the log loses what lies behind it.
  [[nodiscard]] Result<void> move_leader(Partition& partition, std::int32_t broker,
                                         std::optional<std::int64_t> end_offset = std::nullopt);

  /// Bytes of all logs.
  [[nodiscard]] std::size_t bytes() const;

 private:
  void lead(Partition& partition, std::int32_t broker);

  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::map<TopicId, Topic*> by_id_;
  std::size_t segment_bytes_max_;
  std::vector<bool> up_;
};

}  // namespace longhaul::sandbox
