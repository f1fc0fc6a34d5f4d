#pragma once

#include <vector>

#include "protocol/messages/create_topics.h"
#include "sandbox/core.h"

namespace longhaul::sandbox {

/// Creates a topic as Kafka's controller does, or only checks whether it would: also for topics that come
/// into being because somebody asked for them. The result is what a CreateTopics response says.
[[nodiscard]] protocol::CreatableTopicResult create_topic(Core& core, const protocol::CreatableTopic& request,
                                                          bool validate_only);

/// The replicas that a client laid down for new partitions, checked against the brokers. Errors:
/// INVALID_REPLICA_ASSIGNMENT with a sentence.
[[nodiscard]] Result<void> check_replicas(const Core& core, const std::vector<std::int32_t>& replicas);

/// Whether `replication_factor` can be reached. Errors: INVALID_REPLICATION_FACTOR with a sentence.
[[nodiscard]] Result<void> check_replication_factor(const Core& core, std::int16_t replication_factor);

}  // namespace longhaul::sandbox
