// Partitions that share a core, a broker or a transactional id do not hold each other up.

#include <gtest/gtest.h>

#include "protocol/messages/add_partitions_to_txn.h"
#include "tests/sim/flow_world.h"

namespace longhaul::test {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using sandbox::FaultAction;
using std::chrono::hours;
using std::chrono::seconds;

constexpr milliseconds kOld = hours(30 * 24);
/// Transactional, because its records are old; the others are live.
constexpr std::int32_t kOldPartition = 0;
const std::string kRemote = FlowWorld::kRemote;

std::size_t held(FlowWorld& world, std::int32_t partition) {
  return world.target_records(partition).size();
}

/// A flow whose partition `kOldPartition` is written in transactions.
void begin_with_an_old_partition(FlowWorld& world) {
  world.feed_one({.partition = kOldPartition, .batches = 2, .age = kOld});
  world.feed_one({.partition = 1, .batches = 2});
  world.start();
  ASSERT_TRUE(world.loop().run_until([&] { return held(world, kOldPartition) == 6 && held(world, 1) == 6; },
                                     seconds(60)));
}

TEST(Fairness, ABacklogOfLivePartitionsLeavesTurnsToTransactions) {
  FlowWorld world;
  const auto same_broker = [&](std::int32_t partition) {
    return world.b()
        .move_leader(kRemote, PartitionIndex(partition), BrokerId(1), world.net().now())
        .has_value();
  };
  begin_with_an_old_partition(world);
  ASSERT_TRUE(same_broker(kOldPartition) && same_broker(1));
  // A target that is far away: there is always something to send to it.
  (void)world.b().faults().add(
      {.api = ApiKey::produce, .action = FaultAction::delay, .delay = milliseconds(100)});
  constexpr int kBacklog = 600;
  world.feed_one({.partition = 1, .batches = kBacklog});
  world.feed_one({.partition = kOldPartition, .batches = 10, .age = kOld});
  ASSERT_TRUE(world.loop().run_until([&] { return held(world, kOldPartition) == 36; }, seconds(300)));
  EXPECT_LT(held(world, 1), std::size_t{3 * kBacklog}) << "while the others still had a backlog";
  EXPECT_TRUE(world.end().has_value());
}

TEST(Fairness, PartitionsThatWaitForATransactionKeepNoMemoryFromOthers) {
  FlowWorld world({.memory = std::size_t{300} << 10U});
  begin_with_an_old_partition(world);
  const auto rule = world.b().faults().add({.api = ApiKey::add_partitions_to_txn,
                                            .action = FaultAction::error,
                                            .error_code = KafkaErrc::coordinator_not_available});
  for (int round = 0; round < 40; ++round) {
    world.feed_one({.partition = kOldPartition, .age = kOld, .value_size = 5'000});
    world.feed_one({.partition = 1, .value_size = 5'000});
    world.loop().run_until([] { return false; }, milliseconds(200));
  }
  const std::size_t all = 6 + 40 * 3;
  EXPECT_TRUE(world.loop().run_until([&] { return held(world, 1) == all; }, seconds(60)));
  EXPECT_LT(held(world, kOldPartition), all);
  EXPECT_TRUE(world.b().faults().remove(rule));
  EXPECT_TRUE(world.loop().run_until([&] { return held(world, kOldPartition) == all; }, seconds(120)));
  EXPECT_TRUE(world.end().has_value());
}

/// The coordinator raises the epoch of `id` by itself, as after a request of ours that came late. No
/// partition that we write to sees anything of it.
void let_it_fence_by_itself(FlowWorld& world, const std::string& id) {
  const auto holder = world.b().transaction(id);
  protocol::AddPartitionsToTxnRequest request{.transactional_id = id,
                                              .producer_id = holder->producer_id,
                                              .producer_epoch = holder->producer_epoch,
                                              .topics = {}};
  ASSERT_TRUE(world.b().create_topic("elsewhere", 1, 1).has_value());
  request.topics.push_back({.name = "elsewhere", .partitions = {0}});
  constexpr std::int16_t kVersion = 3;
  for (int broker = 1; broker <= 2; ++broker) (void)world.net().call("b", broker, request, kVersion);
  ASSERT_TRUE(
      world.loop().run_until([&] { return !world.b().aborted_by_mistake().empty(); }, seconds(1'800)));
}

TEST(Fairness, WhatRunsWhenItIsTakenOverIsTakenOverOnce) {
  FlowWorld world({.fetch_max_wait = seconds(60)});
  world.feed(2);
  const auto day = world.loop().time.now() + hours(24);
  ASSERT_TRUE(world.begin());
  const auto id = world.only_transactional_id();
  ASSERT_TRUE(id);
  let_it_fence_by_itself(world, *id);
  const auto fenced = world.b().transaction(*id)->producer_epoch;
  // The daily marker finds that the epoch is not ours any more.
  (void)world.loop().run_until([&] { return world.loop().time.now() >= day - seconds(10); }, hours(25));
  // A take-over takes a while, and what runs sends on meanwhile.
  (void)world.a().faults().add(
      {.api = ApiKey::list_offsets, .action = FaultAction::delay, .delay = milliseconds(400)});
  const auto until = day + seconds(50);
  while (world.loop().time.now() < until) {
    world.feed(1);
    (void)world.loop().run_until([] { return false; }, milliseconds(250));
  }
  ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(120)));
  const auto epochs = world.b().transaction(*id)->producer_epoch - fenced;
  EXPECT_GE(epochs, 1) << "it was noticed";
  EXPECT_LE(epochs, 2) << "the keep-alive, and one take-over";
  for (std::int32_t partition = 0; partition < FlowWorld::kPartitions; ++partition)
    EXPECT_EQ(world.target_records(partition), world.source_records(partition)) << partition;
  EXPECT_TRUE(world.end().has_value());
}

}  // namespace
}  // namespace longhaul::test
