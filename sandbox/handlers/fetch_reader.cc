#include "sandbox/handlers/fetch_reader.h"

#include <algorithm>
#include <array>

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using protocol::PartitionData;

/// From this version on a consumer may read from any replica, not only the leader (KIP-392).
constexpr int kAnyReplicaSince = 11;
constexpr int kCurrentLeaderSince = 12;
constexpr int kTopicIdsSince = 13;

/// Empty records that are not null: brokers never send null.
ConstBytes no_records() {
  static constexpr std::array<std::byte, 1> kPlace{};
  return ConstBytes(kPlace).first(0);
}

KafkaErrc serving_error(const Call& call, const Partition* partition, const FetchedPartition& fetched) {
  if (partition == nullptr) {
    return call.version >= kTopicIdsSince ? KafkaErrc::unknown_topic_id
                                          : KafkaErrc::unknown_topic_or_partition;
  }
  const auto epoch = fetched.request.current_leader_epoch;
  if (call.version < kAnyReplicaSince) return leader_error(call, partition, epoch);
  const bool is_replica = std::ranges::find(partition->replicas, call.broker) != partition->replicas.end();
  return is_replica ? epoch_error(*partition, epoch) : KafkaErrc::not_leader_or_follower;
}

/// Where the fetcher's log parted from this one, if it did (KIP-595); an error when that is not known.
KafkaErrc find_divergence(const Partition& partition, const protocol::FetchPartition& request,
                          protocol::DivergingEpoch& diverging) {
  if (request.last_fetched_epoch < 0) return KafkaErrc::none;
  const auto end = partition.log.epoch_end(request.last_fetched_epoch);
  if (end.epoch < 0 || end.end_offset < 0 || request.fetch_offset < partition.log.start_offset()) {
    return KafkaErrc::offset_out_of_range;
  }
  if (end.epoch < request.last_fetched_epoch || end.end_offset < request.fetch_offset) {
    diverging = {.epoch = end.epoch, .end_offset = end.end_offset};
  }
  return KafkaErrc::none;
}

bool is_in_range(const PartitionLog& log, std::int64_t offset) {
  return offset >= log.start_offset() && offset <= log.end_offset();
}

/// Where reading ends: transactional readers see nothing of what may still be aborted.
std::int64_t readable_end(const Partition& partition, const FetchLimits& limits) {
  return limits.isolation == protocol::IsolationLevel::read_committed ? partition.last_stable_offset()
                                                                      : partition.log.end_offset();
}

KafkaErrc injected(const Core& core, const Call& call, const FetchPlan& plan,
                   const FetchedPartition& fetched) {
  const auto* topic =
      plan.uses_topic_ids ? core.topics.find(fetched.topic_id) : core.topics.find(fetched.topic);
  return topic == nullptr ? KafkaErrc::none
                          : call.injected_error(FaultMoment::before, topic->name, fetched.request.partition);
}

/// Everything of one partition's answer but its records. Whether records may follow.
bool open(const Core& core, const Call& call, const FetchPlan& plan, const FetchedPartition& fetched,
          PartitionData& answer) {
  const auto* partition = find_fetched(core, plan, fetched);
  auto error = injected(core, call, plan, fetched);
  if (error == KafkaErrc::none) error = serving_error(call, partition, fetched);
  if (error == KafkaErrc::none) error = find_divergence(*partition, fetched.request, answer.diverging_epoch);
  if (error == KafkaErrc::none && answer.diverging_epoch.epoch < 0 &&
      !is_in_range(partition->log, fetched.request.fetch_offset)) {
    error = KafkaErrc::offset_out_of_range;
  }
  answer.error_code = error;
  if (error == KafkaErrc::none) {
    answer.high_watermark = partition->log.end_offset();
    answer.last_stable_offset = partition->last_stable_offset();
    answer.log_start_offset = partition->log.start_offset();
    return answer.diverging_epoch.epoch < 0;
  }
  const bool names_leader =
      error == KafkaErrc::not_leader_or_follower || error == KafkaErrc::fenced_leader_epoch;
  if (names_leader && partition != nullptr && call.version >= kCurrentLeaderSince) {
    answer.current_leader = {.leader_id = partition->leader, .leader_epoch = partition->leader_epoch};
  }
  return false;
}

}  // namespace

Partition* find_fetched(const Core& core, const FetchPlan& plan, const FetchedPartition& fetched) {
  const auto* topic =
      plan.uses_topic_ids ? core.topics.find(fetched.topic_id) : core.topics.find(fetched.topic);
  return topic == nullptr ? nullptr : topic->partition(fetched.request.partition);
}

FetchReading read_fetch(const Core& core, const Call& call, const FetchPlan& plan,
                        const FetchLimits& limits) {
  FetchReading reading;
  auto bytes_left = limits.bytes_max;
  for (const auto& fetched : plan.partitions) {
    auto& answer = reading.answers.emplace_back();
    auto& keep = reading.keeps.emplace_back();
    answer.partition_index = fetched.request.partition;
    answer.high_watermark = -1;
    answer.records = no_records();
    if (limits.isolation == protocol::IsolationLevel::read_committed) answer.aborted_transactions.emplace();
    if (!open(core, call, plan, fetched, answer)) {
      reading.has_error = true;
      continue;
    }
    const auto partition_max = static_cast<std::size_t>(std::max(fetched.request.partition_max_bytes, 0));
    // Only the first partition that has anything gets a batch above the limits.
    const auto& partition = *find_fetched(core, plan, fetched);
    auto slice =
        partition.log.read(fetched.request.fetch_offset, {.bytes_max = std::min(partition_max, bytes_left),
                                                          .whole_first_batch = reading.bytes == 0,
                                                          .end_offset = readable_end(partition, limits)});
    if (slice.bytes.empty()) continue;
    if (answer.aborted_transactions) {
      *answer.aborted_transactions =
          partition.aborted_transactions(fetched.request.fetch_offset, slice.end_offset);
    }
    reading.bytes += slice.bytes.size();
    bytes_left -= std::min(bytes_left, slice.bytes.size());
    answer.records = slice.bytes;
    keep = std::move(slice.keep);
  }
  return reading;
}

bool is_fetch_ready(const Core& core, const Call& call, const FetchPlan& plan, const FetchLimits& limits) {
  std::size_t bytes = 0;
  for (const auto& fetched : plan.partitions) {
    PartitionData answer;
    if (!open(core, call, plan, fetched, answer)) return true;
    const auto& partition = *find_fetched(core, plan, fetched);
    const auto backlog = partition.log.backlog(fetched.request.fetch_offset, readable_end(partition, limits));
    if (backlog.on_older_segment) return true;
    bytes +=
        std::min(backlog.bytes, static_cast<std::size_t>(std::max(fetched.request.partition_max_bytes, 0)));
  }
  return bytes >= limits.bytes_min;
}

bool is_fetch_session_error(KafkaErrc error) {
  return error == KafkaErrc::fetch_session_id_not_found || error == KafkaErrc::invalid_fetch_session_epoch ||
         error == KafkaErrc::fetch_session_topic_id_error || error == KafkaErrc::inconsistent_topic_id;
}

}  // namespace longhaul::sandbox
