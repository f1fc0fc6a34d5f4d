#include "sandbox/handlers/handlers.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::ListOffsetsPartition;
using protocol::ListOffsetsPartitionResponse;

/// Kafka's other places to ask for (KIP-405, KIP-1005): without tiered storage the local log is all there is.
constexpr std::int64_t kEarliestLocalTimestamp = -4;
constexpr std::int64_t kLatestTieredTimestamp = -5;
constexpr int kMaxTimestampSince = 7;
constexpr int kEarliestLocalSince = 8;
constexpr int kLatestTieredSince = 9;

void put(ListOffsetsPartitionResponse& answer, const TimestampedOffset& found) {
  answer.timestamp = found.timestamp;
  answer.offset = found.offset;
  answer.leader_epoch = found.leader_epoch;
}

void look_up(const Partition& partition, const ListOffsetsPartition& asked, int version,
             protocol::IsolationLevel isolation, ListOffsetsPartitionResponse& answer) {
  const auto& log = partition.log;
  const auto time = asked.timestamp;
  const auto end = isolation == protocol::IsolationLevel::read_committed ? partition.last_stable_offset()
                                                                         : log.end_offset();
  // Where the first record that is meant cannot be read yet, there is none.
  const auto put_readable = [&](const TimestampedOffset& found) {
    if (found.offset < end) put(answer, found);
  };
  const bool is_known = time >= protocol::kEarliestTimestamp ||
                        (time == protocol::kMaxTimestamp && version >= kMaxTimestampSince) ||
                        (time == kEarliestLocalTimestamp && version >= kEarliestLocalSince) ||
                        (time == kLatestTieredTimestamp && version >= kLatestTieredSince);
  if (!is_known) {
    answer.error_code = KafkaErrc::unsupported_version;
  } else if (time == protocol::kLatestTimestamp) {
    put(answer, {.timestamp = -1, .offset = end, .leader_epoch = partition.leader_epoch});
  } else if (time == protocol::kEarliestTimestamp || time == kEarliestLocalTimestamp) {
    const auto start = log.start_offset();
    put(answer, {.timestamp = -1, .offset = start, .leader_epoch = log.epoch_at(start)});
  } else if (time == protocol::kMaxTimestamp) {
    put_readable(log.find_max_timestamp());
  } else if (time >= 0) {
    put_readable(log.find_timestamp(time));
  }
}

}  // namespace

protocol::ListOffsetsResponse handle(Core& core, const Call& call,
                                     const protocol::ListOffsetsRequest& request) {
  protocol::ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& asked : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      const auto* partition = core.topics.find(topic.name, asked.partition_index);
      answer.error_code = call.injected_error(FaultMoment::before, topic.name, asked.partition_index);
      if (answer.error_code == KafkaErrc::none) {
        answer.error_code = leader_error(call, partition, asked.current_leader_epoch);
      }
      if (answer.error_code == KafkaErrc::none) {
        look_up(*partition, asked, call.version, request.isolation_level, answer);
      }
    }
  }
  return response;
}

}  // namespace longhaul::sandbox
