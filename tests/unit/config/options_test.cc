#include <gtest/gtest.h>

#include "app/config/configuration.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

using std::chrono::seconds;
using Items = std::vector<std::string>;

TEST(FlowOptions, HaveMirrorMaker2sDefaults) {
  const auto flow = flow_with("");
  EXPECT_EQ(flow.topics, Items{".*"});
  EXPECT_EQ(flow.topics_exclude, (Items{"mm2.*\\.internal", ".*\\.replica", "__.*"}));
  EXPECT_EQ(flow.checkpoints.groups, Items{".*"});
  EXPECT_EQ(flow.checkpoints.groups_exclude, (Items{"console-consumer-.*", "connect-.*", "__.*"}));
  EXPECT_EQ(flow.config_properties_exclude.size(), 8U);
  EXPECT_EQ(flow.use_defaults_from, UseDefaultsFrom::target);
  EXPECT_EQ(flow.replication_factor, 2);
  EXPECT_EQ(flow.refresh_topics, seconds(600));
  EXPECT_EQ(flow.sync_topic_configs, seconds(600));
  EXPECT_EQ(flow.sync_topic_acls, seconds(600));
  EXPECT_EQ(flow.checkpoints.refresh_groups, seconds(600));
  EXPECT_EQ(flow.checkpoints.emit, seconds(60));
  EXPECT_EQ(flow.checkpoints.sync_group_offsets, std::nullopt);
  EXPECT_EQ(flow.checkpoints.replication_factor, 3);
  EXPECT_EQ(flow.checkpoints.topic, "A.checkpoints.internal");
  EXPECT_EQ(flow.heartbeats.emit, seconds(1));
  EXPECT_TRUE(flow.heartbeats.replicate);
  EXPECT_EQ(flow.heartbeats.replication_factor, 3);
  EXPECT_TRUE(flow.offset_syncs.emit);
  EXPECT_EQ(flow.offset_syncs.location, OffsetSyncsLocation::source);
  EXPECT_EQ(flow.offset_syncs.topic, "mm2-offset-syncs.B.internal");
  EXPECT_EQ(flow.offset_syncs.offset_lag_max, 100);
  EXPECT_EQ(flow.offset_syncs.replication_factor, 3);
  EXPECT_EQ(flow.admin_timeout.count(), 60'000);
  EXPECT_EQ(flow.tasks_max, 1);
  EXPECT_EQ(flow.connector_name, "MirrorSourceConnector");
  EXPECT_EQ(flow.policy().kind(), replicator::ReplicationPolicy::Kind::default_policy);
  EXPECT_EQ(flow.not_runnable, std::nullopt);
}

TEST(FlowOptions, OffsetSyncsTopicIsNamedAfterTheOtherCluster) {
  EXPECT_EQ(flow_with("offset-syncs.topic.location = target").offset_syncs.topic,
            "mm2-offset-syncs.A.internal");
  EXPECT_EQ(flow_with("replication.policy.separator = __").offset_syncs.topic,
            "mm2-offset-syncs__B__internal");
}

TEST(FlowOptions, IntervalsAreOffByEitherKey) {
  EXPECT_EQ(flow_with("refresh.topics.interval.seconds = 30").refresh_topics, seconds(30));
  EXPECT_EQ(flow_with("refresh.topics.enabled = false").refresh_topics, std::nullopt);
  EXPECT_EQ(flow_with("refresh.topics.interval.seconds = -1").refresh_topics, std::nullopt);
  EXPECT_EQ(flow_with("sync.group.offsets.enabled = true").checkpoints.sync_group_offsets, seconds(60));
}

TEST(FlowOptions, AnIntervalOfZeroDoesWhatItDoesInMirrorMaker2) {
  EXPECT_EQ(error_of("A->B.enabled = true\nrefresh.topics.interval.seconds = 0"),
            "mm2.properties:5: refresh.topics.interval.seconds: found '0', accepted: a number of seconds "
            "from 1, or a "
            "negative one to switch it off");
  const auto group_sync = loaded(
      "A->B.enabled = true\nA->B.sync.group.offsets.enabled = true\nA->B.sync.group.offsets.interval.seconds "
      "= 0");
  EXPECT_EQ(group_sync.flows[0].checkpoints.sync_group_offsets, std::nullopt);
  EXPECT_EQ(warnings_of(group_sync, WarningKind::value).size(), 1U);
  const auto flood = loaded("A->B.enabled = true\nA->B.emit.heartbeats.interval.seconds = 0");
  EXPECT_EQ(flood.flows[0].heartbeats.emit, seconds(0));
  EXPECT_EQ(warnings_of(flood, WarningKind::value).size(), 1U);
}

TEST(FlowOptions, WrongValuesNameFileLineKeyFindingAndChoices) {
  const auto error = [](const std::string& line) { return error_of("A->B.enabled = true\n" + line); };
  EXPECT_EQ(error("A->B.refresh.topics.enabled = yes"),
            "mm2.properties:5: A->B.refresh.topics.enabled: found 'yes', accepted: true or false");
  EXPECT_EQ(error("tasks.max = 0"),
            "mm2.properties:5: tasks.max: found '0', accepted: a whole number from 1 to 2147483647");
  EXPECT_EQ(error("replication.factor = 0"),
            "mm2.properties:5: replication.factor: found '0', accepted: -1 (the broker's default) or a whole "
            "number "
            "from 1 to 32767");
  EXPECT_EQ(
      error("offset.lag.max = -1"),
      "mm2.properties:5: offset.lag.max: found '-1', accepted: a whole number from 0 to 9223372036854775807");
  EXPECT_EQ(error("offset-syncs.topic.location = both"),
            "mm2.properties:5: offset-syncs.topic.location: found 'both', accepted: source, target");
  EXPECT_EQ(error("A.consumer.isolation.level = committed"),
            "mm2.properties:5: A.consumer.isolation.level: found 'committed', accepted: read_uncommitted, "
            "read_committed");
  EXPECT_EQ(
      error("A->B.exactly.once.support = maybe"),
      "mm2.properties:5: A->B.exactly.once.support: found 'maybe', accepted: requested, required, enabled");
  EXPECT_EQ(error("B.security.protocol = TLS"),
            "mm2.properties:5: B.security.protocol: found 'TLS', accepted: PLAINTEXT, SSL, SASL_PLAINTEXT, "
            "SASL_SSL");
  EXPECT_EQ(error("A.consumer.fetch.max.bytes = 50MB"),
            "mm2.properties:5: A.consumer.fetch.max.bytes: found '50MB', accepted: a whole number from 0 to "
            "2147483647");
  EXPECT_EQ(
      error("topics = a,,b"),
      "mm2.properties:5: topics: found 'a,,b', accepted: a list of items between commas, none of them empty");
  EXPECT_EQ(error("emit.heartbeats.enabled = on"),
            "mm2.properties:5: emit.heartbeats.enabled: found 'on', accepted: true or false");
}

TEST(FlowOptions, PatternsAreCheckedWhenTheFileIsRead) {
  EXPECT_EQ(error_of("A->B.topics = ok, or(ders"),
            "mm2.properties:4: A->B.topics: pattern 'or(ders': at position 8: missing closing parenthesis");
  EXPECT_NE(
      error_of("groups = [a-z&&[^b]]").find("mm2.properties:4: groups: pattern '[a-z&&[^b]]': at position 5"),
      std::string::npos);
  EXPECT_NE(error_of("topics = a{1,3}").find("pattern 'a{1': at position 2"), std::string::npos)
      << "a comma never is part of a pattern";
}

TEST(FlowOptions, BackslashesOfTheFileAreTakenBeforeThePattern) {
  EXPECT_TRUE(flow_with("topics = foo\\.bar").selection->decide("fooxbar").replicate)
      << "the dot lost its backslash";
  EXPECT_FALSE(flow_with("topics = foo\\\\.bar").selection->decide("fooxbar").replicate);
}

TEST(FlowOptions, EmptyTopicsSelectNothing) {
  const auto flow = flow_with("topics = ");
  EXPECT_FALSE(flow.selection->decide("orders").replicate);
  EXPECT_TRUE(flow_with("topics.exclude =").selection->decide("x.replica").replicate);
}

TEST(FlowOptions, DuplicatesInListsAreDroppedWithAWarning) {
  const auto configuration = loaded("A->B.enabled = true\ntopics = a, b, a");
  EXPECT_EQ(configuration.flows[0].topics, (Items{"a", "b"}));
  EXPECT_EQ(warnings_of(configuration, WarningKind::value),
            Items{"mm2.properties:5: topics: 'a' is listed twice"});
}

TEST(FlowOptions, LegacySpellingsCountUnlessTheNewNameIsThere) {
  const auto old_name = loaded("A->B.enabled = true\nA->B.topics.blacklist = x.*");
  EXPECT_EQ(old_name.flows[0].topics_exclude, Items{"x.*"});
  EXPECT_EQ(
      warnings_of(old_name, WarningKind::legacy_spelling),
      Items{"mm2.properties:5: A->B.topics.blacklist: legacy spelling of topics.exclude, which MirrorMaker 2 "
            "ignores since 4.0; it is honoured here"});
  const auto both = loaded("A->B.enabled = true\nA->B.topics.blacklist = x.*\ntopics.exclude = y.*");
  EXPECT_EQ(both.flows[0].topics_exclude, Items{"y.*"});
  EXPECT_EQ(
      warnings_of(both, WarningKind::legacy_spelling),
      Items{"mm2.properties:5: A->B.topics.blacklist: legacy spelling of topics.exclude, which MirrorMaker 2 "
            "ignores since 4.0; the new name is set too and wins"});
  const auto others = flow_with("groups.blacklist = g\nconfig.properties.blacklist = c\n");
  EXPECT_EQ(others.checkpoints.groups_exclude, Items{"g"});
  EXPECT_EQ(others.config_properties_exclude, Items{"c"});
}

TEST(FlowOptions, SyncsOptionsNeedSyncs) {
  EXPECT_EQ(error_of("emit.offset-syncs.enabled = false\noffset-syncs.topic.replication.factor = 1"),
            "mm2.properties:5: offset-syncs.topic.replication.factor: must not be set together with "
            "emit.offset-syncs.enabled = false");
  EXPECT_FALSE(flow_with("emit.offset-syncs.enabled = false").offset_syncs.emit);
}

TEST(FlowOptions, PoliciesAreCheckedWhenTheFileIsRead) {
  const auto identity = flow_with("A->B.replication.policy.class = IdentityReplicationPolicy");
  EXPECT_EQ(identity.policy().remote_topic("A", "t"), "t");
  EXPECT_EQ(identity.policy().topic_source("t"), "A");
  EXPECT_NE(error_of("replication.policy.class = com.example.Mine")
                .find("mm2.properties:4: replication.policy.class: unknown replication policy class "
                      "'com.example.Mine'; "
                      "accepted: "),
            std::string::npos);
  EXPECT_NE(error_of("replication.policy.separator =")
                .find("mm2.properties:4: replication.policy.separator: an empty"),
            std::string::npos);
}

TEST(OwnSettings, HaveDefaultsThatNeedNoTuning) {
  const auto configuration = loaded("A->B.enabled = true");
  EXPECT_EQ(configuration.process.memory_max_bytes, 268435456U);
  EXPECT_EQ(configuration.process.threads, std::nullopt);
  const auto& own = configuration.flows[0].own;
  EXPECT_EQ(own.state_topic, "mm2-longhaul.A.internal");
  EXPECT_EQ(own.position_flush_interval.count(), 1000);
  EXPECT_EQ(own.replication_factor_override, std::nullopt);
  EXPECT_EQ(own.append_times, AppendTimes::preserve);
  EXPECT_TRUE(own.exactly_once);
  EXPECT_EQ(own.deployment_id, "");
}

TEST(OwnSettings, ExactlyOnceAndDeploymentAreReadPerFlow) {
  const auto configuration =
      loaded("longhaul.deployment.id = eu-1.x_y\nA->B.longhaul.exactly.once = off\nB->A.enabled = true\n");
  EXPECT_FALSE(configuration.flows[0].own.exactly_once);
  EXPECT_TRUE(configuration.flows[1].own.exactly_once);
  EXPECT_EQ(configuration.flows[1].own.deployment_id, "eu-1.x_y");
  EXPECT_NE(error_of("longhaul.deployment.id = a:b").find("letters, digits"), std::string::npos);
  EXPECT_NE(error_of("longhaul.exactly.once = maybe").find("accepted: on, off"), std::string::npos)
      << error_of("longhaul.exactly.once = maybe");
}

TEST(OwnSettings, AreReadWithUnits) {
  const auto configuration = loaded(
      "longhaul.memory.max = 1 GiB\nlonghaul.threads = 2\nlonghaul.position.flush.interval.ms = 2s\n"
      "A->B.longhaul.position.flush.interval.ms = 250\nA->B.longhaul.state.topic = mine\n"
      "longhaul.log.append.time = passthrough\nA->B.longhaul.log.append.time = preserve\n");
  EXPECT_EQ(configuration.process.memory_max_bytes, std::size_t{1} << 30);
  EXPECT_EQ(configuration.process.threads, 2);
  EXPECT_EQ(configuration.flows[0].own.position_flush_interval.count(), 250);
  EXPECT_EQ(configuration.flows[1].own.position_flush_interval.count(), 2000);
  EXPECT_EQ(configuration.flows[0].own.state_topic, "mine");
  EXPECT_EQ(configuration.flows[0].own.append_times, AppendTimes::preserve);
  EXPECT_EQ(configuration.flows[1].own.append_times, AppendTimes::passthrough);
}

TEST(OwnSettings, WrongValuesAreRefused) {
  EXPECT_EQ(error_of("longhaul.memory.max = lots"),
            "mm2.properties:4: longhaul.memory.max: found 'lots', accepted: a size from 16 MiB, such as "
            "268435456, 256 "
            "MiB or 1GB");
  EXPECT_EQ(
      error_of("longhaul.threads = 0"),
      "mm2.properties:4: longhaul.threads: found '0', accepted: auto, or a whole number from 1 to 1024");
  EXPECT_NE(error_of("longhaul.position.flush.interval.ms = 0").find("accepted: a duration from 1 ms"),
            std::string::npos);
  EXPECT_EQ(error_of("longhaul.log.append.time = keep"),
            "mm2.properties:4: longhaul.log.append.time: found 'keep', accepted: preserve, passthrough");
  EXPECT_EQ(error_of("longhaul.compatibility = 2"),
            "mm2.properties:4: longhaul.compatibility: found '2', accepted: mm2-4, mm2-3");
  EXPECT_NE(error_of("A->B.enabled = true\nA->B.longhaul.state.topic = a b")
                .find("'a b' is not a legal topic name"),
            std::string::npos);
}

TEST(OwnSettings, OneFactorReplacesAllForSmallLabs) {
  const auto flow = flow_with("replication.factor = 3\nlonghaul.replication.factor.override = 1\n");
  EXPECT_EQ(flow.replication_factor, 1);
  EXPECT_EQ(flow.checkpoints.replication_factor, 1);
  EXPECT_EQ(flow.heartbeats.replication_factor, 1);
  EXPECT_EQ(flow.offset_syncs.replication_factor, 1);
  EXPECT_EQ(flow.worker.offset_storage_replication_factor, 1);
  const auto one_flow = loaded("A->B.enabled = true\nA->B.longhaul.replication.factor.override = 1");
  EXPECT_EQ(one_flow.flows[0].replication_factor, 1);
  EXPECT_EQ(one_flow.flows[1].replication_factor, 2);
}

TEST(OwnSettings, CompatibilityBringsBackTheRulesOfRelease3) {
  const auto flow = flow_with("longhaul.compatibility = mm2-3");
  EXPECT_FALSE(flow.selection->decide("orders.internal").replicate);
  EXPECT_FALSE(flow.selection->decide("orders-internal").replicate);
  EXPECT_TRUE(flow_with("").selection->decide("orders.internal").replicate);
}

TEST(ClientOptions, AreTyped) {
  const auto flow = flow_with(
      "A.consumer.isolation.level = read_committed\nA.consumer.auto.offset.reset = latest\n"
      "A.consumer.fetch.min.bytes = 1048576\nA.consumer.fetch.max.bytes = 2\nA.consumer.fetch.max.wait.ms = "
      "3\n"
      "A.consumer.max.partition.fetch.bytes = 4\nA.consumer.request.timeout.ms = "
      "5\nA.consumer.retry.backoff.ms = 6\n"
      "B.admin.reconnect.backoff.ms = 7\n");
  const auto& consumer = flow.source_consumer;
  EXPECT_EQ(consumer.isolation_level, IsolationLevel::read_committed);
  EXPECT_EQ(consumer.auto_offset_reset, AutoOffsetReset::latest);
  EXPECT_EQ(consumer.fetch_min_bytes, 1048576);
  EXPECT_EQ(consumer.fetch_max_bytes, 2);
  EXPECT_EQ(consumer.fetch_max_wait.count(), 3);
  EXPECT_EQ(consumer.max_partition_fetch_bytes, 4);
  EXPECT_EQ(consumer.request_timeout.count(), 5);
  EXPECT_EQ(consumer.retry_backoff.count(), 6);
  EXPECT_EQ(flow.target_admin.reconnect_backoff.count(), 7);
  EXPECT_TRUE(consumer.is_set("fetch.max.bytes"));
  EXPECT_FALSE(flow.target_consumer.is_set("fetch.max.bytes"));
}

TEST(ClientOptions, ConsumersStartAtTheEarliestOffset) {
  EXPECT_EQ(flow_with("").source_consumer.auto_offset_reset, AutoOffsetReset::earliest);
  EXPECT_EQ(flow_with("").source_consumer.isolation_level, IsolationLevel::read_uncommitted);
}

TEST(ClientOptions, ClientIdsAreComposedAsInMirrorMaker2) {
  const auto flow = flow_with("A.consumer.client.id = me");
  EXPECT_EQ(flow.source_consumer.client_id, "me|A->B|MirrorSourceConnector-0|replication-consumer");
  EXPECT_EQ(flow.source_admin.client_id, "A->B|MirrorSourceConnector|replication-source-admin");
  EXPECT_EQ(flow.target_admin.client_id, "A->B|MirrorSourceConnector|replication-target-admin");
}

TEST(ClientOptions, BootstrapServersAreHostsWithPorts) {
  const auto servers = [](const std::string& value) {
    return flow_with("A.bootstrap.servers = " + value).source_admin.bootstrap_servers;
  };
  EXPECT_EQ(servers("a:1, b-2.example_x:65535"), (std::vector<HostPort>{{"a", 1}, {"b-2.example_x", 65535}}));
  EXPECT_EQ(servers("[\\:\\:1]:9092"), (std::vector<HostPort>{{"::1", 9092}}));
  EXPECT_EQ(servers("PLAINTEXT\\://a:1"), (std::vector<HostPort>{{"a", 1}}));
  for (const auto* wrong :
       {"a", "a:", ":9092", "a:0", "a:65536", "a:x", "a:1,", "a b:1", "::1:9092", "http://"}) {
    const auto error = error_of(fmt::format("A.bootstrap.servers = {}", wrong));
    EXPECT_TRUE(error.starts_with(
        fmt::format("mm2.properties:4: A.bootstrap.servers: found '{}', accepted: host:port", wrong)))
        << error;
  }
}

TEST(ClientOptions, BootstrapServersMayDifferByRole) {
  const auto flow = flow_with("A.consumer.bootstrap.servers = replica:1");
  EXPECT_EQ(flow.source_consumer.bootstrap_servers, (std::vector<HostPort>{{"replica", 1}}));
  EXPECT_EQ(flow.source_admin.bootstrap_servers, (std::vector<HostPort>{{"a", 9092}}));
}

}  // namespace
}  // namespace longhaul::config
