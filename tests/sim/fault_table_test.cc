// Each fault x {source, target} x {fetch, produce, metadata, what a start asks} x {first start, restart,
// under way} x {once, three times, lasting}: the data is complete, in bounded time, with one clear line and
// without a busy loop.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "base/log_capture.h"
#include "tests/sim/flow_world.h"

namespace longhaul::test {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using sandbox::FaultAction;
using sandbox::FaultMoment;
using sandbox::FaultRule;
using std::chrono::seconds;

enum class Phase { start, restart, running };
enum class Extent { once, three_times, lasting };

/// How long a lasting fault lasts: longer than a request waits for its answer.
constexpr seconds kLasting{45};
/// Of one cluster's brokers during that time. With back-off up to a second, and metadata asked for along with
/// each attempt, all connections of the flow together stay well below.
constexpr std::int64_t kRequestsMax = 500;
constexpr std::int64_t kConnectionsMax = 100;
/// From the end of the fault to complete data: a request that is never answered ends by its own time limit.
constexpr seconds kRecoveryMax{90};

struct Case {
  std::string name;
  bool on_source = true;
  Phase phase = Phase::running;
  Extent extent = Extent::once;
  FaultRule rule;
};

struct Lines {
  static inline std::vector<std::string> all;
  Lines() {
    all.clear();
    log::set_capture([](log::Level level, std::string_view line) {
      if (level >= log::Level::warn) all.emplace_back(line);
    });
  }
  ~Lines() { log::set_capture(nullptr); }
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "\n  " + line;
  return text;
}

/// Nothing is said twice: neither about a broker nor, beside the brokers, what it leads to. What holds the
/// data up is said.
void check_lines(const Case& one, bool held_up) {
  static const std::regex kBroker("cluster [AB]: broker [ab]:[0-9]+");
  std::map<std::string, int> subjects;
  for (const auto& line : Lines::all) {
    std::smatch found;
    const auto what = line.substr(0, line.find(" flow="));
    ++subjects[std::regex_search(what, found, kBroker) ? found.str() : what];
  }
  EXPECT_LE(subjects.size(), 4U) << joined(Lines::all);
  for (const auto& [subject, count] : subjects) {
    EXPECT_EQ(count, 1) << subject << joined(Lines::all);
  }
  const bool noticed = one.rule.action != FaultAction::delay && one.extent == Extent::lasting && held_up;
  if (noticed) {
    EXPECT_FALSE(Lines::all.empty()) << "not a word";
  }
}

std::vector<FaultRule> connection_faults() {
  return {{.action = FaultAction::disconnect, .moment = FaultMoment::before},
          {.action = FaultAction::disconnect, .moment = FaultMoment::after},
          {.action = FaultAction::stall, .moment = FaultMoment::before},
          {.action = FaultAction::stall, .moment = FaultMoment::after},
          {.action = FaultAction::delay, .delay = milliseconds(3'000)},
          {.action = FaultAction::truncate},
          {.action = FaultAction::garbage}};
}

/// Errors that pass, by API. Those that a broker may give although the request took effect come at both
/// moments.
const std::map<ApiKey, std::vector<std::pair<KafkaErrc, FaultMoment>>>& passing_errors() {
  using enum FaultMoment;
  static const std::map<ApiKey, std::vector<std::pair<KafkaErrc, FaultMoment>>> kErrors{
      {ApiKey::fetch,
       {{KafkaErrc::not_leader_or_follower, before},
        {KafkaErrc::unknown_leader_epoch, before},
        {KafkaErrc::fenced_leader_epoch, before},
        {KafkaErrc::replica_not_available, before},
        {KafkaErrc::kafka_storage_error, before},
        {KafkaErrc::offset_not_available, before}}},
      {ApiKey::produce,
       {{KafkaErrc::not_leader_or_follower, before},
        {KafkaErrc::not_enough_replicas, before},
        {KafkaErrc::not_enough_replicas_after_append, after},
        {KafkaErrc::request_timed_out, before},
        {KafkaErrc::request_timed_out, after},
        {KafkaErrc::kafka_storage_error, before}}},
      {ApiKey::metadata, {{KafkaErrc::leader_not_available, before}}},
      {ApiKey::list_offsets,
       {{KafkaErrc::not_leader_or_follower, before}, {KafkaErrc::leader_not_available, before}}},
      {ApiKey::init_producer_id,
       {{KafkaErrc::coordinator_load_in_progress, before},
        {KafkaErrc::not_coordinator, before},
        {KafkaErrc::concurrent_transactions, before}}},
      {ApiKey::find_coordinator, {{KafkaErrc::coordinator_not_available, before}}},
      {ApiKey::add_partitions_to_txn,
       {{KafkaErrc::coordinator_load_in_progress, before},
        {KafkaErrc::not_coordinator, before},
        {KafkaErrc::concurrent_transactions, before}}},
      {ApiKey::end_txn,
       {{KafkaErrc::coordinator_not_available, before},
        {KafkaErrc::not_coordinator, before},
        {KafkaErrc::concurrent_transactions, before}}},
      {ApiKey::create_topics,
       {{KafkaErrc::not_controller, before},
        {KafkaErrc::request_timed_out, before},
        {KafkaErrc::request_timed_out, after}}},
  };
  return kErrors;
}

std::vector<std::pair<bool, ApiKey>> requests_of(Phase phase) {
  if (phase == Phase::running) {
    return {
        {true, ApiKey::fetch}, {true, ApiKey::metadata}, {false, ApiKey::produce}, {false, ApiKey::metadata}};
  }
  if (phase == Phase::restart) {
    return {{true, ApiKey::fetch},
            {false, ApiKey::fetch},
            {false, ApiKey::list_offsets},
            {false, ApiKey::find_coordinator},
            {false, ApiKey::init_producer_id},
            {false, ApiKey::add_partitions_to_txn},
            {false, ApiKey::end_txn}};
  }
  return {{true, ApiKey::api_versions},
          {true, ApiKey::metadata},
          {true, ApiKey::list_offsets},
          {true, ApiKey::describe_configs},
          {true, ApiKey::fetch},
          {false, ApiKey::api_versions},
          {false, ApiKey::metadata},
          {false, ApiKey::create_topics},
          {false, ApiKey::list_offsets},
          {false, ApiKey::describe_configs},
          {false, ApiKey::init_producer_id},
          {false, ApiKey::produce}};
}

std::string case_name(const Case& one) {
  std::string name = one.phase == Phase::start     ? "start_"
                     : one.phase == Phase::restart ? "restart_"
                                                   : "running_";
  name += one.on_source ? "source_" : "target_";
  name += protocol::api_info(*one.rule.api).name;
  name += "_" + std::string(sandbox::name_of(one.rule.action));
  if (one.rule.action == FaultAction::error) {
    name += "_" + std::string(protocol::name_of(one.rule.error_code));
  }
  name += one.rule.moment == FaultMoment::after ? "_after" : "";
  name += one.extent == Extent::once ? "_once" : one.extent == Extent::three_times ? "_thrice" : "_lasting";
  return name;
}

std::vector<Case> table() {
  std::vector<Case> cases;
  for (const auto phase : {Phase::start, Phase::restart, Phase::running}) {
    for (const auto& [on_source, api] : requests_of(phase)) {
      auto rules = connection_faults();
      const auto errors = passing_errors().find(api);
      if (errors != passing_errors().end()) {
        for (const auto& [code, moment] : errors->second)
          rules.push_back({.action = FaultAction::error, .moment = moment, .error_code = code});
      }
      for (auto& rule : rules) {
        for (const auto extent : {Extent::once, Extent::three_times, Extent::lasting}) {
          Case one{.on_source = on_source, .phase = phase, .extent = extent, .rule = rule};
          one.rule.api = api;
          if (extent == Extent::once) one.rule.count = 1;
          if (extent == Extent::three_times) one.rule.count = 3;
          one.name = case_name(one);
          cases.push_back(std::move(one));
        }
      }
    }
  }
  return cases;
}

struct FaultTable : testing::TestWithParam<Case> {};

/// The flow caught up, ended well, and the target holds what the source holds, in order.
void expect_all_there(FlowWorld& world, bool complete, const Result<void>& ended) {
  ASSERT_TRUE(complete) << joined(Lines::all);
  EXPECT_TRUE(ended.has_value()) << ended.error().message();
  for (std::int32_t partition = 0; partition < FlowWorld::kPartitions; ++partition) {
    EXPECT_EQ(world.target_records(partition), world.source_records(partition)) << partition;
  }
}

TEST_P(FaultTable, DataIsCompleteInTimeWithOneLineAndNoBusyLoop) {
  const auto& one = GetParam();
  const Lines lines;
  FlowWorld world;
  auto& faulty = one.on_source ? world.a() : world.b();
  const std::string site = one.on_source ? "a" : "b";
  world.feed(4);
  if (one.phase != Phase::start) {
    world.start();
    ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(60)));
    world.loop().run_for(seconds(2));
    ASSERT_TRUE(Lines::all.empty()) << joined(Lines::all);
  }
  if (one.phase == Phase::restart) {
    ASSERT_TRUE(world.end().has_value());
    world.feed(4);
  }
  const auto rule = faulty.faults().add(one.rule);
  const auto before = world.net().traffic(site);
  if (one.phase == Phase::running) {
    world.feed(4);
  } else {
    world.start();
  }
  world.loop().run_for(kLasting);
  const auto during = world.net().traffic(site);
  const auto injected = faulty.faults().rules().at(rule).injected;
  const bool held_up = !world.caught_up();
  faulty.faults().remove(rule);
  const bool complete = world.loop().run_until([&] { return world.caught_up(); }, kRecoveryMax);
  const auto ended = world.end();

  EXPECT_GT(injected, 0);
  check_lines(one, held_up);
  std::string by_api;
  for (const auto& [api, count] : during.by_api)
    by_api += fmt::format(" {}={}", protocol::api_info(api).name, count);
  EXPECT_LE(during.requests - before.requests, kRequestsMax) << by_api;
  EXPECT_LE(during.connections - before.connections, kConnectionsMax);
  expect_all_there(world, complete, ended);
}

INSTANTIATE_TEST_SUITE_P(Table, FaultTable, testing::ValuesIn(table()),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

/// What befalls whole brokers.
enum class Blow { leaders_move, broker_down, all_down };

struct BrokerCase {
  std::string name;
  Blow blow = Blow::leaders_move;
  bool on_source = true;
  Phase phase = Phase::running;
  Extent extent = Extent::once;
};

std::vector<BrokerCase> broker_table() {
  std::vector<BrokerCase> cases;
  for (const auto blow : {Blow::leaders_move, Blow::broker_down, Blow::all_down}) {
    for (const bool on_source : {true, false}) {
      for (const auto phase : {Phase::start, Phase::restart, Phase::running}) {
        for (const auto extent : {Extent::once, Extent::three_times, Extent::lasting}) {
          std::string name = blow == Blow::leaders_move  ? "LeadersMove"
                             : blow == Blow::broker_down ? "BrokerDown"
                                                         : "AllDown";
          name += on_source ? "_source" : "_target";
          name += phase == Phase::start ? "_start" : phase == Phase::restart ? "_restart" : "_running";
          name += extent == Extent::once ? "_once" : extent == Extent::three_times ? "_thrice" : "_lasting";
          cases.push_back({name, blow, on_source, phase, extent});
        }
      }
    }
  }
  return cases;
}

struct BrokerTable : testing::TestWithParam<BrokerCase> {
  static constexpr seconds kTurn{5};

  /// Begins or ends a blow, the `turn`th of them.
  void strike(FlowWorld& world, int turn, bool begins) {
    const auto& one = GetParam();
    auto& cluster = one.on_source ? world.a() : world.b();
    const auto now = world.net().now();
    const BrokerId hit(turn % 2 + 1);
    switch (one.blow) {
      case Blow::leaders_move:
        for (const auto& topic : begins ? cluster.topics() : std::vector<std::string>()) {
          for (std::int32_t partition = 0; cluster.partition(topic, PartitionIndex(partition)); ++partition) {
            EXPECT_TRUE(cluster.move_leader(topic, PartitionIndex(partition), hit, now).has_value());
          }
        }
        break;
      case Blow::broker_down:
        EXPECT_TRUE(cluster.set_broker_up(hit, !begins, now).has_value());
        break;
      case Blow::all_down:
        for (const int broker : {1, 2}) {
          EXPECT_TRUE(cluster.set_broker_up(BrokerId(broker), !begins, now).has_value());
        }
        break;
    }
    world.net().deliver(one.on_source ? "a" : "b");
  }
};

TEST_P(BrokerTable, DataIsCompleteInTimeWithOneLineAndNoBusyLoop) {
  const auto& one = GetParam();
  const Lines lines;
  FlowWorld world;
  const std::string site = one.on_source ? "a" : "b";
  world.feed(4);
  if (one.phase != Phase::start) {
    world.start();
    ASSERT_TRUE(world.loop().run_until([&] { return world.caught_up(); }, seconds(60)));
    world.loop().run_for(seconds(2));
  }
  if (one.phase == Phase::restart) ASSERT_TRUE(world.end().has_value());
  world.feed(4);
  const auto before = world.net().traffic(site);
  strike(world, 0, true);
  if (one.phase != Phase::running) world.start();
  world.loop().run_for(one.extent == Extent::lasting ? kLasting : kTurn);
  strike(world, 0, false);
  for (int turn = 1; one.extent == Extent::three_times && turn < 3; ++turn) {
    world.loop().run_for(kTurn);
    strike(world, turn, true);
    world.loop().run_for(kTurn);
    strike(world, turn, false);
  }
  const auto during = world.net().traffic(site);
  const bool complete = world.loop().run_until([&] { return world.caught_up(); }, kRecoveryMax);
  const auto ended = world.end();

  // A flow that meets the outage before it has ever been connected speaks of it once more when it comes
  // again.
  const int times = one.extent == Extent::three_times && one.phase != Phase::running ? 2 : 1;
  std::map<std::string, int> said;
  for (const auto& line : Lines::all) ++said[line];
  for (const auto& [line, count] : said) EXPECT_LE(count, times) << joined(Lines::all);
  EXPECT_LE(Lines::all.size(), 4U) << joined(Lines::all);
  if (one.blow == Blow::all_down) {
    EXPECT_FALSE(Lines::all.empty());
  }
  EXPECT_LE(during.requests - before.requests, kRequestsMax);
  EXPECT_LE(during.connections - before.connections, 3 * kConnectionsMax);
  expect_all_there(world, complete, ended);
}

INSTANTIATE_TEST_SUITE_P(Table, BrokerTable, testing::ValuesIn(broker_table()),
                         [](const testing::TestParamInfo<BrokerCase>& info) { return info.param.name; });

}  // namespace
}  // namespace longhaul::test
