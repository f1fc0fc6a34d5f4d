#include "sandbox/fetch_session.h"

#include <limits>
#include <utility>

namespace longhaul::sandbox {
namespace {

using protocol::FetchRequest;
using protocol::KafkaErrc;
using protocol::PartitionData;

constexpr std::int32_t kInitialEpoch = 0;
constexpr std::int32_t kFinalEpoch = -1;
constexpr int kTopicIdsSince = 13;

std::int32_t next_epoch(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

std::vector<FetchedPartition> partitions_in(const FetchRequest& request) {
  std::vector<FetchedPartition> partitions;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      partitions.push_back({.topic = topic.topic, .topic_id = topic.topic_id, .request = partition});
    }
  }
  return partitions;
}

/// Whether an incremental response names the partition; takes note of what it says.
bool is_changed(FetchedPartition& known, const PartitionData& answer) {
  bool changed = !answer.records.empty();
  if (known.high_watermark != answer.high_watermark) {
    known.high_watermark = answer.high_watermark;
    changed = true;
  }
  if (known.log_start_offset != answer.log_start_offset) {
    known.log_start_offset = answer.log_start_offset;
    changed = true;
  }
  if (answer.error_code != KafkaErrc::none) {
    // So that the partition is named again when its error goes away.
    known.high_watermark = -1;
    changed = true;
  }
  return changed || answer.diverging_epoch.epoch >= 0;
}

}  // namespace

FetchPlan FetchSessions::begin(const FetchRequest& request, int version, SteadyTime now) {
  if (request.session_epoch != kInitialEpoch && request.session_epoch != kFinalEpoch) {
    return continue_session(request, version, now);
  }
  if (request.session_id != 0) sessions_.erase(request.session_id);
  FetchPlan plan;
  plan.kind = request.session_epoch == kFinalEpoch ? FetchPlan::Kind::sessionless : FetchPlan::Kind::full;
  plan.uses_topic_ids = version >= kTopicIdsSince;
  plan.partitions = partitions_in(request);
  return plan;
}

FetchPlan FetchSessions::continue_session(const FetchRequest& request, int version, SteadyTime now) {
  const auto failed = [](KafkaErrc error) {
    FetchPlan plan;
    plan.error = error;
    return plan;
  };
  const auto found = sessions_.find(request.session_id);
  if (found == sessions_.end()) return failed(KafkaErrc::fetch_session_id_not_found);
  auto& session = found->second;
  if (session.epoch != request.session_epoch) return failed(KafkaErrc::invalid_fetch_session_epoch);
  if (session.uses_topic_ids != (version >= kTopicIdsSince)) {
    return failed(KafkaErrc::fetch_session_topic_id_error);
  }
  update(session, request);
  FetchPlan plan;
  plan.uses_topic_ids = session.uses_topic_ids;
  if (session.partitions.empty()) {
    sessions_.erase(found);
    return plan;
  }
  session.epoch = next_epoch(session.epoch);
  session.last_used = now;
  plan.kind = FetchPlan::Kind::incremental;
  plan.session_id = request.session_id;
  plan.partitions.assign(session.partitions.begin(), session.partitions.end());
  return plan;
}

void FetchSessions::update(Session& session, const FetchRequest& request) {
  for (auto& partition : partitions_in(request)) {
    const auto known = session.places.find(partition.key());
    if (known != session.places.end()) {
      known->second->request = partition.request;
    } else {
      const auto key = partition.key();
      session.partitions.push_back(std::move(partition));
      session.places[key] = std::prev(session.partitions.end());
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const auto index : topic.partitions) {
      const auto known = session.places.find({topic.topic, topic.topic_id, index});
      if (known == session.places.end()) continue;
      session.partitions.erase(known->second);
      session.places.erase(known);
    }
  }
}

std::int32_t FetchSessions::finish(const FetchPlan& plan, std::vector<PartitionData>& answers,
                                   std::vector<std::size_t>& kept, SteadyTime now, std::mt19937_64& random) {
  kept.clear();
  const auto found = sessions_.find(plan.session_id);
  const bool filters = plan.kind == FetchPlan::Kind::incremental;
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    if (!filters) {
      kept.push_back(i);
      continue;
    }
    auto known = plan.partitions[i];
    if (found == sessions_.end()) {
      // The session was closed by another request meanwhile; its partitions are answered as asked.
      kept.push_back(i);
      continue;
    }
    auto& session = found->second;
    const auto place = session.places.find(known.key());
    auto& state = place == session.places.end() ? known : *place->second;
    if (!is_changed(state, answers[i])) continue;
    kept.push_back(i);
    if (!answers[i].records.empty() && place != session.places.end()) {
      session.partitions.splice(session.partitions.end(), session.partitions, place->second);
    }
  }
  if (filters) return plan.session_id;
  return plan.kind == FetchPlan::Kind::full ? create(plan, answers, now, random) : 0;
}

std::int32_t FetchSessions::create(const FetchPlan& plan, const std::vector<PartitionData>& answers,
                                   SteadyTime now, std::mt19937_64& random) {
  if (plan.partitions.empty() || !make_room(now)) return 0;
  std::int32_t id = 0;
  while (id == 0 || sessions_.contains(id)) {
    id = static_cast<std::int32_t>(random() & std::numeric_limits<std::int32_t>::max());
  }
  auto& session = sessions_[id];
  session.uses_topic_ids = plan.uses_topic_ids;
  session.last_used = now;
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    auto partition = plan.partitions[i];
    const auto& answer = answers[i];
    partition.high_watermark = answer.error_code == KafkaErrc::none ? answer.high_watermark : -1;
    partition.log_start_offset = answer.log_start_offset;
    const auto key = partition.key();
    if (session.places.contains(key)) continue;
    session.partitions.push_back(std::move(partition));
    session.places[key] = std::prev(session.partitions.end());
  }
  return id;
}

bool FetchSessions::make_room(SteadyTime now) {
  if (sessions_.size() < kSlots) return true;
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (now - it->second.last_used < kEvictableAfter) continue;
    sessions_.erase(it);
    return true;
  }
  return false;
}

std::vector<FetchedPartition> FetchSessions::partitions_of(std::int32_t session_id) const {
  const auto found = sessions_.find(session_id);
  if (found == sessions_.end()) return {};
  return {found->second.partitions.begin(), found->second.partitions.end()};
}

}  // namespace longhaul::sandbox
