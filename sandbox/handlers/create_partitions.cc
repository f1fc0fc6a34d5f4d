#include <map>

#include "sandbox/create_topic.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::CreatePartitionsTopic;
using protocol::KafkaErrc;

Result<std::vector<Topics::Replicas>> assignments_of(Core& core, const CreatePartitionsTopic& request,
                                                     const Topic& topic, std::int32_t added) {
  const auto factor = topic.partitions.front()->replicas.size();
  if (!request.assignments) {
    LH_TRY_VOID(check_replication_factor(core, static_cast<std::int16_t>(factor)));
    return core.topics.place(added, static_cast<std::int16_t>(factor), core.random);
  }
  if (request.assignments->size() != static_cast<std::size_t>(added)) {
    return fail(KafkaErrc::invalid_replica_assignment,
                "Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                added, request.assignments->size());
  }
  std::vector<Topics::Replicas> assignments;
  for (const auto& assignment : *request.assignments) {
    LH_TRY_VOID(check_replicas(core, assignment.broker_ids));
    if (assignment.broker_ids.size() != factor) {
      return fail(KafkaErrc::invalid_replica_assignment,
                  "The manual partition assignment includes a partition with {} replica(s), but this is not "
                  "consistent with previous partitions, which have {} replica(s).",
                  assignment.broker_ids.size(), factor);
    }
    assignments.push_back(assignment.broker_ids);
  }
  return assignments;
}

Result<void> add(Core& core, const CreatePartitionsTopic& request, bool validate_only) {
  auto* topic = core.topics.find(request.name);
  if (topic == nullptr) {
    return fail(KafkaErrc::unknown_topic_or_partition, "This server does not host this topic-partition.");
  }
  const auto present = static_cast<std::int32_t>(topic->partitions.size());
  if (request.count == present) {
    return fail(KafkaErrc::invalid_partitions, "Topic already has {} partition(s).", present);
  }
  if (request.count < present) {
    return fail(KafkaErrc::invalid_partitions,
                "The topic {} currently has {} partition(s); {} would not be an increase.", request.name,
                present, request.count);
  }
  LH_TRY(const auto assignments, assignments_of(core, request, *topic, request.count - present));
  if (!validate_only) core.topics.add_partitions(*topic, assignments);
  return {};
}

}  // namespace

protocol::CreatePartitionsResponse handle(Core& core, const Call& call,
                                          const protocol::CreatePartitionsRequest& request) {
  protocol::CreatePartitionsResponse response;
  std::map<std::string, int> mentions;
  for (const auto& topic : request.topics) ++mentions[topic.name];
  for (const auto& [name, count] : mentions) {
    if (count < 2) continue;
    response.results.push_back(
        {.name = name, .error_code = KafkaErrc::invalid_request, .error_message = "Duplicate topic name."});
  }
  for (const auto& topic : request.topics) {
    if (mentions[topic.name] > 1) continue;
    auto& result = response.results.emplace_back();
    result.name = topic.name;
    result.error_code = call.injected_error(FaultMoment::before, topic.name);
    if (result.error_code != KafkaErrc::none) continue;
    if (const auto added = add(core, topic, request.validate_only); !added) {
      result.error_code = protocol::as_kafka_errc(added.error().code);
      result.error_message = added.error().detail;
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
