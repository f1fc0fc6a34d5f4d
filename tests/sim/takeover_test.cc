// What the target contradicts in operation, and who else has the partitions.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "tests/sim/flow_world.h"

namespace longhaul::test {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using sandbox::FaultAction;
using sandbox::FaultMoment;
using std::chrono::seconds;

const std::string kRemote = FlowWorld::kRemote;

void expect_same(FlowWorld& world) {
  for (std::int32_t partition = 0; partition < FlowWorld::kPartitions; ++partition) {
    EXPECT_EQ(world.target_records(partition), world.source_records(partition)) << partition;
  }
}

/// Produce to one partition is answered with `code`, `count` times in a row; the flow goes on by itself.
void contradict(KafkaErrc code, FaultMoment moment, std::int64_t count) {
  FlowWorld world;
  world.feed(4);
  ASSERT_TRUE(world.begin());
  const auto rule = world.b().faults().add({.api = ApiKey::produce,
                                            .topic = kRemote,
                                            .partition = 1,
                                            .action = FaultAction::error,
                                            .moment = moment,
                                            .error_code = code,
                                            .count = count});
  world.feed(6);
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(120)));
  EXPECT_EQ(world.b().faults().rules().at(rule).injected, count);
  world.feed(2);
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(60)));
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
}

TEST(TakeOver, APartitionWhoseSequenceIsContradictedIsTakenOverAgain) {
  for (const auto code : {KafkaErrc::out_of_order_sequence_number, KafkaErrc::unknown_producer_id,
                          KafkaErrc::duplicate_sequence_number}) {
    for (const auto moment : {FaultMoment::before, FaultMoment::after}) {
      for (const std::int64_t count : {1, 2, 3}) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(code) << " x" << count);
        contradict(code, moment, count);
      }
    }
  }
}

TEST(TakeOver, StartsAfterADrainLeaveOneMarkerEachAndNothingElse) {
  FlowWorld world;
  world.feed(4);
  const auto end = [&] { return world.b().partition("A.topic", PartitionIndex(0))->end_offset; };
  for (int start = 1; start <= 3; ++start) {
    ASSERT_TRUE(world.begin());
    EXPECT_TRUE(world.end().has_value());
    EXPECT_EQ(end(), 12 + start);
  }
  expect_same(world);
}

TEST(TakeOver, NothingIsTwiceInATopicThatWasCreatedAnewWhileItWasIdle) {
  FlowWorld world;
  world.feed(4);
  ASSERT_TRUE(world.begin());
  ASSERT_TRUE(world.b().delete_topic(kRemote, world.net().now()).has_value());
  ASSERT_TRUE(world.b().create_topic(kRemote, FlowWorld::kPartitions, 2).has_value());
  world.feed(2);
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(900)));
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
}

TEST(TakeOver, TransactionalIdsOutliveDaysWithoutARecord) {
  using std::chrono::hours;
  FlowWorld world({.fetch_max_wait = seconds(60)});
  const auto expire = [&world](milliseconds after) {
    const auto text = std::to_string(after.count());
    ASSERT_TRUE(world.b().set_option("transactional.id.expiration.ms", text, world.net().now()).has_value());
  };
  expire(hours(26));
  const auto producers = [&world] {
    std::map<std::string, std::int64_t> found;
    for (const auto& id : world.b().transactional_ids()) found[id] = world.b().transaction(id)->producer_id;
    return found;
  };
  const auto ends = [&world] {
    std::vector<std::int64_t> found;
    for (std::int32_t i = 0; i < FlowWorld::kPartitions; ++i)
      found.push_back(world.b().partition("A.topic", PartitionIndex(i))->end_offset);
    return found;
  };
  world.feed(2);
  ASSERT_TRUE(world.begin());
  const auto first = producers();
  const auto written = ends();
  ASSERT_FALSE(first.empty());
  const auto until = world.loop().time.now() + hours(30);
  (void)world.loop().run_until([&] { return world.loop().time.now() >= until; }, hours(36));
  EXPECT_EQ(producers(), first);
  EXPECT_EQ(ends(), written) << "nothing is written to remote topics meanwhile, no marker either";
  world.feed(2);
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(120)));
  EXPECT_EQ(producers(), first);
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
  // What nobody uses does expire here.
  expire(milliseconds(1));
  EXPECT_TRUE(producers().empty());
}

/// A request of ours adds every partition of the remote topic to a transaction of `id`, long after its sender
/// has given it up; true when the coordinator took it.
bool adds_partitions_late(FlowWorld& world, const std::string& id) {
  const auto holder = world.b().transaction(id);
  protocol::AddPartitionsToTxnRequest request{.transactional_id = id,
                                              .producer_id = holder->producer_id,
                                              .producer_epoch = holder->producer_epoch,
                                              .topics = {}};
  request.topics.push_back({.name = "A.topic", .partitions = {0, 1, 2, 3}});
  request.topics.push_back({.name = "mm2-longhaul.A.internal", .partitions = {0}});
  constexpr std::int16_t kVersion = 3;
  return std::ranges::any_of(std::array{1, 2}, [&](int broker) {
    const auto answer = world.net().call("b", broker, request, kVersion);
    const auto& results = answer.results_by_topic;
    return !results.empty() && results[0].results_by_partition.at(0).partition_error_code == KafkaErrc::none;
  });
}

TEST(TakeOver, AnEpochThatTheCoordinatorHasFencedByItselfStopsNothing) {
  FlowWorld world;
  world.feed(4);
  ASSERT_TRUE(world.begin());
  const auto id = world.only_transactional_id();
  ASSERT_TRUE(id && adds_partitions_late(world, *id));
  // Nobody ends it, so the coordinator does, under an epoch that nobody holds.
  ASSERT_TRUE(
      world.loop().run_until([&] { return !world.b().aborted_by_mistake().empty(); }, seconds(1'800)));
  ASSERT_TRUE(world.loop().run_until([&] { return !world.b().has_open_transactions(); }, seconds(60)));
  world.feed(6);
  EXPECT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(120)));
  world.feed(2);
  EXPECT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(60)));
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
}

TEST(TakeOver, AnEpochThatSomebodyHasTakenStopsAll) {
  FlowWorld world;
  world.feed(4);
  ASSERT_TRUE(world.begin());
  const auto id = world.only_transactional_id();
  ASSERT_TRUE(id);
  protocol::InitProducerIdRequest request;
  request.transactional_id = *id;
  request.transaction_timeout_ms = 5'000;
  constexpr std::int16_t kVersion = 4;
  ASSERT_TRUE(std::ranges::any_of(std::array{1, 2}, [&](int broker) {
    return world.net().call("b", broker, request, kVersion).error_code == KafkaErrc::none;
  }));
  // Whoever it is fences the partitions, as a successor does.
  ASSERT_TRUE(adds_partitions_late(world, *id));
  ASSERT_TRUE(
      world.loop().run_until([&] { return !world.b().aborted_by_mistake().empty(); }, seconds(1'800)));
  world.feed(2);
  EXPECT_FALSE(world.loop().run_until([&] { return world.caught_up(); }, seconds(300)));
  for (std::int32_t partition = 0; partition < FlowWorld::kPartitions; ++partition)
    EXPECT_EQ(world.target_records(partition).size(), 12U) << partition;
  EXPECT_EQ(world.b().transaction(*id)->producer_epoch, 2) << "nobody has asked for another epoch in vain";
  (void)world.end();
}

/// A transaction that is committed, and has not all of its markers yet.
bool is_ending(FlowWorld& world) {
  return std::ranges::any_of(world.b().transactional_ids(), [&](const std::string& id) {
    return world.b().transaction(id)->state == "PrepareCommit";
  });
}

TEST(Transactions, AMarkerThatWasLostIsWrittenAgainAlthoughNothingMoreComes) {
  FlowWorld world({.transactions = replicator::Transactions::always, .marker_delay = seconds(1)});
  // One copy only: without its broker a partition has no leader.
  ASSERT_TRUE(world.b().create_topic(kRemote, FlowWorld::kPartitions, 1).has_value());
  world.start();
  ASSERT_TRUE(world.loop().run_until([&] { return world.started().has_value(); }, seconds(60)));
  world.feed(2);
  ASSERT_TRUE(world.loop().run_until([&] { return is_ending(world); }, seconds(60)));
  const BrokerId broker(world.b().partition(kRemote, PartitionIndex(0))->leader);
  ASSERT_TRUE(world.b().set_broker_up(broker, false, world.net().now()).has_value());
  ASSERT_TRUE(world.loop().run_until([&] { return world.b().lost_markers() > 0; }, seconds(60)));
  ASSERT_TRUE(world.b().set_broker_up(broker, true, world.net().now()).has_value());
  EXPECT_TRUE(world.b().has_open_transactions());
  EXPECT_TRUE(world.loop().run_until([&] { return !world.b().has_open_transactions(); }, seconds(60)));
  EXPECT_TRUE(world.caught_up());
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
}

TEST(Transactions, AnEndThatIsRepeatedTooLateEndsNoOther) {
  FlowWorld world({.transactions = replicator::Transactions::always});
  world.feed(1);
  world.start();
  const auto find_open = [&]() -> std::optional<std::string> {
    for (const auto& id : world.b().transactional_ids()) {
      if (id.ends_with(":t") && world.b().transaction(id)->state == "Ongoing") return id;
    }
    return std::nullopt;
  };
  ASSERT_TRUE(world.loop().run_until([&] { return find_open().has_value(); }, seconds(60)));
  const auto id = *find_open();
  const auto first = *world.b().transaction(id);
  ASSERT_TRUE(world.loop().run_until([&] { return !find_open(); }, seconds(60)));
  // Its end was sent twice, and the other one comes while the next transaction is open.
  world.feed(1);
  ASSERT_TRUE(world.loop().run_until([&] { return find_open() == id; }, seconds(60)));
  const protocol::EndTxnRequest late{.transactional_id = id,
                                     .producer_id = first.producer_id,
                                     .producer_epoch = first.producer_epoch,
                                     .committed = true};
  constexpr std::int16_t kVersion = 4;
  bool refused = false;
  for (int broker = 1; broker <= 2; ++broker) {
    const auto code = world.net().call("b", broker, late, kVersion).error_code;
    EXPECT_NE(code, KafkaErrc::none);
    refused = refused || code == KafkaErrc::producer_fenced;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(find_open(), id);
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(60)));
  EXPECT_TRUE(world.end().has_value());
  expect_same(world);
}

}  // namespace
}  // namespace longhaul::test
