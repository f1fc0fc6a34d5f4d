#include "sandbox/create_topic.h"

#include <algorithm>
#include <map>
#include <set>

namespace longhaul::sandbox {
namespace {

using protocol::CreatableTopic;
using protocol::CreatableTopicResult;
using protocol::KafkaErrc;
using Assignments = std::vector<Topics::Replicas>;

/// Names that differ in '.' and '_' only would share a metric, so Kafka refuses the second.
std::string collision_key(std::string_view name) {
  std::string key(name);
  std::ranges::replace(key, '.', '_');
  return key;
}

Result<void> check_name(const Core& core, const std::string& name) {
  if (auto fault = topic_name_fault(name)) {
    return fail(Error{kafka_error(KafkaErrc::invalid_topic_exception), *std::move(fault)});
  }
  if (core.topics.find(name) != nullptr) {
    return fail(KafkaErrc::topic_already_exists, "Topic '{}' already exists.", name);
  }
  if (name.find_first_of("._") == std::string::npos) return {};
  const auto key = collision_key(name);
  for (const auto& [other, topic] : core.topics.all()) {
    if (collision_key(other) == key) {
      return fail(KafkaErrc::invalid_topic_exception, "Topic '{}' collides with existing topic: {}", name,
                  other);
    }
  }
  return {};
}

Result<TopicConfig::Values> read_configs(const CreatableTopic& request) {
  TopicConfig::Values values;
  for (const auto& config : request.configs) {
    if (!config.value) {
      return fail(KafkaErrc::invalid_config, "Null value not supported for topic configs: {}", config.name);
    }
    LH_TRY_VOID(check_topic_config(config.name, *config.value));
    values[config.name] = *config.value;
  }
  return values;
}

Result<Assignments> manual_assignments(const Core& core, const CreatableTopic& request) {
  if (request.replication_factor != -1) {
    return fail(KafkaErrc::invalid_request,
                "A manual partition assignment was specified, but replication factor was not set to -1.");
  }
  if (request.num_partitions != -1) {
    return fail(KafkaErrc::invalid_request,
                "A manual partition assignment was specified, but numPartitions was not set to -1.");
  }
  std::map<std::int32_t, Topics::Replicas> by_index;
  for (const auto& assignment : request.assignments) {
    LH_TRY_VOID(check_replicas(core, assignment.broker_ids));
    if (!by_index.emplace(assignment.partition_index, assignment.broker_ids).second) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "Found multiple manual partition assignments for partition {}", assignment.partition_index);
    }
  }
  Assignments assignments;
  for (auto& [index, replicas] : by_index) {
    if (index != static_cast<std::int32_t>(assignments.size())) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "partitions should be a consecutive 0-based integer sequence");
    }
    if (!assignments.empty() && assignments.front().size() != replicas.size()) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "The manual partition assignment includes a partition with {} replica(s), but this is not "
                  "consistent with previous partitions, which have {} replica(s).",
                  replicas.size(), assignments.front().size());
    }
    assignments.push_back(std::move(replicas));
  }
  return assignments;
}

Result<Assignments> placed_assignments(Core& core, const CreatableTopic& request) {
  if (request.replication_factor < -1 || request.replication_factor == 0) {
    return fail(KafkaErrc::invalid_replication_factor,
                "Replication factor must be larger than 0, or -1 to use the default value.");
  }
  if (request.num_partitions < -1 || request.num_partitions == 0) {
    return fail(KafkaErrc::invalid_partitions,
                "Number of partitions was set to an invalid non-positive value.");
  }
  const auto partitions =
      request.num_partitions == -1 ? core.options.default_partitions : request.num_partitions;
  const auto factor =
      request.replication_factor == -1 ? core.options.default_replication_factor : request.replication_factor;
  LH_TRY_VOID(check_replication_factor(core, factor));
  return core.topics.place(partitions, factor, core.random);
}

Result<void> create(Core& core, const CreatableTopic& request, bool validate_only,
                    CreatableTopicResult& result) {
  LH_TRY_VOID(check_name(core, request.name));
  LH_TRY(auto values, read_configs(request));
  LH_TRY(const auto assignments,
         request.assignments.empty() ? placed_assignments(core, request) : manual_assignments(core, request));
  TopicConfig config(std::move(values));
  result.configs.emplace();
  for (const auto& definition : topic_config_definitions()) {
    const bool is_set = config.set_values().contains(definition.name);
    result.configs->push_back(
        {.name = std::string(definition.name),
         .value = std::string(config.value(definition.name)),
         .read_only = false,
         .config_source = is_set ? protocol::ConfigSource::topic : protocol::ConfigSource::default_value,
         .is_sensitive = false});
  }
  result.num_partitions = static_cast<std::int32_t>(assignments.size());
  result.replication_factor = static_cast<std::int16_t>(assignments.front().size());
  if (!validate_only) {
    result.topic_id = core.topics.create(request.name, std::move(config), assignments, core.random).id;
  }
  return {};
}

}  // namespace

Result<void> check_replicas(const Core& core, const std::vector<std::int32_t>& replicas) {
  if (replicas.empty()) {
    return fail(KafkaErrc::invalid_replica_assignment,
                "The manual partition assignment includes an empty replica list.");
  }
  std::set<std::int32_t> seen;
  for (const auto broker : replicas) {
    if (!core.topics.is_broker(broker)) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "The manual partition assignment includes broker {}, but no such broker is registered.",
                  broker);
    }
    if (!seen.insert(broker).second) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "The manual partition assignment includes the broker {} more than once.", broker);
    }
  }
  return {};
}

Result<void> check_replication_factor(const Core& core, std::int16_t replication_factor) {
  if (core.topics.live_brokers().empty()) {
    return fail(KafkaErrc::invalid_replication_factor, "All brokers are currently fenced.");
  }
  // Brokers that are down are registered still, and get replicas.
  const auto registered = core.topics.brokers();
  if (replication_factor > registered) {
    return fail(KafkaErrc::invalid_replication_factor,
                "Unable to replicate the partition {} time(s): The target replication factor of {} cannot be "
                "reached because only {} broker(s) are registered.",
                replication_factor, replication_factor, registered);
  }
  return {};
}

CreatableTopicResult create_topic(Core& core, const CreatableTopic& request, bool validate_only) {
  CreatableTopicResult result;
  result.name = request.name;
  const auto created = create(core, request, validate_only, result);
  if (!created) {
    result.error_code = protocol::as_kafka_errc(created.error().code);
    result.error_message = created.error().detail;
    result.configs.emplace();
    result.num_partitions = -1;
    result.replication_factor = -1;
  }
  return result;
}

}  // namespace longhaul::sandbox
