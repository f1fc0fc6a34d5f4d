#include "replicator/replication_policy.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace longhaul::replicator {
namespace {

ReplicationPolicy policy(ReplicationPolicyOptions options = {}) {
  auto made = ReplicationPolicy::create(std::move(options));
  EXPECT_TRUE(made.has_value()) << made.error().message();
  return *std::move(made);
}

ReplicationPolicy identity(std::optional<std::string> source = "A") {
  return policy({.class_name = "IdentityReplicationPolicy", .source_alias = std::move(source)});
}

struct NameCase {
  std::string topic;
  std::optional<std::string> source;
  std::optional<std::string> upstream;
  std::string original;
  bool heartbeats;
  bool internal;
};

TEST(DefaultReplicationPolicy, ReadsNamesAsJavaDoes) {
  const NameCase cases[] = {
      {"t", {}, {}, "t", false, false},
      {"A.t", "A", "t", "t", false, false},
      {"A.", {}, {}, "A.", false, false},
      {"A..", {}, {}, "A..", false, false},
      {"A..t", "A", ".t", "t", false, false},
      {".t", "", "t", "t", false, true},
      {".", {}, {}, ".", false, true},
      {"a.b.c", "a", "b.c", "c", false, false},
      {"orders.v1", "orders", "v1", "v1", false, false},
      {"heartbeats", {}, {}, "heartbeats", true, false},
      {"A.heartbeats", "A", "heartbeats", "heartbeats", true, false},
      {"x.y.heartbeats", "x", "y.heartbeats", "heartbeats", true, false},
      {"my-heartbeats", {}, {}, "my-heartbeats", false, false},
      {"A.checkpoints.internal", "A", "checkpoints.internal", "internal", false, true},
      {"mm2-offsets.A.internal", "mm2-offsets", "A.internal", "internal", false, true},
      {"mm2-offset-syncs.B.internal", "mm2-offset-syncs", "B.internal", "internal", false, true},
      {"mm2-longhaul.A.internal", "mm2-longhaul", "A.internal", "internal", false, true},
      {"foo.internal", "foo", "internal", "internal", false, false},
      {"foo-internal", {}, {}, "foo-internal", false, false},
      {"__x", {}, {}, "__x", false, true},
  };
  const auto subject = policy();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.topic);
    EXPECT_EQ(subject.topic_source(c.topic), c.source);
    EXPECT_EQ(subject.upstream_topic(c.topic), c.upstream);
    EXPECT_EQ(subject.original_topic(c.topic), c.original);
    EXPECT_EQ(subject.is_heartbeats_topic(c.topic), c.heartbeats);
    EXPECT_EQ(subject.is_internal_topic(c.topic), c.internal);
  }
}

TEST(DefaultReplicationPolicy, NamesTopics) {
  const auto subject = policy();
  EXPECT_EQ(subject.remote_topic("A", "orders"), "A.orders");
  EXPECT_EQ(subject.remote_topic("B", "A.orders"), "B.A.orders");
  EXPECT_EQ(subject.offset_syncs_topic("B"), "mm2-offset-syncs.B.internal");
  EXPECT_EQ(subject.checkpoints_topic("A"), "A.checkpoints.internal");
  EXPECT_EQ(subject.heartbeats_topic(), "heartbeats");
}

TEST(DefaultReplicationPolicy, CustomSeparatorAlsoNamesInternalTopics) {
  const auto subject = policy({.separator = "__"});
  EXPECT_EQ(subject.remote_topic("A", "t"), "A__t");
  EXPECT_EQ(subject.offset_syncs_topic("B"), "mm2-offset-syncs__B__internal");
  EXPECT_EQ(subject.checkpoints_topic("A"), "A__checkpoints__internal");
  EXPECT_EQ(subject.topic_source("A__t"), "A");
  EXPECT_EQ(subject.upstream_topic("A__B__t"), "B__t");
  EXPECT_EQ(subject.topic_source("A_____"), "A") << "parts are A, empty, and one underscore";
  EXPECT_EQ(subject.topic_source("A____"), std::nullopt) << "only empty parts follow";
  EXPECT_EQ(subject.topic_source("orders.v1"), std::nullopt);
  EXPECT_TRUE(subject.is_internal_topic("A__checkpoints__internal"));
}

TEST(DefaultReplicationPolicy, WorkerTopicsAreNotInternalUnderACustomSeparator) {
  EXPECT_FALSE(policy({.separator = "__"}).is_internal_topic("mm2-offsets.A.internal"));
}

TEST(DefaultReplicationPolicy, InternalTopicsKeepTheDotOnRequest) {
  const auto subject = policy({.separator = "__", .separator_in_internal_topics = false});
  EXPECT_EQ(subject.remote_topic("A", "t"), "A__t");
  EXPECT_EQ(subject.offset_syncs_topic("B"), "mm2-offset-syncs.B.internal");
  EXPECT_EQ(subject.checkpoints_topic("A"), "A.checkpoints.internal");
  EXPECT_TRUE(subject.is_internal_topic("mm2-offsets.A.internal"));
}

TEST(DefaultReplicationPolicy, Release3RuleCallsEveryInternalSuffixInternal) {
  const auto subject = policy({.internal_topics = InternalTopicRule::mm2_3});
  for (const auto* topic : {"foo.internal", "foo-internal", "__x", ".x", "A.checkpoints.internal"}) {
    EXPECT_TRUE(subject.is_internal_topic(topic)) << topic;
  }
  EXPECT_FALSE(subject.is_internal_topic("internal"));
}

TEST(DefaultReplicationPolicy, FindsCyclesAtAnyDepthByTheTargetAlias) {
  const auto subject = policy();
  EXPECT_TRUE(subject.is_cycle("T.x", "T"));
  EXPECT_TRUE(subject.is_cycle("y.T.x", "T"));
  EXPECT_TRUE(subject.is_cycle("T.heartbeats", "T"));
  EXPECT_FALSE(subject.is_cycle("S.x", "T")) << "only the target's alias counts";
  EXPECT_FALSE(subject.is_cycle("x.T", "T")) << "the last part is the topic's own name";
  EXPECT_FALSE(subject.is_cycle("T", "T"));
  EXPECT_FALSE(subject.is_cycle("..x", "T"));
}

TEST(IdentityReplicationPolicy, KeepsNames) {
  const auto subject = identity();
  EXPECT_EQ(subject.remote_topic("A", "orders.v1"), "orders.v1");
  EXPECT_EQ(subject.topic_source("orders.v1"), "A");
  EXPECT_EQ(subject.upstream_topic("orders.v1"), "orders.v1");
  EXPECT_EQ(subject.original_topic("orders.v1"), "orders.v1");
  EXPECT_EQ(identity(std::nullopt).topic_source("orders"), std::nullopt);
  EXPECT_EQ(subject.checkpoints_topic("A"), "A.checkpoints.internal");
}

TEST(IdentityReplicationPolicy, RenamesWhateverEndsWithHeartbeats) {
  const auto subject = identity();
  EXPECT_EQ(subject.remote_topic("A", "heartbeats"), "A.heartbeats");
  EXPECT_EQ(subject.remote_topic("A", "my-heartbeats"), "A.my-heartbeats");
  EXPECT_EQ(subject.topic_source("A.heartbeats"), "A");
  EXPECT_EQ(subject.topic_source("heartbeats"), std::nullopt);
  EXPECT_EQ(subject.original_topic("A.C.heartbeats"), "heartbeats");
  EXPECT_TRUE(subject.is_heartbeats_topic("A.heartbeats"));
  EXPECT_FALSE(subject.is_heartbeats_topic("my-heartbeats"));
}

TEST(IdentityReplicationPolicy, FindsCyclesOfHeartbeatsOnly) {
  const auto subject = identity();
  EXPECT_FALSE(subject.is_cycle("T.x", "T"));
  EXPECT_TRUE(subject.is_cycle("T.heartbeats", "T"));
  EXPECT_TRUE(subject.is_cycle("y.T.heartbeats", "T"));
}

TEST(ReplicationPolicy, AcceptsFullAndSimpleClassNames) {
  EXPECT_EQ(policy().kind(), ReplicationPolicy::Kind::default_policy);
  EXPECT_EQ(policy({.class_name = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"}).kind(),
            ReplicationPolicy::Kind::identity);
  EXPECT_EQ(policy({.class_name = "DefaultReplicationPolicy"}).kind(),
            ReplicationPolicy::Kind::default_policy);
}

TEST(ReplicationPolicy, RefusesUnknownClassesAndNamesTheAcceptedOnes) {
  const auto made = ReplicationPolicy::create({.class_name = "com.example.Mine"});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message(),
            "unknown replication policy class 'com.example.Mine'; accepted: "
            "org.apache.kafka.connect.mirror.DefaultReplicationPolicy and "
            "org.apache.kafka.connect.mirror.IdentityReplicationPolicy");
}

TEST(ReplicationPolicy, RefusesAnEmptySeparator) {
  const auto made = ReplicationPolicy::create({.separator = ""});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message(), "an empty separator makes remote topic names that cannot be told apart");
}

}  // namespace
}  // namespace longhaul::replicator
