#include "replicator/topic_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace longhaul::replicator {
namespace {

using Items = std::vector<std::string>;

PatternList patterns(Items items) {
  auto list = PatternList::compile(std::move(items));
  EXPECT_TRUE(list.has_value()) << list.error().message();
  return *std::move(list);
}

TopicFilter filter(Items include, Items exclude = {}) {
  return {patterns(std::move(include)), patterns(std::move(exclude))};
}

TopicSelection selection(TopicFilter topics, HeartbeatsReplication heartbeats = HeartbeatsReplication::on,
                         std::string policy_class = "DefaultReplicationPolicy") {
  auto policy = ReplicationPolicy::create({.class_name = std::move(policy_class), .source_alias = "S"});
  EXPECT_TRUE(policy.has_value());
  return {std::move(topics), *std::move(policy), "T", heartbeats};
}

const Items kDefaultExclude{"mm2.*\\.internal", ".*\\.replica", "__.*"};

TEST(PatternList, ItemsAreAlternatives) {
  const auto list = patterns({"a|b", "c.*", "d"});
  for (const auto* name : {"a", "b", "cx", "d"})
    EXPECT_EQ(list.match(name).match, JavaPattern::Match::yes) << name;
  for (const auto* name : {"ab", "e", "dc"})
    EXPECT_EQ(list.match(name).match, JavaPattern::Match::no) << name;
  EXPECT_EQ(list.match("cx").rule, "c.*");
}

TEST(PatternList, IsCompiledJoinedAsKafkaDoes) {
  const auto list = patterns({"(a", "b)c"});
  EXPECT_EQ(list.match("ac").match, JavaPattern::Match::yes);
  EXPECT_EQ(list.match("bc").rule, "(a|b)c") << "no item stands alone";
  EXPECT_EQ(list.match("a").match, JavaPattern::Match::no);
}

TEST(PatternList, ABrokenItemIsNamed) {
  const auto list = PatternList::compile({"fine", "a{1", "3}"});
  ASSERT_FALSE(list.has_value());
  EXPECT_TRUE(list.error().message().starts_with("pattern 'a{1': at position 2")) << list.error().message();
}

TEST(TopicFilter, EmptyIncludeMatchesNothingEmptyExcludeExcludesNothing) {
  const auto none = filter({}).decide("orders");
  EXPECT_FALSE(none.replicate);
  EXPECT_EQ(none.reason, DecisionReason::not_included);
  EXPECT_TRUE(filter({".*"}).decide("orders").replicate);
}

TEST(TopicFilter, ExcludeWinsAndTheRuleIsTold) {
  const auto topics = filter({"orders.*", "pay.*"}, kDefaultExclude);
  const auto taken = topics.decide("payments");
  EXPECT_TRUE(taken.replicate);
  EXPECT_EQ(taken.rule, "pay.*");
  const auto left = topics.decide("orders.replica");
  EXPECT_FALSE(left.replicate);
  EXPECT_EQ(left.reason, DecisionReason::excluded);
  EXPECT_EQ(left.rule, ".*\\.replica");
  EXPECT_EQ(to_string(left.reason), "excluded by");
}

TEST(TopicFilter, LeavesNamesThatCostTooMuch) {
  const auto decision =
      filter({"(?:(?:a|aa)+)+[^a]?b?x"}).decide(std::string(120, 'a') + "yx" + std::string(100, 'a') + "x!x");
  EXPECT_FALSE(decision.replicate);
  EXPECT_EQ(decision.reason, DecisionReason::too_costly);
  EXPECT_EQ(decision.rule, "(?:(?:a|aa)+)+[^a]?b?x");
}

TEST(TopicSelection, TakesHeartbeatsTopicsPastTheFilter) {
  const auto topics = selection(filter({"orders"}));
  EXPECT_TRUE(topics.decide("orders").replicate);
  const auto heartbeats = topics.decide("heartbeats");
  EXPECT_TRUE(heartbeats.replicate);
  EXPECT_EQ(heartbeats.reason, DecisionReason::heartbeats);
  EXPECT_TRUE(topics.decide("x.heartbeats").replicate);
  EXPECT_FALSE(topics.decide("my-heartbeats").replicate);
}

TEST(TopicSelection, HeartbeatsFollowTheFilterWhenSwitchedOff) {
  EXPECT_FALSE(selection(filter({"orders"}), HeartbeatsReplication::off).decide("heartbeats").replicate);
  EXPECT_TRUE(selection(filter({".*"}), HeartbeatsReplication::off).decide("heartbeats").replicate);
}

TEST(TopicSelection, LeavesInternalTopicsWhateverTheFilterSays) {
  const auto topics = selection(filter({".*"}));
  for (const auto* name : {"mm2-offsets.A.internal", "A.checkpoints.internal", "__consumer_offsets", ".x"}) {
    const auto decision = topics.decide(name);
    EXPECT_FALSE(decision.replicate) << name;
    EXPECT_EQ(decision.reason, DecisionReason::internal_topic) << name;
  }
  EXPECT_TRUE(topics.decide("orders.internal").replicate) << "releases from 4.0 mirror it";
}

TEST(TopicSelection, LeavesWhatCameFromTheTarget) {
  const auto topics = selection(filter({".*"}));
  for (const auto* name : {"T.orders", "y.T.orders", "T.heartbeats"}) {
    const auto decision = topics.decide(name);
    EXPECT_FALSE(decision.replicate) << name;
    EXPECT_EQ(decision.reason, DecisionReason::cycle) << name;
    EXPECT_EQ(decision.rule, "the name says it passed through T");
  }
  EXPECT_TRUE(topics.decide("S.orders").replicate);
}

TEST(TopicSelection, IdentityGuardsHeartbeatsOnly) {
  const auto topics = selection(filter({".*"}), HeartbeatsReplication::on, "IdentityReplicationPolicy");
  EXPECT_TRUE(topics.decide("T.orders").replicate);
  EXPECT_FALSE(topics.decide("T.heartbeats").replicate);
}

}  // namespace
}  // namespace longhaul::replicator
