#include <gtest/gtest.h>

#include "tests/support/batches.h"
#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::batch_builder;
using testing::produce_request;
using testing::SandboxDriver;

class AdminTest : public ::testing::Test {
 protected:
  KafkaErrc create(protocol::CreatableTopic topic) {
    protocol::CreateTopicsRequest request;
    request.topics.push_back(std::move(topic));
    return driver.call(client, request, 7).topics.at(0).error_code;
  }
  KafkaErrc grow(const std::string& name, std::int32_t count) {
    protocol::CreatePartitionsRequest request;
    request.topics.push_back({.name = name, .count = count});
    return driver.call(client, request, 3).results.at(0).error_code;
  }
  KafkaErrc remove(const std::string& name) {
    protocol::DeleteTopicsRequest request;
    request.topics.push_back({.name = name, .topic_id = {}});
    return driver.call(client, request, 6).responses.at(0).error_code;
  }
  KafkaErrc alter(const std::string& key, std::optional<std::string> value,
                  protocol::ConfigOperation operation = protocol::ConfigOperation::set) {
    protocol::IncrementalAlterConfigsRequest request;
    request.resources.push_back({.resource_type = protocol::ConfigResourceType::topic,
                                 .resource_name = "orders",
                                 .configs = {{key, operation, std::move(value)}}});
    return driver.call(client, request, 1).responses.at(0).error_code;
  }
  std::vector<protocol::DescribeConfigsResourceResult> configs(std::vector<std::string> keys) {
    protocol::DescribeConfigsRequest request;
    request.resources.push_back({.resource_type = protocol::ConfigResourceType::topic,
                                 .resource_name = "orders",
                                 .configuration_keys = std::move(keys)});
    request.include_synonyms = true;
    return driver.call(client, request, 4).results.at(0).configs;
  }

  SandboxDriver driver{ClusterOptions{.brokers = 3}};
  ConnectionId client = driver.connect();
};

TEST_F(AdminTest, ChecksNewTopicsAsAController) {
  EXPECT_EQ(create({.name = "a.b", .num_partitions = 2, .replication_factor = 3}), KafkaErrc::none);
  EXPECT_EQ(create({.name = "a.b", .num_partitions = 2, .replication_factor = 3}),
            KafkaErrc::topic_already_exists);
  EXPECT_EQ(create({.name = "a_b", .num_partitions = 1, .replication_factor = 1}),
            KafkaErrc::invalid_topic_exception)
      << "collides with a.b";
  EXPECT_EQ(create({.name = "sp ace", .num_partitions = 1, .replication_factor = 1}),
            KafkaErrc::invalid_topic_exception);
  EXPECT_EQ(create({.name = "c", .num_partitions = 0, .replication_factor = 1}),
            KafkaErrc::invalid_partitions);
  EXPECT_EQ(create({.name = "c", .num_partitions = 1, .replication_factor = 4}),
            KafkaErrc::invalid_replication_factor);
  EXPECT_EQ(create({.name = "c", .num_partitions = -1, .replication_factor = -1}), KafkaErrc::none);
  EXPECT_EQ(create({.name = "d", .num_partitions = 1, .replication_factor = 1, .configs = {{"no", "1"}}}),
            KafkaErrc::invalid_config);
  EXPECT_EQ(create({.name = "e",
                    .num_partitions = -1,
                    .replication_factor = -1,
                    .assignments = {{.partition_index = 0, .broker_ids = {2, 3}}}}),
            KafkaErrc::none);
  EXPECT_EQ(driver.cluster.partition("e", PartitionIndex(0))->leader, 2);
  EXPECT_EQ(create({.name = "f",
                    .num_partitions = -1,
                    .replication_factor = -1,
                    .assignments = {{.partition_index = 1, .broker_ids = {2}}}}),
            KafkaErrc::invalid_replica_assignment);
  EXPECT_EQ(create({.name = "f",
                    .num_partitions = -1,
                    .replication_factor = -1,
                    .assignments = {{.partition_index = 0, .broker_ids = {9}}}}),
            KafkaErrc::invalid_replica_assignment);
}

TEST_F(AdminTest, OnlyValidatesWhenAsked) {
  protocol::CreateTopicsRequest request;
  request.topics.push_back({.name = "orders", .num_partitions = 4, .replication_factor = 1});
  request.validate_only = true;
  EXPECT_EQ(driver.call(client, request, 7).topics.at(0).num_partitions, 4);
  EXPECT_TRUE(driver.cluster.topics().empty());
  request.topics.push_back(request.topics[0]);
  EXPECT_EQ(driver.call(client, request, 7).topics.at(0).error_code, KafkaErrc::invalid_request)
      << "named twice";
}

TEST_F(AdminTest, PartitionsOnlyGrow) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 2));
  EXPECT_EQ(grow("orders", 2), KafkaErrc::invalid_partitions);
  EXPECT_EQ(grow("orders", 1), KafkaErrc::invalid_partitions);
  EXPECT_EQ(grow("nothing", 3), KafkaErrc::unknown_topic_or_partition);
  EXPECT_EQ(grow("orders", 5), KafkaErrc::none);
  EXPECT_TRUE(driver.cluster.partition("orders", PartitionIndex(4)));
  EXPECT_FALSE(driver.cluster.partition("orders", PartitionIndex(5)));
}

TEST_F(AdminTest, DeletesByNameAndById) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1));
  ASSERT_TRUE(driver.cluster.create_topic("other", 1));
  EXPECT_EQ(remove("nothing"), KafkaErrc::unknown_topic_or_partition);
  EXPECT_EQ(remove("orders"), KafkaErrc::none);
  const auto id = driver.call(client, protocol::MetadataRequest{}, 12).topics.at(0).topic_id;
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({.name = std::nullopt, .topic_id = id});
  EXPECT_EQ(driver.call(client, request, 6).responses.at(0).name, "other");
  EXPECT_EQ(driver.call(client, request, 6).responses.at(0).error_code, KafkaErrc::unknown_topic_id);
  EXPECT_TRUE(driver.cluster.topics().empty());
}

TEST_F(AdminTest, AltersAndDescribesConfigurations) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1, 1, {{"retention.ms", "1000"}}));
  const auto before = configs({"retention.ms", "max.message.bytes"});
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before[0].name, "max.message.bytes");
  EXPECT_EQ(before[0].config_source, protocol::ConfigSource::default_value);
  EXPECT_EQ(before[1].value, "1000");
  EXPECT_EQ(before[1].config_source, protocol::ConfigSource::topic);
  EXPECT_EQ(before[1].synonyms.size(), 2U);
  EXPECT_EQ(alter("retention.ms", "5"), KafkaErrc::none);
  EXPECT_EQ(configs({"retention.ms"}).at(0).value, "5");
  EXPECT_EQ(alter("retention.ms", std::nullopt, protocol::ConfigOperation::remove), KafkaErrc::none);
  EXPECT_EQ(configs({"retention.ms"}).at(0).config_source, protocol::ConfigSource::default_value);
  EXPECT_EQ(alter("retention.ms", "soon"), KafkaErrc::invalid_config);
  EXPECT_EQ(alter("no.such", "1"), KafkaErrc::invalid_config);
}

TEST_F(AdminTest, AlteredConfigurationsAreInForce) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1, 3));
  const auto leader = driver.cluster.partition("orders", PartitionIndex(0))->leader;
  const auto producer = driver.connect(leader);
  const auto batch = batch_builder().records(5).build();
  const auto produce = [&] {
    return driver.call(producer, produce_request("orders", 0, batch), 9)
        .responses.at(0)
        .partition_responses.at(0)
        .error_code;
  };
  EXPECT_EQ(produce(), KafkaErrc::none);
  ASSERT_EQ(alter("max.message.bytes", "50"), KafkaErrc::none);
  EXPECT_EQ(produce(), KafkaErrc::message_too_large);
  ASSERT_EQ(alter("max.message.bytes", "500000"), KafkaErrc::none);
  ASSERT_EQ(alter("min.insync.replicas", "3"), KafkaErrc::none);
  ASSERT_TRUE(driver.cluster.set_broker_up(BrokerId(leader == 3 ? 2 : 3), false, driver.now));
  EXPECT_EQ(produce(), KafkaErrc::not_enough_replicas);
}

TEST_F(AdminTest, ProduceNamesTheLeader) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1, 3));
  const auto leader = driver.cluster.partition("orders", PartitionIndex(0))->leader;
  const auto wrong = driver.connect(leader == 1 ? 2 : 1);
  const auto batch = batch_builder().records(1).build();
  const auto response = driver.call(wrong, produce_request("orders", 0, batch), 10);
  const auto& partition = response.responses.at(0).partition_responses.at(0);
  EXPECT_EQ(partition.error_code, KafkaErrc::not_leader_or_follower);
  EXPECT_EQ(partition.current_leader.leader_id, leader);
  EXPECT_EQ(response.node_endpoints.at(0).node_id, leader);
}

TEST_F(AdminTest, ProduceChecksTheRequest) {
  ASSERT_TRUE(driver.cluster.create_topic("orders", 1, 1));
  const auto leader = driver.cluster.partition("orders", PartitionIndex(0))->leader;
  const auto producer = driver.connect(leader);
  const auto batch = batch_builder().records(1).build();
  const auto transactional = batch_builder().records(1).producer(4, 0, 0).transactional().build();
  const auto produce = [&](const protocol::ProduceRequest& request) {
    return driver.call(producer, request, 11).responses.at(0).partition_responses.at(0).error_code;
  };
  EXPECT_EQ(produce(produce_request("orders", 0, batch, 2)), KafkaErrc::invalid_required_acks);
  EXPECT_EQ(produce(produce_request("orders", 7, batch)), KafkaErrc::unknown_topic_or_partition);
  EXPECT_EQ(produce(produce_request("orders", 0, transactional)),
            KafkaErrc::transactional_id_authorization_failed);
  auto with_id = produce_request("orders", 0, transactional);
  with_id.transactional_id = "t";
  EXPECT_EQ(produce(with_id), KafkaErrc::invalid_producer_id_mapping) << "nobody holds that id";
  driver.send(producer, produce_request("orders", 0, batch, 0), 9);
  EXPECT_EQ(driver.frames(producer), 0U) << "nobody waits for an answer";
  EXPECT_EQ(driver.cluster.partition("orders", PartitionIndex(0))->end_offset, 1);
  driver.send(producer, produce_request("nothing", 0, batch, 0), 9);
  EXPECT_TRUE(driver.is_closed(producer)) << "the only way to say that it failed";
}

TEST_F(AdminTest, IdempotentProducersGetAnId) {
  const auto first = driver.call(client, protocol::InitProducerIdRequest{}, 4);
  const auto second = driver.call(client, protocol::InitProducerIdRequest{}, 4);
  EXPECT_EQ(first.producer_epoch, 0);
  EXPECT_NE(first.producer_id, second.producer_id);
  protocol::InitProducerIdRequest transactional;
  transactional.transactional_id = "";
  EXPECT_EQ(driver.call(client, transactional, 4).error_code, KafkaErrc::invalid_request);
}

TEST_F(AdminTest, DescribesTheCluster) {
  const auto response = driver.call(client, protocol::DescribeClusterRequest{}, 1);
  EXPECT_EQ(response.brokers.size(), 3U);
  EXPECT_EQ(response.cluster_id, driver.cluster.options().cluster_id);
}

}  // namespace
}  // namespace longhaul::sandbox
