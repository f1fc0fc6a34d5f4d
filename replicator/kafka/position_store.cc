#include "replicator/kafka/position_store.h"

#include <utility>

#include "base/log.h"

namespace longhaul::replicator {
namespace {

/// A segment of 256 runs takes about 8 KB as text, and a batch may have 1 MB by default.
constexpr std::size_t kSegmentsPerBatch = 32;

}  // namespace

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
  }
  LH_CO_TRY(state_partitions_,
            co_await ensure_compacted_topic(target_, options_for(options_.state_topic), deadline));
  LH_CO_TRY(state_, co_await read_compacted_topic(target_, options_.state_topic, deadline));
  for (const auto& [key, value] : state_) {
    const auto parsed = parse_state_key(options_.source_alias, key);
    if (!parsed) co_return in_context(parsed.error(), "topic {}", options_.state_topic);
    if (!*parsed || (*parsed)->kind != StateKey::Kind::position) continue;
    auto position = parse_position(value);
    if (!position)
      co_return in_context(std::move(position).error(), "topic {}, key {}", options_.state_topic, key);
    positions_[(*parsed)->source] = *std::move(position);
  }
  LH_CO_TRY(auto offsets, co_await read_compacted_topic(target_, options_.offsets_topic, deadline));
  if (options_.connector_offsets_topic) {
    LH_CO_TRY(auto primary,
              co_await read_compacted_topic(target_, *options_.connector_offsets_topic, deadline));
    for (auto& [key, value] : primary) offsets[key] = std::move(value);
  }
  for (const auto& [key, value] : offsets) {
    const auto source = parse_mm2_offset_key(options_.connector_name, options_.source_alias, key);
    const auto offset = parse_mm2_offset_value(value);
    if (source && offset) mm2_offsets_[*source] = *offset;
  }
  co_return Result<void>{};
}

std::optional<StoredPosition> PositionStore::position(const TopicPartition& source) const {
  const auto found = positions_.find(source);
  return found == positions_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::int64_t> PositionStore::mm2_offset(const TopicPartition& source) const {
  const auto found = mm2_offsets_.find(source);
  return found == mm2_offsets_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<MapSegment> PositionStore::segment(const TopicPartition& source, const TopicId& topic_id,
                                                 std::int64_t number) const {
  const auto found = state_.find(segment_key(options_.source_alias, source, topic_id, number));
  if (found == state_.end()) return std::nullopt;
  auto parsed = parse_segment(number, found->second);
  if (parsed) return *std::move(parsed);
  log::warn("a stored segment of the offset map cannot be read; the map goes on without it",
            {{"topic", source.topic}, {"partition", source.partition}, {"reason", parsed.error().message()}});
  return std::nullopt;
}

StoredPosition PositionStore::to_store(const PartitionReport& report) const {
  StoredPosition stored;
  stored.source_cluster_id = source_cluster_id_;
  stored.source_topic_id = report.source_id;
  stored.target_cluster_id = target_cluster_id_;
  stored.target_topic = report.target.topic;
  stored.target_topic_id = report.target_id;
  stored.progress = report.progress;
  stored.producers = {report.progress.producer};
  stored.selection = selection_fingerprint(options_);
  stored.mm2_before = mm2_offset(report.source);
  // MM2 stores the last replicated offset, so nothing can be said before the first one.
  const auto last = report.progress.source_offset.value() - 1;
  stored.mm2_after = last >= 0 ? std::optional(last) : stored.mm2_before;
  stored.map_segment = report.last_segment;
  stored.drained = report.drained;
  stored.written_ms = target_.io().time.wall_ms();
  return stored;
}

net::Async<void> PositionStore::write_mm2(const std::map<TopicPartition, std::int64_t>& offsets,
                                          SteadyTime deadline) {
  for (const auto& [topic, partitions] : offsets_topics_) {
    std::map<PartitionIndex, std::vector<InternalTopicWriter::Group>> records;
    for (const auto& [source, offset] : offsets) {
      auto key = mm2_offset_key(options_.connector_name, options_.source_alias, source);
      const auto partition = partition_for_key(as_bytes(key), partitions);
      records[partition].push_back({{std::move(key), mm2_offset_value(offset)}});
    }
    for (auto& [partition, groups] : records) {
      LH_CO_TRY_VOID(co_await writer_.write({topic, partition}, std::move(groups), deadline));
    }
  }
  co_return Result<void>{};
}

net::Async<void> PositionStore::finish_mm2(SteadyTime deadline) {
  if (mm2_unfinished_.empty()) co_return Result<void>{};
  LH_CO_TRY_VOID(co_await write_mm2(mm2_unfinished_, deadline));
  for (const auto& [source, offset] : mm2_unfinished_) mm2_offsets_[source] = offset;
  mm2_unfinished_.clear();
  co_return Result<void>{};
}

net::Async<void> PositionStore::write(const std::vector<PartitionReport>& reports, SteadyTime deadline) {
  // A write that was begun earlier ends first: our next record names what stands in MM2's.
  LH_CO_TRY_VOID(co_await finish_mm2(deadline));
  std::map<PartitionIndex, std::vector<InternalTopicWriter::Group>> ours;
  std::map<TopicPartition, std::int64_t> mm2;
  std::vector<std::pair<TopicPartition, StoredPosition>> written;
  for (const auto& report : reports) {
    auto stored = to_store(report);
    auto key = position_key(options_.source_alias, report.source);
    auto& groups = ours[partition_for_key(as_bytes(key), state_partitions_)];
    InternalTopicWriter::Group group;
    for (const auto& segment : report.segments) {
      group.push_back({segment_key(options_.source_alias, report.source, report.source_id, segment.number),
                       segment_value(segment)});
      if (group.size() < kSegmentsPerBatch) continue;
      // A log full of holes makes more of them than one batch takes. Ahead of their position they do no harm:
      // what lies behind it is left out when they are read.
      groups.push_back(std::exchange(group, {}));
    }
    group.push_back({std::move(key), position_value(stored)});
    groups.push_back(std::move(group));
    if (stored.mm2_after && stored.mm2_after != stored.mm2_before) mm2[report.source] = *stored.mm2_after;
    written.emplace_back(report.source, std::move(stored));
  }
  for (auto& [partition, groups] : ours) {
    LH_CO_TRY_VOID(co_await writer_.write({options_.state_topic, partition}, std::move(groups), deadline));
  }
  for (auto& [source, stored] : written) positions_[source] = std::move(stored);
  mm2_unfinished_ = std::move(mm2);
  co_return co_await finish_mm2(deadline);
}

}  // namespace longhaul::replicator
