#include "sandbox/create_topic.h"
#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using protocol::MetadataResponsePartition;
using protocol::MetadataResponseTopic;

/// Every operation that Kafka knows for the kind of resource, as bits: without authorization all is allowed.
constexpr std::int32_t kTopicOperations = 3576;
constexpr std::int32_t kClusterOperations = 8096;

MetadataResponsePartition describe_partition(const Core& core, const Partition& partition) {
  MetadataResponsePartition described;
  described.error_code = partition.leader < 0 ? KafkaErrc::leader_not_available : KafkaErrc::none;
  described.partition_index = partition.index;
  described.leader_id = partition.leader;
  described.leader_epoch = partition.leader_epoch;
  described.replica_nodes = partition.replicas;
  described.isr_nodes = partition.isr;
  for (const auto replica : partition.replicas) {
    if (!core.topics.is_up(replica)) described.offline_replicas.push_back(replica);
  }
  return described;
}

MetadataResponseTopic describe_topic(const Core& core, const Call& call, const Topic& topic) {
  MetadataResponseTopic described;
  described.name = topic.name;
  described.topic_id = topic.id;
  described.is_internal = is_internal_topic(topic.name);
  described.error_code = call.injected_error(FaultMoment::before, topic.name);
  for (const auto& partition : topic.partitions) {
    described.partitions.push_back(describe_partition(core, *partition));
  }
  return described;
}

MetadataResponseTopic unknown_topic(Core& core, const MetadataRequest& request, const std::string& name) {
  MetadataResponseTopic answer;
  answer.name = name;
  answer.error_code = KafkaErrc::unknown_topic_or_partition;
  if (topic_name_fault(name)) {
    answer.error_code = KafkaErrc::invalid_topic_exception;
  } else if (request.allow_auto_topic_creation && core.options.auto_create_topics) {
    // The client is told that the topic is unknown and finds it when it asks again, as with Kafka.
    (void)create_topic(core, {.name = name, .num_partitions = -1, .replication_factor = -1}, false);
  }
  return answer;
}

}  // namespace

MetadataResponse handle(Core& core, const Call& call, const MetadataRequest& request) {
  constexpr int kClusterOperationsUntil = 10;
  MetadataResponse response;
  for (const auto id : core.topics.live_brokers()) {
    const auto& endpoint = core.endpoint(id);
    response.brokers.push_back({.node_id = id, .host = endpoint.host, .port = endpoint.port, .rack = {}});
  }
  response.cluster_id = core.options.cluster_id;
  response.controller_id = core.topics.controller();
  if (request.include_cluster_authorized_operations && call.version <= kClusterOperationsUntil) {
    response.cluster_authorized_operations = kClusterOperations;
  }
  if (!request.topics) {
    for (const auto& [name, topic] : core.topics.all()) {
      response.topics.push_back(describe_topic(core, call, *topic));
    }
  } else {
    for (const auto& asked : *request.topics) {
      const auto* topic = asked.name ? core.topics.find(*asked.name) : core.topics.find(asked.topic_id);
      if (topic != nullptr) {
        response.topics.push_back(describe_topic(core, call, *topic));
      } else if (asked.name) {
        response.topics.push_back(unknown_topic(core, request, *asked.name));
      } else {
        MetadataResponseTopic answer;
        answer.name = std::nullopt;
        answer.topic_id = asked.topic_id;
        answer.error_code = KafkaErrc::unknown_topic_id;
        response.topics.push_back(std::move(answer));
      }
    }
  }
  if (request.include_topic_authorized_operations) {
    for (auto& topic : response.topics) topic.topic_authorized_operations = kTopicOperations;
  }
  return response;
}

}  // namespace longhaul::sandbox
