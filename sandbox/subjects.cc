#include "sandbox/subjects.h"

namespace longhaul::sandbox {

using Subjects = std::vector<FaultSubject>;

Subjects subjects_of(Core& core, const Call& /*call*/, const protocol::ProduceRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topic_data) {
    const auto* by_id = topic.name.empty() ? core.topics.find(topic.topic_id) : nullptr;
    const auto& name = by_id == nullptr ? topic.name : by_id->name;
    for (const auto& partition : topic.partition_data) subjects.push_back({name, partition.index});
  }
  return subjects;
}

Subjects subjects_of(Core& core, const Call& call, const protocol::FetchRequest& request) {
  Subjects subjects;
  const auto add = [&](std::string_view name, const TopicId& id, std::int32_t partition) {
    const auto* topic = name.empty() ? core.topics.find(id) : core.topics.find(name);
    if (topic != nullptr) subjects.push_back({topic->name, partition});
  };
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) add(topic.topic, topic.topic_id, partition.partition);
  }
  for (const auto& known : core.fetch_sessions(call.broker).partitions_of(request.session_id)) {
    add(known.topic, known.topic_id, known.request.partition);
  }
  return subjects;
}

Subjects subjects_of(Core& core, const Call& /*call*/, const protocol::MetadataRequest& request) {
  Subjects subjects;
  if (!request.topics) {
    for (const auto& [name, topic] : core.topics.all()) subjects.push_back({name, -1});
    return subjects;
  }
  for (const auto& topic : *request.topics) {
    const auto* by_id = topic.name ? nullptr : core.topics.find(topic.topic_id);
    if (topic.name) subjects.push_back({*topic.name, -1});
    if (by_id != nullptr) subjects.push_back({by_id->name, -1});
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::ListOffsetsRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions)
      subjects.push_back({topic.name, partition.partition_index});
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/,
                     const protocol::OffsetForLeaderEpochRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) subjects.push_back({topic.topic, partition.partition});
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::CreateTopicsRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) subjects.push_back({topic.name, -1});
  return subjects;
}

Subjects subjects_of(Core& core, const Call& /*call*/, const protocol::DeleteTopicsRequest& request) {
  Subjects subjects;
  for (const auto& name : request.topic_names) subjects.push_back({name, -1});
  for (const auto& topic : request.topics) {
    const auto* by_id = topic.name ? nullptr : core.topics.find(topic.topic_id);
    if (topic.name) subjects.push_back({*topic.name, -1});
    if (by_id != nullptr) subjects.push_back({by_id->name, -1});
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::CreatePartitionsRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) subjects.push_back({topic.name, -1});
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::DeleteRecordsRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions)
      subjects.push_back({topic.name, partition.partition_index});
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::DescribeConfigsRequest& request) {
  Subjects subjects;
  for (const auto& resource : request.resources) {
    if (resource.resource_type == protocol::ConfigResourceType::topic) {
      subjects.push_back({resource.resource_name, -1});
    }
  }
  return subjects;
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/,
                     const protocol::IncrementalAlterConfigsRequest& request) {
  Subjects subjects;
  for (const auto& resource : request.resources) {
    if (resource.resource_type == protocol::ConfigResourceType::topic) {
      subjects.push_back({resource.resource_name, -1});
    }
  }
  return subjects;
}

namespace {

/// Requests that commit offsets name partitions alike.
template <class Request>
Subjects committed(const Request& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions)
      subjects.push_back({topic.name, partition.partition_index});
  }
  return subjects;
}

}  // namespace

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::OffsetCommitRequest& request) {
  return committed(request);
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/, const protocol::TxnOffsetCommitRequest& request) {
  return committed(request);
}

Subjects subjects_of(Core& /*core*/, const Call& /*call*/,
                     const protocol::AddPartitionsToTxnRequest& request) {
  Subjects subjects;
  for (const auto& topic : request.topics) {
    for (const auto index : topic.partitions) subjects.push_back({topic.name, index});
  }
  return subjects;
}

}  // namespace longhaul::sandbox
