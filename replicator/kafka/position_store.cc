#include "replicator/kafka/position_store.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "replicator/kafka/bounded.h"

namespace longhaul::replicator {
namespace {

/// A segment of 256 runs takes about 8 KB as text, and a batch may have 1 MB by default.
constexpr std::size_t kSegmentsPerBatch = 32;

}  // namespace

namespace {

/// Producers that write at the same time.
constexpr std::size_t kWritersMax = 16;

}  // namespace

PositionStore::PositionStore(client::Cluster& target, const FlowOptions& options, Owners& owners)
    : target_(target), options_(options), owners_(owners), clock_(target.io().time) {}

std::string selection_fingerprint(const FlowOptions& options) {
  std::string selection =
      options.isolation == protocol::IsolationLevel::read_committed ? "read_committed" : "read_uncommitted";
  if (options.append_times == AppendTimes::passthrough) selection += ", longhaul.log.append.time=passthrough";
  return selection;
}

void PositionStore::set_clusters(std::string source_id, std::string target_id) {
  source_cluster_id_ = std::move(source_id);
  target_cluster_id_ = std::move(target_id);
}

net::Async<void> PositionStore::open(SteadyTime deadline) {
  const auto options_for = [&](const std::string& name) {
    return InternalTopicOptions{.name = name,
                                .partitions = options_.offsets_partitions,
                                .replication_factor = options_.offsets_replication_factor,
                                .configs = options_.offsets_topic_configs};
  };
  std::vector<std::string> offsets_topics = {options_.offsets_topic};
  if (options_.connector_offsets_topic) offsets_topics.push_back(*options_.connector_offsets_topic);
  for (const auto& topic : offsets_topics) {
    LH_CO_TRY(offsets_topics_[topic], co_await ensure_compacted_topic(target_, options_for(topic), deadline));
    topics_[topic] = std::make_unique<CompactedTopic>(target_, topic);
  }
  LH_CO_TRY(state_partitions_,
            co_await ensure_compacted_topic(target_, options_for(options_.state_topic), deadline));
  topics_[options_.state_topic] = std::make_unique<CompactedTopic>(target_, options_.state_topic);
  LH_CO_TRY(auto state, co_await topics_[options_.state_topic]->read_all(deadline));
  LH_CO_TRY_VOID(take_state(std::move(state)));
  for (const auto& topic : offsets_topics) {
    LH_CO_TRY(auto offsets, co_await topics_[topic]->read_all(deadline));
    take_mm2(topic, std::move(offsets));
  }
  co_return Result<void>{};
}

Result<void> PositionStore::take_state(CompactedChanges changes) {
  std::set<TopicPartition> named;
  for (auto& [key, change] : changes) {
    auto& value = change.value;
    const auto parsed = parse_state_key(options_.source_alias, key);
    if (!parsed) return in_context(parsed.error(), "topic {}", options_.state_topic);
    if (!*parsed) continue;
    named.insert((*parsed)->source);
    if ((*parsed)->kind == StateKey::Kind::map_segment) {
      take_segment(**parsed, std::move(value));
      continue;
    }
    if (!value) {
      positions_.erase((*parsed)->source);
      continue;
    }
    auto position = parse_position(*value);
    if (!position)
      return in_context(std::move(position).error(), "topic {}, key {}", options_.state_topic, key);
    positions_[(*parsed)->source] = *std::move(position);
  }
  for (const auto& source : named) {
    const auto position = positions_.find(source);
    if (position == positions_.end()) continue;
    const auto segments = segments_.find({source, position->second.source_topic_id});
    if (segments != segments_.end()) segments->second.let_go(position->second.map_segment);
  }
  return {};
}

void PositionStore::take_segment(const StateKey& key, std::optional<std::string> value) {
  const auto topic_id = TopicId::parse(key.topic_id);
  if (!topic_id) return;
  auto& segments = segments_[{key.source, *topic_id}];
  if (!value) {
    segments.remove(key.segment);
    return;
  }
  auto parsed = parse_segment(key.segment, *value);
  if (parsed) {
    segments.take(*parsed, *std::move(value));
    return;
  }
  log::warn("a stored segment of the offset map cannot be read; the map goes on without it",
            {{"topic", key.source.topic},
             {"partition", key.source.partition},
             {"reason", parsed.error().message()}});
}

void PositionStore::take_mm2(const std::string& topic, CompactedChanges changes) {
  auto& offsets = mm2_offsets_[topic];
  for (const auto& [key, change] : changes) {
    const auto& value = change.value;
    const auto source = parse_mm2_offset_key(options_.connector_name, options_.source_alias, key);
    if (!source) continue;
    const auto offset = value ? parse_mm2_offset_value(*value) : std::nullopt;
    if (offset) {
      offsets[*source] = {*offset, change.writer};
    } else if (!value) {
      offsets.erase(*source);
    }
  }
}

std::set<TopicPartition> PositionStore::partitions_of(const TopicPartition& source) const {
  std::set<TopicPartition> partitions;
  const auto key = position_key(options_.source_alias, source);
  partitions.insert({options_.state_topic, partition_for_key(as_bytes(key), state_partitions_)});
  const auto mm2_key = mm2_offset_key(options_.connector_name, options_.source_alias, source);
  for (const auto& [topic, count] : offsets_topics_) {
    partitions.insert({topic, partition_for_key(as_bytes(mm2_key), count)});
  }
  return partitions;
}

net::Async<Offset> PositionStore::read_to_marker(TopicPartition partition, ProducerEpoch producer,
                                                 SteadyTime deadline) {
  auto& topic = *topics_.at(partition.topic);
  LH_CO_TRY(auto found, co_await topic.read_to_marker(partition.partition, producer, deadline));
  clock_.saw_marker(found.marker_ms);
  if (partition.topic == options_.state_topic) {
    LH_CO_TRY_VOID(take_state(std::move(found.changes)));
  } else {
    take_mm2(partition.topic, std::move(found.changes));
  }
  co_return found.marker;
}

net::Async<std::string> PositionStore::writer_of(TopicPartition source, SteadyTime deadline) {
  const auto key = position_key(options_.source_alias, source);
  const auto partition = partition_for_key(as_bytes(key), state_partitions_);
  LH_CO_TRY(auto changes, co_await topics_.at(options_.state_topic)->read_on(partition, deadline));
  LH_CO_TRY_VOID(take_state(std::move(changes)));
  const auto found = positions_.find(source);
  co_return found == positions_.end() ? std::string() : found->second.writer;
}

std::optional<StoredPosition> PositionStore::position(const TopicPartition& source) const {
  const auto found = positions_.find(source);
  return found == positions_.end() ? std::nullopt : std::optional(found->second);
}

const PositionStore::Mm2Offset* PositionStore::find_mm2(const TopicPartition& source) const {
  for (const auto* topic : {options_.connector_offsets_topic ? &*options_.connector_offsets_topic : nullptr,
                            &options_.offsets_topic}) {
    if (topic == nullptr) continue;
    const auto offsets = mm2_offsets_.find(*topic);
    if (offsets == mm2_offsets_.end()) continue;
    const auto found = offsets->second.find(source);
    if (found != offsets->second.end()) return &found->second;
  }
  return nullptr;
}

std::optional<std::int64_t> PositionStore::mm2_offset(const TopicPartition& source) const {
  const auto* found = find_mm2(source);
  return found == nullptr ? std::nullopt : std::optional(found->offset);
}

ProducerId PositionStore::mm2_writer(const TopicPartition& source) const {
  const auto* found = find_mm2(source);
  return found == nullptr ? ProducerId() : found->writer;
}

std::optional<MapSegment> PositionStore::segment(const TopicPartition& source, const TopicId& topic_id,
                                                 std::int64_t number) const {
  const auto found = segments_.find({source, topic_id});
  if (found == segments_.end()) return std::nullopt;
  const auto* value = found->second.value(number);
  if (value == nullptr) return std::nullopt;
  auto parsed = parse_segment(number, *value);
  LH_CHECK(parsed.has_value());  // it was read or written as one
  return *std::move(parsed);
}

StoredPosition PositionStore::to_store(const PartitionReport& report) const {
  StoredPosition stored;
  stored.source_cluster_id = source_cluster_id_;
  stored.source_topic_id = report.source_id;
  stored.target_cluster_id = target_cluster_id_;
  stored.target_topic = report.target.topic;
  stored.target_topic_id = report.target_id;
  stored.progress = report.progress;
  if (report.progress.producer.id != ProducerId()) stored.producers = {report.progress.producer};
  stored.selection = selection_fingerprint(options_);
  stored.mm2_before = mm2_offset(report.source);
  // MM2 stores the last replicated offset, so nothing can be said before the first one.
  const auto last = report.progress.source_offset.value() - 1;
  stored.mm2_after = last >= 0 ? std::optional(last) : stored.mm2_before;
  stored.map_segment = report.last_segment;
  stored.drained = report.drained;
  stored.transactional = report.transactional;
  stored.writer = options_.instance;
  stored.written_ms = target_.io().time.wall_ms();
  return stored;
}

PositionStore::Writer& PositionStore::writer_under(std::shared_ptr<SharedProducer> shared) {
  auto& slot = writers_[shared.get()];
  if (slot == nullptr) slot = std::make_unique<Writer>(target_, clock_, std::move(shared));
  return *slot;
}

void PositionStore::add_state(InternalTopicWriter::Writes& writes, const PartitionReport& report,
                              const StoredPosition& stored) const {
  auto key = position_key(options_.source_alias, report.source);
  const TopicPartition place{options_.state_topic, partition_for_key(as_bytes(key), state_partitions_)};
  InternalTopicWriter::Group group;
  for (const auto& segment : report.segments) {
    group.push_back({segment_key(options_.source_alias, report.source, report.source_id, segment.number),
                     segment_value(segment)});
    if (group.size() < kSegmentsPerBatch) continue;
    // A log full of holes makes more of them than one batch takes. Ahead of their position they do no harm:
    // what lies behind it is left out when they are read.
    writes[place].push_back(std::exchange(group, {}));
  }
  for (const auto& [topic_id, number] : expired_segments(report)) {
    group.push_back({segment_key(options_.source_alias, report.source, topic_id, number), std::nullopt});
  }
  group.push_back({std::move(key), position_value(stored)});
  writes[place].push_back(std::move(group));
}

std::vector<std::pair<TopicId, std::int64_t>> PositionStore::expired_segments(
    const PartitionReport& report) const {
  std::vector<std::pair<TopicId, std::int64_t>> expired;
  for (auto at = segments_.lower_bound({report.source, TopicId()});
       at != segments_.end() && at->first.first == report.source; ++at) {
    const auto& topic_id = at->first.second;
    // Of the same topic, perhaps, before its cluster had ids.
    if (topic_id.is_zero() && !report.source_id.is_zero()) continue;
    const auto numbers = topic_id == report.source_id
                             ? at->second.expired(report.last_segment, report.source_start,
                                                  report.target_start, kSegmentsPerBatch)
                             : at->second.all(kSegmentsPerBatch);
    for (const auto number : numbers) expired.emplace_back(topic_id, number);
  }
  return expired;
}

void PositionStore::add_mm2(InternalTopicWriter::Writes& writes, const TopicPartition& source,
                            std::int64_t offset) const {
  const auto key = mm2_offset_key(options_.connector_name, options_.source_alias, source);
  for (const auto& [topic, partitions] : offsets_topics_) {
    writes[{topic, partition_for_key(as_bytes(key), partitions)}].push_back(
        {{key, mm2_offset_value(offset)}});
  }
}

void PositionStore::take_segments(const PartitionReport& report) {
  for (const auto& [topic_id, number] : expired_segments(report)) {
    const auto found = segments_.find({report.source, topic_id});
    found->second.remove(number);
    if (found->second.empty()) segments_.erase(found);
  }
  if (report.segments.empty()) return;
  auto& segments = segments_[{report.source, report.source_id}];
  for (const auto& segment : report.segments) segments.take(segment, segment_value(segment));
  segments.let_go(report.last_segment);
}

net::Async<void> PositionStore::finish_mm2(Writer& writer, SteadyTime deadline) {
  if (writer.mm2_unfinished.empty()) co_return Result<void>{};
  InternalTopicWriter::Writes writes;
  for (const auto& [source, offset] : writer.mm2_unfinished) add_mm2(writes, source, offset);
  LH_CO_TRY_VOID(co_await writer.topics.write(std::move(writes), deadline));
  for (auto& [topic, offsets] : mm2_offsets_) {
    for (const auto& [source, offset] : writer.mm2_unfinished) offsets[source] = {offset, ProducerId()};
  }
  writer.mm2_unfinished.clear();
  co_return Result<void>{};
}

net::Async<void> PositionStore::write_job(Job& job, SteadyTime deadline) {
  auto& writer = *job.writer;
  // A write that was begun earlier ends first: our next record names what stands in MM2's.
  LH_CO_TRY_VOID(co_await finish_mm2(writer, deadline));
  InternalTopicWriter::Writes writes;
  std::map<TopicPartition, std::int64_t> mm2;
  std::vector<std::pair<TopicPartition, StoredPosition>> written;
  for (const auto* report : job.reports) {
    auto stored = to_store(*report);
    add_state(writes, *report, stored);
    if (stored.mm2_after && stored.mm2_after != stored.mm2_before) mm2[report->source] = *stored.mm2_after;
    written.emplace_back(report->source, std::move(stored));
  }
  LH_CO_TRY_VOID(co_await writer.topics.write(std::move(writes), deadline));
  for (auto& [source, stored] : written) positions_[source] = std::move(stored);
  for (const auto* report : job.reports) take_segments(*report);
  writer.mm2_unfinished = std::move(mm2);
  co_return co_await finish_mm2(writer, deadline);
}

net::Async<void> PositionStore::write_in_transaction(const std::vector<PartitionReport>& reports,
                                                     std::shared_ptr<SharedProducer> producer,
                                                     SteadyTime deadline) {
  InternalTopicWriter::Writes writes;
  for (const auto& report : reports) {
    const auto stored = to_store(report);
    add_state(writes, report, stored);
    if (stored.mm2_after && stored.mm2_after != stored.mm2_before) {
      add_mm2(writes, report.source, *stored.mm2_after);
    }
  }
  co_return co_await writer_under(std::move(producer)).topics.write(std::move(writes), deadline);
}

void PositionStore::take_committed(const std::vector<PartitionReport>& reports) {
  for (const auto& report : reports) {
    auto stored = to_store(report);
    if (stored.mm2_after) {
      for (auto& [topic, offsets] : mm2_offsets_) offsets[report.source] = {*stored.mm2_after, ProducerId()};
    }
    positions_[report.source] = std::move(stored);
    take_segments(report);
  }
}

net::Async<PositionStore::Failures> PositionStore::write(const std::vector<PartitionReport>& reports,
                                                         SteadyTime deadline) {
  // In the order of the reports, whatever the addresses are: a simulated run repeats exactly.
  std::vector<Job> all;
  std::map<const Writer*, std::size_t> places;
  for (const auto& report : reports) {
    auto& writer = writer_under(owners_.writer_of(report.target));
    const auto [place, is_new] = places.emplace(&writer, all.size());
    if (is_new) all.push_back({.writer = &writer, .reports = {}, .outcome = {}});
    all[place->second].reports.push_back(&report);
  }
  std::vector<Job*> jobs;
  for (auto& job : all) jobs.push_back(&job);
  LH_CO_TRY_VOID(co_await for_each_bounded(
      target_.io(), jobs, kWritersMax,
      [this, deadline](Job*& job) -> net::Async<void> { return run_job(*job, deadline); }));
  Failures failures;
  for (const auto* job : jobs) {
    if (job->outcome) continue;
    for (const auto* report : job->reports) failures[report->source] = job->outcome.error();
  }
  co_return failures;
}

net::Async<void> PositionStore::run_job(Job& job, SteadyTime deadline) {
  job.outcome = co_await write_job(job, deadline);
  // The others go on.
  if (!job.outcome && net::is_aborted(job.outcome.error())) co_return job.outcome;
  co_return Result<void>{};
}

AwaitInternal markers_in(PositionStore& store) {
  return [&store](TopicPartition partition, ProducerEpoch producer, SteadyTime until) {
    return store.read_to_marker(std::move(partition), producer, until);
  };
}

}  // namespace longhaul::replicator
