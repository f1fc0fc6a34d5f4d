#include "replicator/stored_position.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace longhaul::replicator {
namespace {

using Json = nlohmann::json;
// Keeps the order of insertion, so that a record reads well with kcat.
using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kPositionKind = "position";
constexpr int kFirstVersion = 1;
constexpr std::string_view kSegmentKind = "offset-map";

ErrorCode bad_record() {
  return make_error_code(boost::system::errc::bad_message);
}

std::string dump(const auto& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

OrderedJson to_json(const ProducerState& producer) {
  return {{"id", producer.id.value()}, {"epoch", producer.epoch}, {"nextSequence", producer.next_sequence}};
}

/// Json's own conversion cuts what does not fit, and takes fractions.
template <class T>
T integer(const Json& json) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<T>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
  if (!fits) throw std::invalid_argument(std::string("not a number that fits: ") + json.type_name());
  return static_cast<T>(json.get<std::int64_t>());
}

template <class T>
T integer(const Json& object, const char* name, T otherwise) {
  const auto found = object.find(name);
  return found == object.end() ? otherwise : integer<T>(*found);
}

/// Far from where sums of offsets and counts overflow.
constexpr std::int64_t kOffsetMax = std::int64_t{1} << 60U;
/// Stands for no offset.
constexpr std::int64_t kNone = -1;

std::int64_t offset(const Json& json, std::int64_t least = 0) {
  const auto number = integer<std::int64_t>(json);
  if (number < least || number > kOffsetMax)
    throw std::invalid_argument(fmt::format("no offset: {}", number));
  return number;
}

ProducerState to_producer(const Json& json) {
  return {.id = ProducerId(integer<std::int64_t>(json.at("id"))),
          .epoch = integer<std::int16_t>(json.at("epoch")),
          .next_sequence = integer<std::int32_t>(json.at("nextSequence"))};
}

/// The first records of this version did not name the producer of the anchor.
ProducerState to_anchor_producer(const Json& anchor) {
  return {.id = ProducerId(integer(anchor, "producerId", std::int64_t{-1})),
          .epoch = integer(anchor, "epoch", std::int16_t{-1}),
          .next_sequence = integer(anchor, "sequence", std::int32_t{0})};
}

OrderedJson nullable(const std::optional<std::int64_t>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

std::optional<std::int64_t> to_nullable(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(integer<std::int64_t>(json));
}

TopicId to_topic_id(const std::string& text) {
  if (text.empty()) return {};
  auto id = TopicId::parse(text);
  if (!id) throw std::invalid_argument("topic id '" + text + "'");
  return *id;
}

/// Runs `parse`, which throws on a missing field or a wrong type, and turns that into an Error.
template <class Parse>
auto guarded(std::string_view what, Parse&& parse) -> Result<decltype(parse())> {
  try {
    return parse();
  } catch (const std::exception& error) {
    return fail(bad_record(), "{}: {}", what, error.what());
  }
}

}  // namespace

std::string position_key(std::string_view source_alias, const TopicPartition& source) {
  return dump(Json::array(
      {kPositionKind,
       {{"cluster", source_alias}, {"partition", source.partition.value()}, {"topic", source.topic}}}));
}

std::string segment_key(std::string_view source_alias, const TopicPartition& source, const TopicId& topic_id,
                        std::int64_t segment) {
  return dump(Json::array({kSegmentKind,
                           {{"cluster", source_alias},
                            {"partition", source.partition.value()},
                            {"segment", segment},
                            {"topic", source.topic},
                            {"topicId", topic_id.to_string()}}}));
}

std::string position_value(const StoredPosition& position) {
  const auto& progress = position.progress;
  OrderedJson producers = OrderedJson::array();
  for (const auto& producer : position.producers) producers.push_back(to_json(producer));
  OrderedJson anchor;
  if (progress.anchor) {
    anchor = {{"offset", progress.anchor->target_base.value()},
              {"records", progress.anchor->records},
              {"payloadCrc", progress.anchor->payload_crc},
              {"producerId", progress.anchor->producer.id.value()},
              {"epoch", progress.anchor->producer.epoch},
              {"sequence", progress.anchor->producer.next_sequence}};
  }
  OrderedJson record{
      {"version", position.transactional ? kStateVersion : kFirstVersion},
      {"source",
       {{"clusterId", position.source_cluster_id},
        {"topicId", position.source_topic_id.to_string()},
        {"offset", progress.source_offset.value()},
        {"leaderEpoch", progress.source_leader_epoch.value()}}},
      {"target",
       {{"clusterId", position.target_cluster_id},
        {"topic", position.target_topic},
        {"topicId", position.target_topic_id.to_string()},
        {"offset", progress.target_offset.value()}}},
      {"anchor", anchor},
      {"producers", producers},
      {"selection", position.selection},
      {"mm2", {{"before", nullable(position.mm2_before)}, {"after", nullable(position.mm2_after)}}},
      {"mapSegment", position.map_segment},
      {"drained", position.drained},
      {"writer", position.writer},
      {"writtenMs", position.written_ms}};
  if (position.transactional) record["transactional"] = true;
  return dump(record);
}

std::string segment_value(const MapSegment& segment) {
  OrderedJson runs = OrderedJson::array();
  for (const auto& run : segment.runs) {
    runs.push_back(OrderedJson::array({run.source.value(), run.target.value(), run.records}));
  }
  return dump(OrderedJson{{"version", kFirstVersion}, {"runs", runs}});
}

Result<std::optional<StateKey>> parse_state_key(std::string_view source_alias, std::string_view key) {
  return guarded("key of a state record", [&]() -> std::optional<StateKey> {
    const auto json = Json::parse(key);
    const auto& kind = json.at(0).get_ref<const std::string&>();
    if (kind != kPositionKind && kind != kSegmentKind) return std::nullopt;
    const auto& fields = json.at(1);
    if (fields.at("cluster").get_ref<const std::string&>() != source_alias) return std::nullopt;
    StateKey parsed;
    parsed.source = {fields.at("topic").get<std::string>(),
                     PartitionIndex(integer<std::int32_t>(fields.at("partition")))};
    if (kind == kSegmentKind) {
      parsed.kind = StateKey::Kind::map_segment;
      parsed.topic_id = fields.at("topicId").get<std::string>();
      parsed.segment = offset(fields.at("segment"));
    }
    return parsed;
  });
}

Result<StoredPosition> parse_position(std::string_view value) {
  return guarded("value of a position record", [&] {
    const auto json = Json::parse(value);
    const auto version = integer<int>(json.at("version"));
    if (version > kStateVersion) {
      throw std::invalid_argument(fmt::format(
          "version {} was written by a newer Longhaul (this one knows {})", version, kStateVersion));
    }
    StoredPosition position;
    const auto& source = json.at("source");
    position.source_cluster_id = source.at("clusterId").get<std::string>();
    position.source_topic_id = to_topic_id(source.at("topicId").get<std::string>());
    position.progress.source_offset = Offset(offset(source.at("offset")));
    position.progress.source_leader_epoch = LeaderEpoch(integer<std::int32_t>(source.at("leaderEpoch")));
    const auto& target = json.at("target");
    position.target_cluster_id = target.at("clusterId").get<std::string>();
    position.target_topic = target.at("topic").get<std::string>();
    position.target_topic_id = to_topic_id(target.at("topicId").get<std::string>());
    position.progress.target_offset = Offset(offset(target.at("offset"), kNone));
    if (const auto& anchor = json.at("anchor"); !anchor.is_null()) {
      position.progress.anchor = Anchor{.target_base = Offset(offset(anchor.at("offset"))),
                                        .records = integer<std::int32_t>(anchor.at("records")),
                                        .payload_crc = integer<std::uint32_t>(anchor.at("payloadCrc")),
                                        .producer = to_anchor_producer(anchor)};
    }
    for (const auto& producer : json.at("producers")) position.producers.push_back(to_producer(producer));
    if (!position.producers.empty()) position.progress.producer = position.producers.back();
    position.selection = json.at("selection").get<std::string>();
    position.mm2_before = to_nullable(json.at("mm2").at("before"));
    position.mm2_after = to_nullable(json.at("mm2").at("after"));
    position.map_segment = offset(json.at("mapSegment"), kNone);
    position.drained = json.at("drained").get<bool>();
    position.transactional = json.value("transactional", false);
    position.writer = json.value("writer", std::string());
    position.written_ms = integer<std::int64_t>(json.at("writtenMs"));
    return position;
  });
}

Result<MapSegment> parse_segment(std::int64_t number, std::string_view value) {
  return guarded("value of an offset-map record", [&] {
    const auto json = Json::parse(value);
    if (integer<int>(json.at("version")) > kStateVersion)
      throw std::invalid_argument("written by a newer Longhaul");
    MapSegment segment{number, {}};
    Offset source;
    Offset target;
    for (const auto& run : json.at("runs")) {
      const OffsetRun one{Offset(offset(run.at(0))), Offset(offset(run.at(1))), offset(run.at(2), 1)};
      if (one.source < source || one.target < target) throw std::invalid_argument("runs that fall");
      segment.runs.push_back(one);
      source = one.source + one.records;
      target = one.target + one.records;
    }
    return segment;
  });
}

std::string mm2_offset_key(std::string_view connector, std::string_view source_alias,
                           const TopicPartition& source) {
  // Json sorts object keys, which is the order MM2 writes: Connect finds its offsets by the bytes of the key.
  return dump(Json::array(
      {connector,
       {{"cluster", source_alias}, {"partition", source.partition.value()}, {"topic", source.topic}}}));
}

std::string mm2_offset_value(std::int64_t last_offset) {
  return dump(Json{{"offset", last_offset}});
}

std::optional<TopicPartition> parse_mm2_offset_key(std::string_view connector, std::string_view source_alias,
                                                   std::string_view key) {
  const auto json = Json::parse(key, nullptr, false);
  if (!json.is_array() || json.size() != 2 || json[0] != connector || !json[1].is_object())
    return std::nullopt;
  const auto& fields = json[1];
  const auto cluster = fields.find("cluster");
  const auto topic = fields.find("topic");
  const auto partition = fields.find("partition");
  if (cluster == fields.end() || *cluster != source_alias) return std::nullopt;
  if (topic == fields.end() || !topic->is_string()) return std::nullopt;
  if (partition == fields.end() || !partition->is_number_integer()) return std::nullopt;
  if (!std::in_range<std::int32_t>(partition->get<std::int64_t>())) return std::nullopt;
  return TopicPartition{topic->get<std::string>(), PartitionIndex(partition->get<std::int32_t>())};
}

std::optional<std::int64_t> parse_mm2_offset_value(std::string_view value) {
  const auto json = Json::parse(value, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto offset = json.find("offset");
  if (offset == json.end() || !offset->is_number_integer()) return std::nullopt;
  return offset->get<std::int64_t>();
}

PartitionIndex partition_for_key(ConstBytes key, std::int32_t partitions) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr std::uint32_t kSeed = 0x9747b28c;
  const auto byte = [&](std::size_t at) { return std::to_integer<std::uint32_t>(key[at]); };
  auto hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    auto word = byte(at) | (byte(at + 1) << 8U) | (byte(at + 2) << 16U) | (byte(at + 3) << 24U);
    word *= kMultiplier;
    word ^= word >> 24U;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
  }
  const auto rest = key.size() - at;
  if (rest >= 3) hash ^= byte(at + 2) << 16U;
  if (rest >= 2) hash ^= byte(at + 1) << 8U;
  if (rest >= 1) hash = (hash ^ byte(at)) * kMultiplier;
  hash = (hash ^ (hash >> 13U)) * kMultiplier;
  hash ^= hash >> 15U;
  return PartitionIndex(
      static_cast<std::int32_t>((hash & 0x7FFFFFFFU) % static_cast<std::uint32_t>(partitions)));
}

}  // namespace longhaul::replicator
