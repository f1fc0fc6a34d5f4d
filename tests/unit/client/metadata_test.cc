#include "client/metadata.h"

#include <gtest/gtest.h>

namespace longhaul::client {
namespace {

using protocol::KafkaErrc;
using protocol::MetadataResponse;
using protocol::MetadataResponsePartition;
using protocol::MetadataResponseTopic;
using Scope = ClusterMetadata::Scope;

TopicId topic_id(std::uint8_t last) {
  TopicId id;
  id.bytes[15] = last;
  return id;
}

MetadataResponsePartition partition(std::int32_t index, std::int32_t leader, std::int32_t epoch) {
  MetadataResponsePartition out;
  out.partition_index = index;
  out.leader_id = leader;
  out.leader_epoch = epoch;
  return out;
}

MetadataResponseTopic topic(std::string name, TopicId id, std::vector<MetadataResponsePartition> partitions) {
  MetadataResponseTopic out;
  out.name = std::move(name);
  out.topic_id = id;
  out.partitions = std::move(partitions);
  return out;
}

MetadataResponse response(std::vector<MetadataResponseTopic> topics) {
  MetadataResponse out;
  out.brokers = {{.node_id = 1, .host = "b1", .port = 9092, .rack = std::nullopt},
                 {.node_id = 2, .host = "b2", .port = 9093, .rack = "r2"}};
  out.cluster_id = "cid";
  out.controller_id = 2;
  out.topics = std::move(topics);
  return out;
}

TopicPartition tp(std::string name, std::int32_t index) {
  return {std::move(name), PartitionIndex(index)};
}

TEST(ClusterMetadata, KnowsBrokersControllerTopicsAndIds) {
  ClusterMetadata metadata;
  EXPECT_EQ(metadata.cluster_id(), std::nullopt);
  metadata.update(response({topic("t", topic_id(1), {partition(1, 2, 7), partition(0, 1, 5)})}),
                  Scope::some_topics);
  EXPECT_EQ(metadata.cluster_id(), "cid");
  EXPECT_EQ(metadata.controller(), BrokerId(2));
  ASSERT_NE(metadata.broker(BrokerId(2)), nullptr);
  EXPECT_EQ(metadata.broker(BrokerId(2))->endpoint.to_string(), "b2:9093");
  EXPECT_EQ(metadata.broker(BrokerId(3)), nullptr);
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(1), LeaderEpoch(5)}));
  EXPECT_EQ(metadata.leader(tp("t", 1)), (Leader{BrokerId(2), LeaderEpoch(7)}));
  EXPECT_EQ(metadata.leader(tp("t", 2)), std::nullopt);
  EXPECT_EQ(metadata.leader(tp("t", -1)), std::nullopt);
  EXPECT_EQ(metadata.leader(tp("u", 0)), std::nullopt);
  ASSERT_NE(metadata.topic_name(topic_id(1)), nullptr);
  EXPECT_EQ(*metadata.topic_name(topic_id(1)), "t");
}

TEST(ClusterMetadata, NeverGoesBackToAnOlderLeaderEpoch) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", topic_id(1), {partition(0, 1, 5)})}), Scope::some_topics);
  metadata.update(response({topic("t", topic_id(1), {partition(0, 2, 4)})}), Scope::some_topics);
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(1), LeaderEpoch(5)}));
  metadata.update(response({topic("t", topic_id(1), {partition(0, 2, 6)})}), Scope::some_topics);
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(2), LeaderEpoch(6)}));
  // The same epoch without a leader: it went away since.
  metadata.update(response({topic("t", topic_id(1), {partition(0, -1, 6)})}), Scope::some_topics);
  EXPECT_EQ(metadata.leader(tp("t", 0)), std::nullopt);
}

TEST(ClusterMetadata, ARecreatedTopicStartsWithItsOwnEpochs) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", topic_id(1), {partition(0, 1, 5)})}), Scope::some_topics);
  metadata.update(response({topic("t", topic_id(2), {partition(0, 2, 0)})}), Scope::some_topics);
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(2), LeaderEpoch(0)}));
  EXPECT_EQ(metadata.topic_name(topic_id(1)), nullptr);
}

TEST(ClusterMetadata, FollowsLeadersOfClustersWithoutEpochs) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", {}, {partition(0, 1, -1)})}), Scope::some_topics);
  metadata.update(response({topic("t", {}, {partition(0, 2, -1)})}), Scope::some_topics);
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(2), LeaderEpoch(-1)}));
  EXPECT_EQ(metadata.topic_name(TopicId{}), nullptr);
}

TEST(ClusterMetadata, ForgetsTopicsThatAFullAnswerDoesNotName) {
  ClusterMetadata metadata;
  metadata.update(response({topic("a", {}, {}), topic("b", {}, {})}), Scope::all_topics);
  metadata.update(response({topic("a", {}, {})}), Scope::some_topics);
  EXPECT_NE(metadata.topic("b"), nullptr);
  metadata.update(response({topic("a", {}, {})}), Scope::all_topics);
  EXPECT_EQ(metadata.topic("b"), nullptr);
  EXPECT_NE(metadata.topic("a"), nullptr);
}

TEST(ClusterMetadata, KeepsTheErrorOfATopic) {
  ClusterMetadata metadata;
  auto unknown = topic("t", {}, {});
  unknown.error_code = KafkaErrc::unknown_topic_or_partition;
  metadata.update(response({unknown}), Scope::some_topics);
  ASSERT_NE(metadata.topic("t"), nullptr);
  EXPECT_EQ(metadata.topic("t")->error, KafkaErrc::unknown_topic_or_partition);
}

TEST(ClusterMetadata, APartitionMissingFromTheListHasNoLeader) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", {}, {partition(2, 1, 0)})}), Scope::some_topics);
  ASSERT_EQ(metadata.topic("t")->partitions.size(), 3u);
  EXPECT_EQ(metadata.topic("t")->partitions[0].error, KafkaErrc::leader_not_available);
  EXPECT_EQ(metadata.leader(tp("t", 0)), std::nullopt);
  EXPECT_TRUE(metadata.leader(tp("t", 2)).has_value());
}

TEST(ClusterMetadata, IgnoresImpossiblePartitionIndexes) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", {}, {partition(-1, 1, 0), partition(2'000'000'000, 1, 0)})}),
                  Scope::some_topics);
  EXPECT_TRUE(metadata.topic("t")->partitions.empty());
}

TEST(ClusterMetadata, LearnsANewerLeaderFromAnErrorAnswer) {
  ClusterMetadata metadata;
  metadata.update(response({topic("t", topic_id(1), {partition(0, 1, 5)})}), Scope::some_topics);
  EXPECT_FALSE(metadata.update_leader(tp("t", 0), {BrokerId(2), LeaderEpoch(5)}));
  EXPECT_FALSE(metadata.update_leader(tp("t", 9), {BrokerId(2), LeaderEpoch(9)}));
  EXPECT_FALSE(metadata.update_leader(tp("t", 0), {BrokerId(-1), LeaderEpoch(9)}));
  EXPECT_TRUE(metadata.update_leader(tp("t", 0), {BrokerId(2), LeaderEpoch(6)}));
  EXPECT_EQ(metadata.leader(tp("t", 0)), (Leader{BrokerId(2), LeaderEpoch(6)}));
}

}  // namespace
}  // namespace longhaul::client
