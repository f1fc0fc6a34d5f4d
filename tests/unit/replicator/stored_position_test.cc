#include "replicator/stored_position.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

TopicId topic_id(std::uint8_t seed) {
  TopicId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(seed + i * 17);
  return id;
}

StoredPosition sample() {
  StoredPosition position;
  position.source_cluster_id = "src-cluster";
  position.source_topic_id = topic_id(1);
  position.target_cluster_id = "dst-cluster";
  position.target_topic = "A.orders";
  position.target_topic_id = topic_id(99);
  position.progress.source_offset = Offset(123);
  position.progress.source_leader_epoch = LeaderEpoch(4);
  position.progress.target_offset = Offset(120);
  position.progress.anchor = Anchor{Offset(110), 10, 4'000'000'000U, {ProducerId(8), 2, 30}};
  position.producers = {{ProducerId(7), 1, 5}, {ProducerId(8), 2, 40}};
  position.progress.producer = position.producers.back();
  position.selection = "read_uncommitted";
  position.mm2_before = 100;
  position.mm2_after = 122;
  position.map_segment = 3;
  position.drained = true;
  position.writer = "host/4711";
  position.written_ms = 1'700'000'000'000;
  return position;
}

TEST(TopicIds, PrintAsKafkaDoesAndParseBack) {
  TopicId id;
  id.bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
  EXPECT_EQ(id.to_string(), "AAECAwQFBgcICQoLDA0O_w");
  EXPECT_EQ(TopicId::parse(id.to_string()), id);
  EXPECT_EQ(TopicId::parse("short"), std::nullopt);
  EXPECT_EQ(TopicId::parse("AAECAwQFBgcICQoLDA0O*w"), std::nullopt);
}

TEST(StoredPosition, ComesBackAsItWasWritten) {
  const auto written = sample();
  const auto read = parse_position(position_value(written));
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->progress, written.progress);
  EXPECT_EQ(read->producers, written.producers);
  EXPECT_EQ(read->source_cluster_id, written.source_cluster_id);
  EXPECT_EQ(read->source_topic_id, written.source_topic_id);
  EXPECT_EQ(read->target_cluster_id, written.target_cluster_id);
  EXPECT_EQ(read->target_topic, written.target_topic);
  EXPECT_EQ(read->target_topic_id, written.target_topic_id);
  EXPECT_EQ(read->selection, written.selection);
  EXPECT_EQ(read->mm2_before, written.mm2_before);
  EXPECT_EQ(read->mm2_after, written.mm2_after);
  EXPECT_EQ(read->map_segment, written.map_segment);
  EXPECT_EQ(read->drained, written.drained);
  EXPECT_EQ(read->written_ms, written.written_ms);
  EXPECT_EQ(read->writer, written.writer);
}

TEST(StoredPosition, IsReadWhereItWasWrittenBeforeTheAnchorNamedItsProducer) {
  auto text = position_value(sample());
  for (const char* added : {R"(,"producerId":8,"epoch":2,"sequence":30)", R"("writer":"host/4711",)"}) {
    const auto at = text.find(added);
    ASSERT_NE(at, std::string::npos) << text;
    text.erase(at, std::string_view(added).size());
  }
  const auto read = parse_position(text);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->progress.anchor->producer, ProducerState());
  EXPECT_EQ(read->writer, "");
}

TEST(StoredPosition, IsReadableAndKeepsItsFormat) {
  EXPECT_EQ(
      position_value(sample()),
      R"({"version":1,"source":{"clusterId":"src-cluster","topicId":"ARIjNEVWZ3iJmqu8zd7vAA","offset":123,)"
      R"("leaderEpoch":4},"target":{"clusterId":"dst-cluster","topic":"A.orders",)"
      R"("topicId":"Y3SFlqe4ydrr_A0eL0BRYg","offset":120},)"
      R"("anchor":{"offset":110,"records":10,"payloadCrc":4000000000,"producerId":8,"epoch":2,"sequence":30},)"
      R"("producers":[{"id":7,"epoch":1,"nextSequence":5},{"id":8,"epoch":2,"nextSequence":40}],)"
      R"("selection":"read_uncommitted","mm2":{"before":100,"after":122},"mapSegment":3,"drained":true,)"
      R"("writer":"host/4711","writtenMs":1700000000000})");
}

TEST(StoredPosition, OfTransactionsIsRefusedByVersionsThatDoNotKnowThem) {
  auto position = sample();
  position.transactional = true;
  const auto text = position_value(position);
  EXPECT_NE(text.find(R"("version":2)"), std::string::npos) << text;
  EXPECT_TRUE(parse_position(text).value().transactional);
  EXPECT_FALSE(parse_position(position_value(sample())).value().transactional);
}

TEST(StoredPosition, RefusesWhatItCannotRead) {
  EXPECT_FALSE(parse_position("not json").has_value());
  EXPECT_FALSE(parse_position("{}").has_value());
  auto newer = position_value(sample());
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":3");
  const auto read = parse_position(newer);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message().find("newer Longhaul"), std::string::npos) << read.error().message();
  auto whole = position_value(sample());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_position(std::string_view(whole).substr(0, size)).has_value()) << size;
  }
}

TEST(StoredPosition, RefusesNumbersThatDoNotFit) {
  const auto whole = position_value(sample());
  const auto with = [&](std::string_view old, std::string_view other) {
    auto text = whole;
    text.replace(text.find(old), old.size(), other);
    return parse_position(text).has_value();
  };
  EXPECT_TRUE(with("\"offset\":123", "\"offset\":124"));
  for (const auto* number :
       {"-1", "1.5", "1e300", "9223372036854775807", "18446744073709551615", "\"1\"", "null"})
    EXPECT_FALSE(with("\"offset\":123", std::string("\"offset\":") + number)) << number;
  EXPECT_FALSE(with("\"leaderEpoch\":4", "\"leaderEpoch\":4294967296"));
  EXPECT_FALSE(with("\"epoch\":1", "\"epoch\":32768"));
  EXPECT_FALSE(with("\"payloadCrc\":4000000000", "\"payloadCrc\":4294967296"));
}

TEST(StateKeys, NameTheirPartitionAndSegment) {
  const TopicPartition orders{"orders", PartitionIndex(3)};
  EXPECT_EQ(position_key("A", orders), R"(["position",{"cluster":"A","partition":3,"topic":"orders"}])");
  const auto position = parse_state_key("A", position_key("A", orders));
  ASSERT_TRUE(position.has_value() && position->has_value());
  EXPECT_EQ((*position)->source, orders);
  const auto segment = parse_state_key("A", segment_key("A", orders, topic_id(1), 12));
  ASSERT_TRUE(segment.has_value() && segment->has_value());
  EXPECT_EQ((*segment)->kind, StateKey::Kind::map_segment);
  EXPECT_EQ((*segment)->segment, 12);
  EXPECT_EQ((*segment)->topic_id, topic_id(1).to_string());
}

TEST(StateKeys, PassOverOtherSourcesAndKindsAndRefuseWhatIsNoKey) {
  const TopicPartition orders{"orders", PartitionIndex(3)};
  EXPECT_EQ(parse_state_key("B", position_key("A", orders)).value(), std::nullopt);
  EXPECT_EQ(parse_state_key("A", R"(["from-the-future",{}])").value(), std::nullopt);
  EXPECT_FALSE(parse_state_key("A", "[").has_value());
  EXPECT_FALSE(parse_state_key("A", R"(["position",{"cluster":"A"}])").has_value());
}

TEST(MapSegments, ComeBackAsTheyWereWritten) {
  const MapSegment segment{5, {{Offset(1), Offset(2), 3}, {Offset(10), Offset(5), 1}}};
  EXPECT_EQ(segment_value(segment), R"({"version":1,"runs":[[1,2,3],[10,5,1]]})");
  EXPECT_EQ(parse_segment(5, segment_value(segment)).value(), segment);
  for (const auto* runs :
       {"[1,2]", "[1,2,0]", "[-1,2,1]", "[1,2,9223372036854775807]", "[9,9,2],[10,11,1]"}) {
    EXPECT_FALSE(parse_segment(5, fmt::format(R"({{"version":1,"runs":[{}]}})", runs)).has_value()) << runs;
  }
}

// The bytes that MirrorMaker 2 4.3.1 writes, and the partition its producer chooses among 25.
TEST(Mm2Offsets, AreByteForByteMirrorMakersOwn) {
  const TopicPartition topic{"my.topic", PartitionIndex(3)};
  const auto key = mm2_offset_key("MirrorSourceConnector", "A", topic);
  EXPECT_EQ(key, R"(["MirrorSourceConnector",{"cluster":"A","partition":3,"topic":"my.topic"}])");
  EXPECT_EQ(mm2_offset_value(123), R"({"offset":123})");
  EXPECT_EQ(partition_for_key(as_bytes(key), 25), PartitionIndex(6));
  EXPECT_EQ(parse_mm2_offset_key("MirrorSourceConnector", "A", key), topic);
  EXPECT_EQ(parse_mm2_offset_value(R"({"offset":123})"), 123);
}

TEST(Mm2Offsets, OfOtherConnectorsAndSourcesArePassedOver) {
  const auto key = mm2_offset_key("MirrorSourceConnector", "A", {"t", PartitionIndex(0)});
  EXPECT_EQ(parse_mm2_offset_key("MirrorSourceConnector", "B", key), std::nullopt);
  EXPECT_EQ(parse_mm2_offset_key("MirrorCheckpointConnector", "A", key), std::nullopt);
  EXPECT_EQ(parse_mm2_offset_key("MirrorSourceConnector", "A", "garbage"), std::nullopt);
  EXPECT_EQ(parse_mm2_offset_key("MirrorSourceConnector", "A", R"(["MirrorSourceConnector",{}])"),
            std::nullopt);
  EXPECT_EQ(parse_mm2_offset_value("null"), std::nullopt);
}

}  // namespace
}  // namespace longhaul::replicator
