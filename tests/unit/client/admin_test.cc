#include <gtest/gtest.h>

#include <set>

#include "client/admin_requests.h"
#include "client/error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/offset_fetch.h"
#include "tests/unit/client/cluster_fixture.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using std::chrono::seconds;
using Request = test::ScriptedBroker::Request;

struct AdminTest : ClusterFixture {
  AdminTest() { make(); }

  /// Answers ListOffsets: the offset is partition * 100, or the error that `errors` holds (once each).
  void answer_list_offsets() {
    broker.on(ApiKey::list_offsets, [this](const Request& request) {
      const auto asked = test::ScriptedBroker::decode<protocol::ListOffsetsRequest>(request);
      protocol::ListOffsetsResponse response;
      for (const auto& topic : asked.topics) {
        auto& out = response.topics.emplace_back();
        out.name = topic.name;
        for (const auto& partition : topic.partitions) {
          auto& entry = out.partitions.emplace_back();
          entry.partition_index = partition.partition_index;
          entry.offset = partition.partition_index * 100;
          const auto error = errors.find(partition.partition_index);
          if (error == errors.end()) continue;
          entry.error_code = error->second;
          errors.erase(error);
        }
      }
      broker.answer(request, response);
    });
  }
  std::map<std::int32_t, KafkaErrc> errors;
};

TEST_F(AdminTest, CreatesTopicsWithAnOutcomeEachAndRepeatsOnlyWhatPasses) {
  std::vector<std::vector<std::string>> asked_names;
  broker.on(ApiKey::create_topics, [&](const Request& request) {
    const auto asked = test::ScriptedBroker::decode<protocol::CreateTopicsRequest>(request);
    protocol::CreateTopicsResponse response;
    auto& names = asked_names.emplace_back();
    for (const auto& topic : asked.topics) {
      names.push_back(topic.name);
      auto& result = response.topics.emplace_back();
      result.name = topic.name;
      if (topic.name == "exists") result.error_code = KafkaErrc::topic_already_exists;
      if (topic.name == "busy" && asked_names.size() < 3) {
        result.error_code = KafkaErrc::throttling_quota_exceeded;
        result.error_message = "slow down";
      }
    }
    broker.answer(request, response);
  });
  const auto created = run(create_topics(*cluster, {{.name = "new"}, {.name = "exists"}, {.name = "busy"}},
                                         DryRun::no, in(seconds(30))));
  ASSERT_TRUE(created) << created.error().message();
  ASSERT_EQ(created->size(), 3u);
  EXPECT_TRUE((*created)[0].outcome);
  ASSERT_FALSE((*created)[1].outcome);
  EXPECT_EQ((*created)[1].outcome.error().code, KafkaErrc::topic_already_exists);
  EXPECT_TRUE((*created)[2].outcome);
  EXPECT_EQ(asked_names,
            (std::vector<std::vector<std::string>>{{"new", "exists", "busy"}, {"busy"}, {"busy"}}));
}

TEST_F(AdminTest, GivesTheLastErrorOfAnItemAtTheDeadline) {
  broker.on(ApiKey::create_topics, [&](const Request& request) {
    protocol::CreateTopicsResponse response;
    auto& result = response.topics.emplace_back();
    result.name = "t";
    result.error_code = KafkaErrc::throttling_quota_exceeded;
    result.error_message = "slow down";
    broker.answer(request, response);
  });
  const auto begin = core.loop.time.now();
  const auto created = run(create_topics(*cluster, {{.name = "t"}}, DryRun::no, in(seconds(10))));
  ASSERT_TRUE(created);
  ASSERT_FALSE((*created)[0].outcome);
  EXPECT_EQ((*created)[0].outcome.error().code, KafkaErrc::throttling_quota_exceeded);
  EXPECT_EQ((*created)[0].outcome.error().detail, "slow down");
  EXPECT_LE(core.loop.time.now(), begin + seconds(10));
}

TEST_F(AdminTest, AnItemThatTheAnswerDoesNotNameFails) {
  broker.on(ApiKey::create_topics,
            [&](const Request& request) { broker.answer(request, protocol::CreateTopicsResponse{}); });
  const auto created = run(create_topics(*cluster, {{.name = "t"}}, DryRun::no, in(seconds(10))));
  ASSERT_TRUE(created);
  ASSERT_FALSE((*created)[0].outcome);
  EXPECT_EQ((*created)[0].outcome.error().code, ClientErrc::undecodable_response);
}

TEST_F(AdminTest, ListsOffsetsAtEachLeaderInTheOrderAsked) {
  topics["t"] = {{.leader = 1, .epoch = 4}, {.leader = 2, .epoch = 0}, {.leader = 1, .epoch = 0}};
  answer_list_offsets();
  const auto ends = run(
      end_offsets(*cluster, {{"t", PartitionIndex(2)}, {"t", PartitionIndex(0)}, {"t", PartitionIndex(1)}},
                  IsolationLevel::read_committed, in(seconds(10))));
  ASSERT_TRUE(ends) << ends.error().message();
  ASSERT_EQ(ends->size(), 3u);
  const std::int64_t expected[] = {200, 0, 100};
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE((*ends)[i].listed);
    EXPECT_EQ((*ends)[i].listed->offset, Offset(expected[i]));
  }
  // One request per leader, with the isolation asked for and the leader epoch that is known.
  EXPECT_EQ(broker.count(ApiKey::list_offsets), 2u);
  const auto request = last<protocol::ListOffsetsRequest>(ApiKey::list_offsets);
  EXPECT_EQ(request.isolation_level, IsolationLevel::read_committed);
}

TEST_F(AdminTest, RepeatsOffsetsOfPartitionsWhoseLeaderMoved) {
  topics["t"] = {{.leader = 1, .epoch = 0}, {.leader = 2, .epoch = 0}};
  errors = {{1, KafkaErrc::not_leader_or_follower}};
  answer_list_offsets();
  const auto ends = run(end_offsets(*cluster, {{"t", PartitionIndex(0)}, {"t", PartitionIndex(1)}},
                                    IsolationLevel::read_uncommitted, in(seconds(10))));
  ASSERT_TRUE(ends);
  EXPECT_TRUE((*ends)[0].listed);
  EXPECT_TRUE((*ends)[1].listed);
  EXPECT_EQ(broker.count(ApiKey::list_offsets), 3u);
}

TEST_F(AdminTest, ATopicThatDoesNotExistEndsEvenAnEndlessCall) {
  topics["t"] = {{.leader = 1, .epoch = 0}};
  answer_list_offsets();
  const auto ends = run(
      end_offsets(*cluster, {{"gone", PartitionIndex(0)}, {"t", PartitionIndex(0)}, {"t", PartitionIndex(9)}},
                  IsolationLevel::read_uncommitted, SteadyTime::max()));
  ASSERT_TRUE(ends) << ends.error().message();
  ASSERT_FALSE((*ends)[0].listed);
  EXPECT_EQ((*ends)[0].listed.error().code, KafkaErrc::unknown_topic_or_partition);
  EXPECT_TRUE((*ends)[1].listed);
  ASSERT_FALSE((*ends)[2].listed);
  EXPECT_EQ((*ends)[2].listed.error().code, KafkaErrc::unknown_topic_or_partition);
}

TEST_F(AdminTest, DescribesTopicsWithTheirErrors) {
  topics["t"] = {{.leader = 1, .epoch = 0}, {.leader = 2, .epoch = 0}};
  const auto described = run(describe_topics(*cluster, {"t", "gone"}, in(seconds(10))));
  ASSERT_TRUE(described);
  ASSERT_TRUE((*described)[0].info);
  EXPECT_EQ((*described)[0].info->partitions.size(), 2u);
  ASSERT_FALSE((*described)[1].info);
  EXPECT_EQ((*described)[1].info.error().code, KafkaErrc::unknown_topic_or_partition);
  const auto listed = run(list_topics(*cluster, in(seconds(10))));
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].name, "t");
  EXPECT_EQ((*listed)[0].partitions_count, 2);
}

TEST_F(AdminTest, AsksBrokersForTheirOwnSettings) {
  std::map<std::string, std::string> asked_where;
  broker.on(ApiKey::describe_configs, [&](const Request& request) {
    protocol::DescribeConfigsResponse response;
    for (const auto& resource :
         test::ScriptedBroker::decode<protocol::DescribeConfigsRequest>(request).resources) {
      asked_where[resource.resource_name] = request.wire->host;
      auto& result = response.results.emplace_back();
      result.resource_type = resource.resource_type;
      result.resource_name = resource.resource_name;
      result.configs.push_back({.name = "k", .value = "v", .config_source = ConfigSource::topic});
    }
    broker.answer(request, response);
  });
  const auto configs = run(describe_configs(*cluster,
                                            {{.name = "t"},
                                             {.type = ConfigResourceType::broker, .name = "3"},
                                             {.type = ConfigResourceType::broker, .name = "x"}},
                                            in(seconds(10))));
  ASSERT_TRUE(configs) << configs.error().message();
  ASSERT_TRUE((*configs)[0].entries);
  EXPECT_EQ((*configs)[0].entries->at(0).value, "v");
  EXPECT_EQ(asked_where.at("3"), "host-3");
  ASSERT_FALSE((*configs)[2].entries);
  EXPECT_EQ((*configs)[2].entries.error().message(),
            "'x' is no broker id: the cluster does not list this broker");
}

TEST_F(AdminTest, ReadsCommittedOffsetsFromTheCoordinator) {
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  broker.on(ApiKey::find_coordinator, [&](const Request& request) {
    protocol::FindCoordinatorResponse response;
    response.coordinators.push_back({.key = "g", .node_id = 2, .host = "ignored"});
    broker.answer(request, response);
  });
  broker.on(ApiKey::offset_fetch, [&](const Request& request) {
    EXPECT_EQ(request.wire->host, "host-2");
    const auto asked = test::ScriptedBroker::decode<protocol::OffsetFetchRequest>(request);
    EXPECT_TRUE(asked.require_stable);
    EXPECT_FALSE(asked.groups.at(0).topics.has_value());
    protocol::OffsetFetchResponse response;
    auto& group = response.groups.emplace_back();
    group.group_id = "g";
    auto& topic = group.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({.partition_index = 4, .committed_offset = 77, .committed_leader_epoch = 2});
    broker.answer(request, response);
  });
  const auto offsets = run(committed_offsets(*cluster, "g", in(seconds(10))));
  ASSERT_TRUE(offsets) << offsets.error().message();
  ASSERT_EQ(offsets->size(), 1u);
  EXPECT_EQ((*offsets)[0].partition, (TopicPartition{"t", PartitionIndex(4)}));
  EXPECT_EQ((*offsets)[0].offset, Offset(77));
}

}  // namespace
}  // namespace longhaul::client
