#include "client/cluster.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "client/error.h"
#include "net/error.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/list_offsets.h"
#include "tests/unit/client/cluster_fixture.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Request = test::ScriptedBroker::Request;

struct ClusterTest : ClusterFixture {};

TEST_F(ClusterTest, LearnsBrokersTopicsAndLeadersFromABootstrapAddress) {
  make();
  topics["orders"] = {{.leader = 1, .epoch = 3}, {.leader = 2, .epoch = 4}};
  ASSERT_TRUE(run(cluster->refresh_topics({"orders", "nope"}, in(seconds(10)))));
  EXPECT_EQ(cluster->metadata().cluster_id(), "cluster-id");
  EXPECT_EQ(cluster->metadata().brokers().size(), 3u);
  EXPECT_EQ(cluster->leader({"orders", PartitionIndex(1)}), (Leader{BrokerId(2), LeaderEpoch(4)}));
  ASSERT_NE(cluster->metadata().topic("nope"), nullptr);
  EXPECT_EQ(cluster->metadata().topic("nope")->error, KafkaErrc::unknown_topic_or_partition);
  const auto request = last<protocol::MetadataRequest>(ApiKey::metadata);
  EXPECT_FALSE(request.allow_auto_topic_creation);
  ASSERT_TRUE(request.topics.has_value());
  EXPECT_EQ(request.topics->size(), 2u);
}

TEST_F(ClusterTest, AsksForAllTopicsWithNullAndFollowsOnlyWhatWasNamed) {
  make();
  topics["a"] = {{.leader = 1, .epoch = 0}};
  topics["b"] = {{.leader = 1, .epoch = 0}};
  ASSERT_TRUE(run(cluster->refresh_topics({"a", "gone"}, in(seconds(10)))));
  ASSERT_TRUE(run(cluster->refresh_all_topics(in(seconds(10)))));
  EXPECT_FALSE(last<protocol::MetadataRequest>(ApiKey::metadata).topics.has_value());
  EXPECT_NE(cluster->metadata().topic("b"), nullptr);
  EXPECT_EQ(cluster->metadata().topic("gone")->error, KafkaErrc::unknown_topic_or_partition);
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  EXPECT_EQ(last<protocol::MetadataRequest>(ApiKey::metadata).topics->size(), 2u);
}

TEST_F(ClusterTest, ConcurrentCallersShareOneRefreshAndRefreshesKeepADistance) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto before = broker.count(ApiKey::metadata);
  net::TaskGroup callers(core.loop.executor());
  int done = 0;
  for (int i = 0; i < 50; ++i) {
    callers.spawn([&]() -> net::Task {
      if (const auto refreshed = co_await cluster->refresh_metadata(in(seconds(10)))) ++done;
    });
  }
  core.loop.run_for(seconds(1));
  EXPECT_EQ(done, 50);
  EXPECT_EQ(broker.count(ApiKey::metadata), before + 1);
  // Somebody who asks all the time gets at most one every 80 ms.
  const auto begin = broker.count(ApiKey::metadata);
  for (int i = 0; i < 1000; ++i) {
    cluster->request_refresh();
    core.loop.run_for(milliseconds(1));
  }
  EXPECT_LE(broker.count(ApiKey::metadata) - begin, 13u);
  EXPECT_GE(broker.count(ApiKey::metadata) - begin, 8u);
}

TEST_F(ClusterTest, RefreshesByItselfWhenMetadataGrowsOld) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto before = broker.count(ApiKey::metadata);
  core.loop.run_for(minutes(4));
  EXPECT_EQ(broker.count(ApiKey::metadata), before);
  core.loop.run_for(minutes(7));
  EXPECT_EQ(broker.count(ApiKey::metadata), before + 2);
}

TEST_F(ClusterTest, KeepsTryingAClusterThatIsDownWithoutBeingBusy) {
  make();
  broker.refuse = ErrorCode(ECONNREFUSED, boost::system::system_category());
  const auto failed = run(cluster->refresh_metadata(in(seconds(60))));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message().find("cluster A: broker"), std::string::npos);
  EXPECT_NE(failed.error().message().find("Connection refused"), std::string::npos);
  // Two bootstrap addresses, a wait of about a second each and another one between the rounds.
  EXPECT_GT(core.connector.attempts.size(), 30u);
  EXPECT_LT(core.connector.attempts.size(), 200u);
  broker.refuse.reset();
  ASSERT_TRUE(run(cluster->refresh_metadata(SteadyTime::max())));
  EXPECT_EQ(cluster->metadata().brokers().size(), 3u);
}

TEST_F(ClusterTest, AnEndlessDeadlineOutlastsAnyOutage) {
  make();
  broker.refuse = ErrorCode(net::NetErrc::host_not_found);
  std::optional<Result<void>> outcome;
  net::TaskGroup caller(core.loop.executor());
  caller.spawn([&]() -> net::Task { outcome = co_await cluster->refresh_metadata(SteadyTime::max()); });
  core.loop.run_for(std::chrono::hours(3));
  EXPECT_FALSE(outcome);
  broker.refuse.reset();
  core.loop.run_for(seconds(5));
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(*outcome);
}

TEST_F(ClusterTest, UsesTheSecondBootstrapAddressWhenTheFirstHangs) {
  make();
  broker.on(ApiKey::api_versions, [&](const Request& request) {
    if (request.wire->host != "boot-1") broker.answer(request, test::ScriptedBroker::our_versions());
  });
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(60)))));
}

TEST_F(ClusterTest, EqualLanesShareAConnectionAndOthersDoNot) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto first = connected(BrokerId(1), {Role::fetch, 0});
  EXPECT_EQ(first, connected(BrokerId(1), {Role::fetch, 0}));
  EXPECT_NE(first, connected(BrokerId(1), {Role::fetch, 1}));
  EXPECT_NE(first, connected(BrokerId(1), {Role::produce, 0}));
  EXPECT_NE(first, connected(BrokerId(2), {Role::fetch, 0}));
  EXPECT_EQ(first->endpoint().to_string(), "host-1:9092");
  const auto unknown = run(cluster->connection(BrokerId(77), {}, in(seconds(1))));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(), "cluster A: broker 77: the cluster does not list this broker");
}

TEST_F(ClusterTest, CallersAtTheSameTimeShareOneAttempt) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto before = core.connector.attempts.size();
  std::set<Connection*> seen;
  net::TaskGroup callers(core.loop.executor());
  for (int i = 0; i < 10; ++i) {
    callers.spawn([&]() -> net::Task {
      const auto connection = co_await cluster->connection(BrokerId(2), {Role::produce, 0}, in(seconds(5)));
      if (connection) seen.insert(connection->get());
    });
  }
  core.loop.run_for(seconds(1));
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(core.connector.attempts.size(), before + 1);
}

TEST_F(ClusterTest, ReconnectsLazilyAfterTheBrokerClosedAnIdleConnection) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto first = connected(BrokerId(1), {Role::fetch, 0});
  const auto attempts = core.connector.attempts.size();
  core.connector.wires.back()->hang_up();
  core.loop.run_for(minutes(1));
  EXPECT_FALSE(first->is_open());
  EXPECT_EQ(core.connector.attempts.size(), attempts);
  const auto second = connected(BrokerId(1), {Role::fetch, 0});
  EXPECT_NE(first, second);
  EXPECT_TRUE(second->is_open());
}

TEST_F(ClusterTest, ABrokerThatAcceptsAndHangsUpIsNotCalledInATightLoop) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto before = core.connector.attempts.size();
  net::TaskGroup caller(core.loop.executor());
  const auto end = in(seconds(30));
  caller.spawn([&]() -> net::Task {
    while (core.loop.time.now() < end) {
      const auto connection = co_await cluster->connection(BrokerId(1), {Role::fetch, 0}, end);
      if (!connection) co_return;
      core.connector.wires.back()->hang_up();
      if (!co_await core.loop.time.sleep_for(milliseconds(1))) co_return;
    }
  });
  core.loop.run_for(seconds(31));
  const auto attempts = core.connector.attempts.size() - before;
  EXPECT_GT(attempts, 20u);
  EXPECT_LT(attempts, 60u);
}

TEST_F(ClusterTest, FollowsABrokerToItsNewAddress) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  const auto before = connected(BrokerId(1), {Role::fetch, 0});
  hosts[1] = "moved-1";
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  EXPECT_FALSE(before->is_open());
  EXPECT_EQ(connected(BrokerId(1), {Role::fetch, 0})->endpoint().host, "moved-1");
  // A broker that vanished loses its connections too.
  const auto other = connected(BrokerId(2), {Role::fetch, 0});
  hosts.erase(2);
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  EXPECT_FALSE(other->is_open());
  EXPECT_FALSE(run(cluster->connection(BrokerId(2), {}, in(seconds(1)))));
}

TEST_F(ClusterTest, ClosesBootstrapConnectionsOnceBrokersAreReached) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  for (const auto& wire : core.connector.wires) {
    EXPECT_EQ(wire->closed_by_client, wire->host.starts_with("boot-")) << wire->host;
  }
}

// --- calls ---

protocol::InitProducerIdResponse producer_id(std::int64_t id, KafkaErrc error = KafkaErrc::none) {
  protocol::InitProducerIdResponse response;
  response.producer_id = id;
  response.error_code = error;
  return response;
}

TEST_F(ClusterTest, RepeatsACallAfterRetriableErrorsAndLostConnections) {
  make();
  int asked = 0;
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    switch (asked++) {
      case 0:
        request.wire->hang_up();
        break;
      case 1:
        broker.answer(request, producer_id(-1, KafkaErrc::coordinator_load_in_progress));
        break;
      default:
        broker.answer(request, producer_id(7));
    }
  });
  const auto answer = run(cluster->call_any(protocol::InitProducerIdRequest{}, in(seconds(30))));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body.producer_id, 7);
  EXPECT_EQ(asked, 3);
}

TEST_F(ClusterTest, ReturnsAFinalErrorAtOnceWithItsPlace) {
  make();
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    broker.answer(request, producer_id(-1, KafkaErrc::cluster_authorization_failed));
  });
  const auto answer = run(cluster->call_any(protocol::InitProducerIdRequest{}, in(seconds(30))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, KafkaErrc::cluster_authorization_failed);
  EXPECT_NE(answer.error().message().find(": InitProducerId: "), std::string::npos)
      << answer.error().message();
  EXPECT_EQ(broker.count(ApiKey::init_producer_id), 1u);
}

TEST_F(ClusterTest, GivesUpAtTheDeadlineWithTheLastError) {
  make();
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    broker.answer(request, producer_id(-1, KafkaErrc::coordinator_load_in_progress));
  });
  const auto begin = core.loop.time.now();
  const auto answer = run(cluster->call_any(protocol::InitProducerIdRequest{}, in(seconds(10))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, KafkaErrc::coordinator_load_in_progress);
  EXPECT_LE(core.loop.time.now(), begin + seconds(10));
  EXPECT_LT(broker.count(ApiKey::init_producer_id), 20u);
}

TEST_F(ClusterTest, ASilentBrokerCostsOneRequestTimeoutThenAnotherIsAsked) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  std::string silent;
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    if (silent.empty()) silent = request.wire->host;
    if (request.wire->host != silent) broker.answer(request, producer_id(7));
  });
  const auto begin = core.loop.time.now();
  const auto answer = run(cluster->call_any(protocol::InitProducerIdRequest{}, in(seconds(120))));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_GE(core.loop.time.now(), begin + seconds(30));
  EXPECT_LT(core.loop.time.now(), begin + seconds(32));
}

TEST_F(ClusterTest, SaysWhyTheClusterCannotBeReachedRatherThanWhatIsUnknown) {
  make();
  broker.refuse = ErrorCode(ECONNREFUSED, boost::system::system_category());
  const auto answer = run(cluster->call_controller(protocol::InitProducerIdRequest{}, in(seconds(5))));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message().find("Connection refused"), std::string::npos)
      << answer.error().message();
}

TEST_F(ClusterTest, AsksTheControllerAgainAfterItMoved) {
  make();
  controller = 1;
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  controller = 3;
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    const bool is_controller = request.wire->host == "host-3";
    broker.answer(request, producer_id(7, is_controller ? KafkaErrc::none : KafkaErrc::not_controller));
  });
  const auto answer = run(cluster->call_controller(protocol::InitProducerIdRequest{}, in(seconds(30))));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(broker.count(ApiKey::init_producer_id), 2u);
}

TEST_F(ClusterTest, AsksTheLeaderAgainAfterItMoved) {
  make();
  topics["t"] = {{.leader = 1, .epoch = 1}};
  ASSERT_TRUE(run(cluster->refresh_topics({"t"}, in(seconds(10)))));
  topics["t"] = {{.leader = 2, .epoch = 2}};
  std::vector<std::string> asked;
  broker.on(ApiKey::list_offsets, [&](const Request& request) {
    asked.push_back(request.wire->host);
    protocol::ListOffsetsResponse response;
    response.topics.emplace_back();
    response.topics[0].partitions.emplace_back();
    if (request.wire->host != "host-2") {
      response.topics[0].partitions[0].error_code = KafkaErrc::not_leader_or_follower;
    }
    broker.answer(request, response);
  });
  const auto error_of = [](const protocol::ListOffsetsResponse& response) {
    return response.topics.at(0).partitions.at(0).error_code;
  };
  const auto answer = run(cluster->call_leader({"t", PartitionIndex(0)}, protocol::ListOffsetsRequest{},
                                               in(seconds(30)), error_of));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(asked, (std::vector<std::string>{"host-1", "host-2"}));
}

TEST_F(ClusterTest, FindsACoordinatorOnceAndAgainAfterItMoved) {
  make();
  std::int32_t coordinator = 1;
  broker.on(ApiKey::find_coordinator, [&](const Request& request) {
    const auto asked = test::ScriptedBroker::decode<protocol::FindCoordinatorRequest>(request);
    protocol::FindCoordinatorResponse response;
    response.coordinators.push_back(
        {.key = asked.coordinator_keys.at(0), .node_id = coordinator, .host = "ignored"});
    broker.answer(request, response);
  });
  broker.on(ApiKey::init_producer_id, [&](const Request& request) {
    const bool right = request.wire->host == "host-" + std::to_string(coordinator);
    broker.answer(request, producer_id(7, right ? KafkaErrc::none : KafkaErrc::not_coordinator));
  });
  const auto call = [&] {
    return run(cluster->call_coordinator(CoordinatorType::transaction, "tx",
                                         protocol::InitProducerIdRequest{}, in(seconds(30))));
  };
  // The metadata must know the broker's address, or the answer's own would be used.
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  ASSERT_TRUE(call());
  ASSERT_TRUE(call());
  EXPECT_EQ(broker.count(ApiKey::find_coordinator), 1u);
  coordinator = 2;
  ASSERT_TRUE(call());
  EXPECT_EQ(broker.count(ApiKey::find_coordinator), 2u);
}

// --- stop ---

TEST_F(ClusterTest, StopFailsWhateverIsUnderWayAtOnce) {
  make();
  ASSERT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
  broker.on(ApiKey::init_producer_id, [](const Request&) {});
  broker.on(ApiKey::metadata, [](const Request&) {});
  broker.on(ApiKey::find_coordinator, [](const Request&) {});
  std::vector<ErrorCode> outcomes;
  net::TaskGroup callers(core.loop.executor());
  const auto note = [&](const auto& result) {
    outcomes.push_back(result ? ErrorCode{} : result.error().code);
  };
  callers.spawn([&]() -> net::Task { note(co_await cluster->refresh_metadata(SteadyTime::max())); });
  callers.spawn([&]() -> net::Task {
    note(co_await cluster->call_any(protocol::InitProducerIdRequest{}, SteadyTime::max()));
  });
  callers.spawn([&]() -> net::Task {
    note(co_await cluster->call_coordinator(CoordinatorType::group, "g", protocol::InitProducerIdRequest{},
                                            SteadyTime::max()));
  });
  callers.spawn([&]() -> net::Task {
    note(co_await cluster->call_leader({"t", PartitionIndex(0)}, protocol::ListOffsetsRequest{},
                                       SteadyTime::max(), top_level_error<protocol::ListOffsetsResponse>));
  });
  core.loop.run_for(seconds(1));
  EXPECT_TRUE(outcomes.empty());
  const auto begin = core.loop.time.now();
  core.loop.run(cluster->stop());
  core.loop.run_until([&] { return callers.size() == 0; }, seconds(5));
  EXPECT_LT(core.loop.time.now() - begin, seconds(2));
  ASSERT_EQ(outcomes.size(), 4u);
  for (const auto& code : outcomes) EXPECT_TRUE(net::is_aborted(code)) << code.message();
  const auto late = core.loop.run(cluster->connection(BrokerId(1), {}, in(seconds(1))));
  ASSERT_FALSE(late);
  EXPECT_TRUE(net::is_aborted(late.error()));
}

TEST_F(ClusterTest, StopsWhileTheClusterIsDown) {
  make();
  core.connector.silent = true;
  net::TaskGroup callers(core.loop.executor());
  std::optional<Result<void>> outcome;
  callers.spawn([&]() -> net::Task { outcome = co_await cluster->refresh_metadata(SteadyTime::max()); });
  core.loop.run_for(seconds(3));
  const auto begin = core.loop.time.now();
  core.loop.run(cluster->stop());
  core.loop.settle();
  EXPECT_EQ(core.loop.time.now(), begin);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(net::is_aborted(outcome->error()));
}

}  // namespace
}  // namespace longhaul::client
