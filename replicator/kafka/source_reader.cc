#include "replicator/kafka/source_reader.h"

#include <algorithm>
#include <unordered_map>

#include "base/log.h"
#include "replicator/kafka/fetched_set.h"
#include "replicator/kafka/topic_check.h"

namespace longhaul::replicator {
namespace {

using client::Reaction;
using protocol::KafkaErrc;
using Reading = ShardPartition::Reading;

/// How long the bulk lane waits at the broker when everything it asks for has been read to its end: about as
/// long as the tip lane needs to take the partitions over.
constexpr std::int32_t kBulkWaitMs = 50;
constexpr milliseconds kDeadlineSlack{5'000};
/// An end below the one that was seen before is believed when it has been told for so long.
constexpr milliseconds kShortEnd{5'000};
/// Refused reads of a partition in a row before they are worth a line.
constexpr int kQuietRefusals = 3;

/// Names a partition in requests and answers: by topic id from Fetch version 13 on, by name before.
std::string answer_key(const std::string& topic, const TopicId& id, std::int32_t partition) {
  std::string key =
      id.is_zero() ? topic : std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  key.push_back('/');
  key += std::to_string(partition);
  return key;
}

}  // namespace

struct SourceReader::Broker {
  Broker(BrokerId broker_id, net::TimeSource& time) : id(broker_id), bulk_changed(time), tip_changed(time) {}
  BrokerId id;
  std::vector<ShardPartition*> partitions;
  net::Event bulk_changed;
  net::Event tip_changed;
  /// Where the next request begins in `partitions`: a broker fills its answer in the order of the request.
  std::size_t next = 0;
  /// The tip lane has nothing to poll, so it takes a partition over at once.
  bool tip_is_idle = false;
};

SourceReader::SourceReader(client::Cluster& source, const FlowOptions& options, SlabPool& pool,
                           Changed changed)
    : source_(source),
      options_(options),
      pool_(pool),
      changed_(std::move(changed)),
      unrouted_changed_(source.io().time),
      group_(source.io().executor) {
  group_.spawn([this] { return route_loop(); });
}

SourceReader::~SourceReader() = default;

net::Task SourceReader::stop() {
  co_await group_.stop();
}

void SourceReader::add(ShardPartition& partition) {
  if (!route(partition)) unroute(partition);
}

void SourceReader::wake(ShardPartition& partition) {
  if (partition.reading == Reading::bulk && partition.pipeline.wants_fetch()) {
    broker(partition.source_broker).bulk_changed.notify();
  }
}

SourceReader::Broker& SourceReader::broker(BrokerId id) {
  auto& slot = brokers_[id];
  if (slot == nullptr) {
    slot = std::make_unique<Broker>(id, source_.io().time);
    auto& made = *slot;
    group_.spawn([this, &made] { return lane_loop(made, LaneKind::bulk); });
    group_.spawn([this, &made] { return lane_loop(made, LaneKind::tip); });
  }
  return *slot;
}

void SourceReader::unroute(ShardPartition& partition) {
  leave_broker(partition);
  if (partition.in_route_queue) return;
  partition.in_route_queue = true;
  unrouted_.push_back(&partition);
  unrouted_changed_.notify();
}

void SourceReader::leave_broker(ShardPartition& partition) {
  if (partition.source_broker != BrokerId())
    std::erase(broker(partition.source_broker).partitions, &partition);
  partition.source_broker = BrokerId();
  partition.reading = Reading::unrouted;
  partition.joins_tip = false;
}

void SourceReader::remove(ShardPartition& partition) {
  leave_broker(partition);
  std::erase(unrouted_, &partition);
  partition.in_route_queue = false;
}

bool SourceReader::route(ShardPartition& partition) {
  const auto leader = source_.leader(partition.source);
  if (!leader) return false;
  auto& to = broker(leader->broker);
  to.partitions.push_back(&partition);
  partition.source_broker = leader->broker;
  partition.source_epoch = leader->epoch;
  partition.reading = Reading::bulk;
  partition.unknown_source = {};
  to.bulk_changed.notify();
  return true;
}

bool SourceReader::check_topic(ShardPartition& partition) {
  const auto* topic = source_.metadata().topic(partition.source.topic);
  auto& pipeline = partition.pipeline;
  const auto now = source_.io().time.now();
  if (const auto gone = topic_is_gone(topic, partition.source_id, partition.unknown_source, now)) {
    pipeline.stop_behind({StopReason::source_deleted, pipeline.fetch_offset(), *gone});
    return true;
  }
  if (topic != nullptr && client::reaction_to(topic->error) == Reaction::fail_partition) {
    pipeline.stop({StopReason::source_refused, pipeline.settled_offset(),
                   protocol::kafka_error(topic->error).message()});
    return true;
  }
  return false;
}

net::Task SourceReader::route_loop() {
  auto backoff = source_.retry_backoff();
  for (;;) {
    while (unrouted_.empty()) {
      const auto woken = co_await unrouted_changed_.wait();
      if (!woken) co_return;
      // Partitions that come back refused again and again are asked for ever less often.
      const auto refused = [](const ShardPartition* partition) { return partition->refused_reads > 1; };
      if (!unrouted_.empty() && std::ranges::none_of(unrouted_, refused)) backoff.reset();
    }
    const auto pause = backoff.next();
    const auto slept =
        co_await source_.io().time.sleep_until(net::saturating_add(source_.io().time.now(), pause));
    if (!slept) co_return;
    const auto refreshed = co_await source_.refresh_metadata(SteadyTime::max());
    if (!refreshed && net::is_aborted(refreshed.error())) co_return;
    if (!refreshed) continue;
    auto looked_at = std::exchange(unrouted_, {});
    for (auto* partition : looked_at) {
      partition->in_route_queue = false;
      if (check_topic(*partition)) {
        changed_(*partition);
      } else if (!route(*partition)) {
        unroute(*partition);
      }
    }
    report_leaderless();
  }
}

void SourceReader::report_leaderless() {
  if (unrouted_.empty() || !lines_.pass("", source_.io().time.now())) return;
  const auto& example = *unrouted_.front();
  log::warn("partitions of the source have no leader; waiting for one",
            {{"flow", options_.name()},
             {"partitions", unrouted_.size()},
             {"topic", example.source.topic},
             {"partition", example.source.partition}});
}

std::vector<ShardPartition*> SourceReader::choose(Broker& broker, LaneKind kind) {
  std::vector<ShardPartition*> chosen;
  const auto count = broker.partitions.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto& partition = *broker.partitions[(broker.next + i) % count];
    if (kind == LaneKind::tip) {
      if (partition.joins_tip && partition.reading == Reading::bulk) partition.reading = Reading::tip;
      if (partition.reading != Reading::tip) continue;
      partition.joins_tip = false;
      if (!partition.pipeline.wants_fetch() || !partition.pipeline.at_end()) {
        partition.reading = Reading::bulk;
        broker.bulk_changed.notify();
        continue;
      }
      chosen.push_back(&partition);
    } else if (partition.reading == Reading::bulk && partition.pipeline.wants_fetch()) {
      chosen.push_back(&partition);
    }
  }
  if (count > 0) broker.next = (broker.next + 1) % count;
  return chosen;
}

net::Task SourceReader::lane_loop(Broker& broker, LaneKind kind) {
  auto& changed = kind == LaneKind::bulk ? broker.bulk_changed : broker.tip_changed;
  auto backoff = source_.retry_backoff();
  for (;;) {
    auto chosen = choose(broker, kind);
    if (chosen.empty()) {
      if (kind == LaneKind::tip) broker.tip_is_idle = true;
      const auto woken = co_await changed.wait();
      if (!woken) co_return;
      if (kind == LaneKind::tip) broker.tip_is_idle = false;
      continue;
    }
    const auto done = co_await fetch_once(broker, kind, std::move(chosen));
    if (done) {
      backoff.reset();
      continue;
    }
    if (net::is_aborted(done.error()) && group_.stopping()) co_return;
    // The broker may be gone for good: its partitions look for their leaders again.
    source_.request_refresh();
    const auto lost = broker.partitions;
    for (auto* partition : lost) {
      const bool mine = partition->reading == (kind == LaneKind::bulk ? Reading::bulk : Reading::tip);
      if (mine) unroute(*partition);
    }
    const auto slept =
        co_await source_.io().time.sleep_until(net::saturating_add(source_.io().time.now(), backoff.next()));
    if (!slept) co_return;
  }
}

protocol::FetchRequest SourceReader::request_for(const std::vector<Asked>& chosen, LaneKind kind,
                                                 std::int16_t version) const {
  protocol::FetchRequest request;
  const bool nothing_to_come = std::ranges::all_of(chosen, [](const Asked& asked) {
    return asked.partition->pipeline.at_end() || asked.partition->found_nothing();
  });
  request.max_wait_ms = kind == LaneKind::tip ? static_cast<std::int32_t>(options_.fetch_max_wait.count())
                        : nothing_to_come     ? kBulkWaitMs
                                              : 0;
  request.min_bytes = kind == LaneKind::tip ? options_.fetch_min_bytes : 1;
  request.max_bytes = options_.fetch_max_bytes;
  request.isolation_level = options_.isolation;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& [partition, offset, last_epoch, leader_epoch] : chosen) {
    const auto [place, is_new] = places.emplace(partition->source.topic, request.topics.size());
    if (is_new)
      request.topics.push_back({.topic = partition->source.topic, .topic_id = partition->source_id});
    protocol::FetchPartition asked;
    asked.partition = partition->source.partition.value();
    asked.current_leader_epoch = leader_epoch.value();
    asked.fetch_offset = offset.value();
    if (version >= 12 && partition->checks_divergence) {
      asked.last_fetched_epoch = last_epoch.value();
    }
    asked.partition_max_bytes = options_.max_partition_fetch_bytes;
    request.topics[place->second].partitions.push_back(asked);
  }
  return request;
}

net::Async<void> SourceReader::fetch_once(Broker& broker, LaneKind kind,
                                          std::vector<ShardPartition*> chosen) {
  const client::Lane lane{client::Role::fetch, kind == LaneKind::bulk ? 0 : 1};
  LH_CO_TRY(const auto connection, co_await source_.connection(broker.id, lane));
  // While the connection was opened, partitions may have moved or filled up.
  std::vector<Asked> asked;
  for (auto* partition : chosen) {
    const bool still_here = partition->source_broker == broker.id && partition->pipeline.wants_fetch();
    if (!still_here) continue;
    const auto& pipeline = partition->pipeline;
    asked.push_back(
        {partition, pipeline.fetch_offset(), pipeline.fetched_leader_epoch(), partition->source_epoch});
  }
  if (asked.empty()) co_return Result<void>{};
  LH_CO_TRY(auto version, connection->version_of<protocol::FetchRequest>());
  const bool lacks_ids =
      std::ranges::any_of(asked, [](const Asked& a) { return a.partition->source_id.is_zero(); });
  client::CallOptions call;
  if (version >= 13 && lacks_ids) {
    version = 12;
    call.max_version = version;
  }
  call.response_pool = &pool_;
  call.deadline = net::saturating_add(source_.io().time.now(),
                                      options_.request_timeout + options_.fetch_max_wait + kDeadlineSlack);
  const auto request = request_for(asked, kind, version);
  LH_CO_TRY(auto pending, connection->submit(request, std::move(call)));
  LH_CO_TRY(const auto response, co_await pending.wait());
  if (response.body.error_code != KafkaErrc::none) {
    co_return fail(protocol::kafka_error(response.body.error_code), "{}: Fetch", connection->name());
  }
  take(response, asked);
  co_return Result<void>{};
}

void SourceReader::take(const client::Owned<protocol::FetchResponse>& response,
                        const std::vector<Asked>& chosen) {
  const bool by_id = response.version >= 13;
  std::unordered_map<std::string, const Asked*> asked;
  for (const auto& one : chosen) {
    const auto& partition = *one.partition;
    asked.emplace(answer_key(partition.source.topic, by_id ? partition.source_id : TopicId(),
                             partition.source.partition.value()),
                  &one);
  }
  bool has_data = response.body.throttle_time_ms > 0;
  for (const auto& topic : response.body.responses) {
    for (const auto& data : topic.partitions) has_data = has_data || !data.records.empty();
  }
  for (const auto& topic : response.body.responses) {
    for (const auto& data : topic.partitions) {
      const auto found =
          asked.find(answer_key(topic.topic, by_id ? topic.topic_id : TopicId(), data.partition_index));
      if (found == asked.end()) continue;
      auto& partition = *found->second->partition;
      // Another lane has brought this stretch already, or has seen that the log was cut: a partition may be
      // in both while it changes over.
      if (!found->second->is_current()) continue;
      partition.found_nothing_at.reset();
      if (!has_data) {
        partition.found_nothing_at = found->second->offset;
        partition.nothing_is_left = is_the_end(partition, end_of(data, options_.isolation));
      }
      take_partition(*found->second, data, response.frame);
      changed_(partition);
    }
  }
}

bool SourceReader::is_the_end(ShardPartition& partition, Offset end) const {
  if (end >= partition.goal) return true;
  // A new leader knows a moment later how far the log goes; or it was cut.
  const auto now = source_.io().time.now();
  if (partition.short_end != end) {
    partition.short_end = end;
    partition.short_since = now;
  }
  return now - partition.short_since > kShortEnd;
}

void SourceReader::take_partition(const Asked& asked, const protocol::PartitionData& data,
                                  const Slice& frame) {
  auto& partition = *asked.partition;
  if (data.error_code != KafkaErrc::none) {
    take_error(partition, data);
    return;
  }
  partition.refused_reads = 0;
  auto& pipeline = partition.pipeline;
  if (data.diverging_epoch.epoch >= 0 || data.diverging_epoch.end_offset >= 0) {
    take_cut(partition, LeaderEpoch(data.diverging_epoch.epoch), Offset(data.diverging_epoch.end_offset));
    return;
  }
  partition.source_start = std::max(partition.source_start, Offset(data.log_start_offset));
  const auto before = pipeline.fetch_offset();
  pipeline.on_fetched(fetched_set(data, frame, options_.isolation, asked.leader_epoch));
  if (pipeline.fetch_offset() > before) partition.checks_divergence = true;
  if (partition.reading == Reading::bulk) {
    partition.joins_tip = pipeline.at_end();
    auto& lanes = broker(partition.source_broker);
    if (partition.joins_tip && lanes.tip_is_idle) {
      partition.reading = Reading::tip;
      lanes.tip_changed.notify();
    }
  } else if (partition.reading == Reading::tip && !pipeline.at_end()) {
    partition.reading = Reading::bulk;
    broker(partition.source_broker).bulk_changed.notify();
  }
}

void SourceReader::take_error(ShardPartition& partition, const protocol::PartitionData& data) {
  auto& pipeline = partition.pipeline;
  switch (client::reaction_to(data.error_code)) {
    case Reaction::reset_position:
      partition.reading = Reading::paused;
      group_.spawn([this, &partition] { return find_position(partition); });
      return;
    case Reaction::fail_partition:
    case Reaction::fail_flow:
      pipeline.stop({StopReason::source_refused, pipeline.settled_offset(),
                     protocol::kafka_error(data.error_code).message()});
      return;
    default:
      break;
  }
  // A leader that moves is no news, one that refuses for long is.
  const auto reason = protocol::kafka_error(data.error_code).message();
  if (++partition.refused_reads > kQuietRefusals && lines_.pass(reason, source_.io().time.now())) {
    log::warn("the source refuses reads for now; they are repeated",
              {{"flow", options_.name()},
               {"topic", partition.source.topic},
               {"partition", partition.source.partition},
               {"reason", reason}});
  }
  const auto& leader = data.current_leader;
  if (leader.leader_id >= 0) {
    source_.learn_leader(partition.source, {BrokerId(leader.leader_id), LeaderEpoch(leader.leader_epoch)});
  }
  unroute(partition);
}

}  // namespace longhaul::replicator
