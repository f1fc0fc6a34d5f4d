#include "replicator/topic_sync.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

PatternList patterns(std::vector<std::string> items) {
  return PatternList::compile(std::move(items)).value();
}

FlowOptions options(std::vector<std::string> topics = {".*"},
                    const std::string& policy = "DefaultReplicationPolicy") {
  ReplicationPolicyOptions policy_options;
  policy_options.class_name = "org.apache.kafka.connect.mirror." + policy;
  FlowOptions made;
  made.source_alias = "A";
  made.target_alias = "B";
  made.selection = std::make_shared<TopicSelection>(
      TopicFilter(patterns(std::move(topics)), patterns({"secret.*"})),
      ReplicationPolicy::create(policy_options).value(), "B", HeartbeatsReplication::on);
  made.config_exclude = std::make_shared<PatternList>(patterns({"min\\.insync\\.replicas"}));
  made.offsets_topic = "my-offsets";
  made.state_topic = "my-state";
  return made;
}

std::map<std::string, TopicFacts> by_name(std::vector<TopicFacts> topics) {
  std::map<std::string, TopicFacts> named;
  for (auto& topic : topics) named.emplace(topic.name, topic);
  return named;
}

const TopicChange* change_of(const TopicPlan& plan, const std::string& topic) {
  for (const auto& change : plan.selected) {
    if (change.source.name == topic) return &change;
  }
  return nullptr;
}

TEST(TopicSync, CreatesMissingTopicsAndGrowsShorterOnesAndNeverShrinks) {
  const auto plan = plan_topics(options(),
                                {{.name = "new", .partitions = 3},
                                 {.name = "grown", .partitions = 6},
                                 {.name = "same", .partitions = 2},
                                 {.name = "shrunk", .partitions = 1}},
                                by_name({{.name = "A.grown", .partitions = 4},
                                         {.name = "A.same", .partitions = 2},
                                         {.name = "A.shrunk", .partitions = 5}}));
  ASSERT_EQ(plan.selected.size(), 4U);
  EXPECT_EQ(change_of(plan, "new")->kind, TopicChange::Kind::create);
  EXPECT_EQ(change_of(plan, "new")->remote_topic, "A.new");
  EXPECT_EQ(change_of(plan, "grown")->kind, TopicChange::Kind::add_partitions);
  EXPECT_EQ(change_of(plan, "same")->kind, TopicChange::Kind::none);
  EXPECT_EQ(change_of(plan, "shrunk")->kind, TopicChange::Kind::none);
  EXPECT_EQ(change_of(plan, "shrunk")->remote_partitions, 5);
}

TEST(TopicSync, RejectsWithTheRuleThatDidIt) {
  const auto plan = plan_topics(options({"orders", "secret.*"}),
                                {{.name = "orders", .partitions = 1},
                                 {.name = "secret-1", .partitions = 1},
                                 {.name = "other", .partitions = 1},
                                 {.name = "B.orders", .partitions = 1}},
                                {});
  ASSERT_EQ(plan.selected.size(), 1U);
  ASSERT_EQ(plan.rejected.size(), 3U);
  EXPECT_EQ(plan.rejected[0].name, "B.orders");
  EXPECT_EQ(plan.rejected[1].decision.reason, DecisionReason::not_included);
  EXPECT_EQ(plan.rejected[2].decision.reason, DecisionReason::excluded);
  EXPECT_EQ(plan.rejected[2].decision.rule, "secret.*");
}

TEST(TopicSync, NeverReplicatesItsOwnPositions) {
  const auto plan = plan_topics(
      options(), {{.name = "my-offsets", .partitions = 25}, {.name = "my-state", .partitions = 25}}, {});
  EXPECT_TRUE(plan.selected.empty());
  EXPECT_EQ(plan.rejected.size(), 2U);
}

TEST(TopicSync, LeavesOutBothTopicsThatWouldShareARemoteName) {
  // Under the identity policy heartbeats topics keep the default naming, so these two meet.
  const auto plan = plan_topics(options({".*"}, "IdentityReplicationPolicy"),
                                {{.name = "A.heartbeats", .partitions = 1},
                                 {.name = "heartbeats", .partitions = 1},
                                 {.name = "x", .partitions = 1}},
                                {});
  ASSERT_NE(change_of(plan, "x"), nullptr);
  EXPECT_EQ(change_of(plan, "heartbeats")->remote_topic, "A.heartbeats");
}

TEST(TopicSync, CopiesOverridesAndDynamicBrokerValuesOnly) {
  using protocol::ConfigSource;
  const std::vector<ConfigValue> source = {
      {.name = "retention.ms", .value = "1000", .source = ConfigSource::topic},
      {.name = "cleanup.policy", .value = "compact", .source = ConfigSource::dynamic_default_broker},
      {.name = "min.insync.replicas", .value = "2", .source = ConfigSource::topic},
      {.name = "segment.bytes", .value = "5", .source = ConfigSource::static_broker},
      {.name = "max.message.bytes", .value = "1048588", .source = ConfigSource::default_value},
      {.name = "sensitive", .value = std::nullopt, .source = ConfigSource::topic, .sensitive = true},
      {.name = "fixed", .value = "1", .source = ConfigSource::topic, .read_only = true}};
  using Configs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(configs_for_creation(options(), source, {}).copied,
            (Configs{{"cleanup.policy", "compact"}, {"retention.ms", "1000"}}));
  auto from_source = options();
  from_source.defaults_from = DefaultsFrom::source;
  EXPECT_EQ(
      configs_for_creation(from_source, source, {}).copied,
      (Configs{{"cleanup.policy", "compact"}, {"max.message.bytes", "1048588"}, {"retention.ms", "1000"}}));
}

TEST(TopicSync, LeavesOutSettingsThatTheTargetDoesNotKnow) {
  using protocol::ConfigSource;
  const std::vector<ConfigValue> source = {
      {.name = "retention.ms", .value = "1000", .source = ConfigSource::topic},
      {.name = "message.timestamp.before.max.ms", .value = "5000", .source = ConfigSource::topic},
      {.name = "compression.gzip.level", .value = "9", .source = ConfigSource::dynamic_broker},
      {.name = "min.insync.replicas", .value = "2", .source = ConfigSource::topic},
      {.name = "segment.bytes", .value = "5", .source = ConfigSource::default_value}};
  const auto configs = configs_for_creation(options(), source, {"retention.ms", "segment.bytes"});
  EXPECT_EQ(configs.copied, (std::vector<std::pair<std::string, std::string>>{{"retention.ms", "1000"}}));
  // What is excluded or a default is no loss and not spoken of.
  EXPECT_EQ(configs.unknown_to_target,
            (std::vector<std::string>{"compression.gzip.level", "message.timestamp.before.max.ms"}));
}

TEST(TopicSync, LiftsTheTargetsLimitOnTimestampsUnlessTheSourceTopicHasItsOwn) {
  using Configs = std::vector<std::pair<std::string, std::string>>;
  const std::string none = "9223372036854775807";
  const std::string after = "message.timestamp.after.max.ms";
  const std::string difference = "message.timestamp.difference.max.ms";
  EXPECT_EQ(configs_for_creation(options(), {}, {after, difference}).copied, (Configs{{after, none}}));
  EXPECT_EQ(configs_for_creation(options(), {}, {difference}).copied, (Configs{{difference, none}}))
      << "a broker before 3.6";
  EXPECT_TRUE(configs_for_creation(options(), {}, {}).copied.empty()) << "what is known there is not known";
  const std::vector<ConfigValue> source = {
      {.name = after, .value = "7000", .source = protocol::ConfigSource::topic}};
  EXPECT_EQ(configs_for_creation(options(), source, {after, difference}).copied, (Configs{{after, "7000"}}));
}

TEST(TopicSync, NeverAsksForAnOldRecordFormat) {
  const std::vector<ConfigValue> source = {
      {.name = "message.format.version", .value = "0.10.2-IV0", .source = protocol::ConfigSource::topic}};
  for (const auto& known : {std::set<std::string>{}, {"message.format.version"}, {"retention.ms"}}) {
    const auto configs = configs_for_creation(options(), source, known);
    EXPECT_TRUE(configs.copied.empty());
    EXPECT_TRUE(configs.unknown_to_target.empty());
  }
}

}  // namespace
}  // namespace longhaul::replicator
