#include "app/config/precedence.h"

#include <gtest/gtest.h>

#include "app/config/known_keys.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

std::string isolation_origin(std::string_view lines) {
  const auto flow = flow_with(lines);
  const auto it = flow.source_consumer.raw.find("isolation.level");
  return it == flow.source_consumer.raw.end() ? "default" : it->second.origin.key;
}

constexpr std::string_view kIsolation = "isolation.level = read_committed\n";

std::string with(std::initializer_list<std::string_view> prefixes) {
  std::string out;
  for (const auto prefix : prefixes) out += fmt::format("{}{}", prefix, kIsolation);
  return out;
}

TEST(Precedence, SourceConsumerPrefersFlowAndSide) {
  EXPECT_EQ(isolation_origin(with({"A->B.source.consumer.", "A.consumer.", "A->B.consumer."})),
            "A->B.source.consumer.isolation.level");
}

TEST(Precedence, ClusterRoleBeatsFlowRole) {
  EXPECT_EQ(isolation_origin(with({"A.consumer.", "A->B.consumer."})), "A.consumer.isolation.level");
  EXPECT_EQ(isolation_origin(with({"A->B.consumer."})), "A->B.consumer.isolation.level");
}

TEST(Precedence, TopLevelClientKeysAreDropped) {
  EXPECT_EQ(isolation_origin(with({"consumer.", "source.consumer.", ""})), "default");
  const auto flow = flow_with("producer.client.id = x\nadmin.client.id = y\ntarget.producer.client.id = z\n");
  EXPECT_FALSE(flow.data_producer.is_set("client.id"));
  EXPECT_FALSE(flow.target_admin.is_set("client.id"));
}

TEST(Precedence, ClusterKeysReachClientsOnlyIfCommonToAll) {
  EXPECT_EQ(isolation_origin(with({"A."})), "default");
  EXPECT_EQ(isolation_origin(with({"A->B."})), "default");
}

TEST(Precedence, TheOtherSideDoesNotReachTheSourceConsumer) {
  EXPECT_EQ(isolation_origin(with({"B.consumer.", "A->B.target.consumer."})), "default");
}

std::string protocol_origin(std::string_view lines) {
  const auto flow = flow_with(lines);
  return flow.source_consumer.raw.at("security.protocol").origin.key;
}

TEST(Precedence, CommonKeysFillEveryRoleWhereItIsSilent) {
  EXPECT_EQ(protocol_origin("security.protocol = SSL"), "security.protocol");
  EXPECT_EQ(protocol_origin("security.protocol = SSL\nA.security.protocol = PLAINTEXT"),
            "A.security.protocol");
  EXPECT_EQ(protocol_origin("A.security.protocol = SSL\nA.consumer.security.protocol = PLAINTEXT"),
            "A.consumer.security.protocol");
  EXPECT_EQ(protocol_origin("A.security.protocol = SSL\nA->B.consumer.security.protocol = PLAINTEXT"),
            "A.security.protocol")
      << "the filled place beats the flow's role";
}

TEST(Precedence, FlowClusterKeysLoseAgainstTheFilledPlaces) {
  EXPECT_EQ(protocol_origin("security.protocol = SSL\nA->B.source.cluster.security.protocol = PLAINTEXT"),
            "security.protocol");
  EXPECT_EQ(protocol_origin("A->B.source.cluster.security.protocol = PLAINTEXT"),
            "A->B.source.cluster.security.protocol");
}

TEST(Precedence, TargetAndAdminHaveTheSameShape) {
  const auto flow = flow_with(
      "B.admin.request.timeout.ms = 1\nA->B.admin.request.timeout.ms = "
      "2\nA->B.source.admin.request.timeout.ms = 3\n");
  EXPECT_EQ(flow.target_admin.request_timeout.count(), 1);
  EXPECT_EQ(flow.source_admin.request_timeout.count(), 3);
  const auto with_target =
      flow_with("B.admin.request.timeout.ms = 1\nA->B.target.admin.request.timeout.ms = 4\n");
  EXPECT_EQ(with_target.target_admin.request_timeout.count(), 4);
}

TEST(Precedence, ConnectorOptionsOfOneFlowBeatTheTopLevel) {
  const auto flow = flow_with("topics = a\nA->B.topics = b\nreplication.factor = 3\nB.topics = c\n");
  EXPECT_EQ(flow.topics, std::vector<std::string>{"b"});
  EXPECT_EQ(flow.replication_factor, 3);
}

TEST(Precedence, OptionsThatAreNoConnectorOptionsAreDroppedAtTopLevel) {
  EXPECT_EQ(flow_with("use.defaults.from = source").use_defaults_from, UseDefaultsFrom::target);
  EXPECT_EQ(flow_with("A->B.use.defaults.from = source").use_defaults_from, UseDefaultsFrom::source);
  EXPECT_EQ(flow_with("exactly.once.support = enabled").worker.exactly_once_source_support,
            ExactlyOnce::disabled);
  EXPECT_FALSE(flow_with("offsets.storage.topic = x").connector_offsets_topic.has_value());
  EXPECT_EQ(flow_with("A->B.offsets.storage.topic = x").connector_offsets_topic, "x");
}

TEST(Precedence, ConnectorTimeoutsAreNoClientKeys) {
  const auto flow = flow_with("consumer.poll.timeout.ms = 5\nadmin.timeout.ms = 6\n");
  EXPECT_EQ(flow.consumer_poll_timeout.count(), 5);
  EXPECT_EQ(flow.admin_timeout.count(), 6);
  EXPECT_FALSE(flow.source_consumer.is_set("poll.timeout.ms"));
  EXPECT_FALSE(flow.source_admin.is_set("timeout.ms"));
}

// The data producer belongs to the worker.

std::string data_client_id(std::string_view lines) {
  return flow_with(lines).data_producer.client_id;
}

TEST(DataProducer, IsConfiguredByTheTargetsProducerKeys) {
  EXPECT_EQ(data_client_id(""), "connector-producer-MirrorSourceConnector-0");
  EXPECT_EQ(data_client_id("B.producer.client.id = mine"), "mine");
  EXPECT_EQ(data_client_id("A.producer.client.id = mine"), "connector-producer-MirrorSourceConnector-0");
}

TEST(DataProducer, OverridesOfTheFlowWin) {
  EXPECT_EQ(data_client_id("B.producer.client.id = low\nA->B.producer.override.client.id = high\n"
                           "A->B.target.producer.client.id = middle"),
            "high");
}

TEST(DataProducer, HonoursWhatMirrorMaker2WouldNotAndSaysSo) {
  EXPECT_EQ(data_client_id("B.producer.client.id = low\nA->B.target.producer.client.id = high"), "high");
  EXPECT_EQ(data_client_id("B.producer.client.id = high\nA->B.producer.client.id = low"), "high");
  EXPECT_EQ(data_client_id("A->B.producer.client.id = only"), "only");
  const auto configuration = loaded("A->B.enabled = true\nA->B.target.producer.client.id = x");
  EXPECT_EQ(warnings_of(configuration, WarningKind::differs_from_mm2),
            std::vector<std::string>{
                "mm2.properties: applied to the producer of mirrored records, which MirrorMaker 2 would not "
                "do (there it "
                "needs B.producer.* or A->B.producer.override.*): A->B.target.producer.client.id (line 5)"});
  const auto override_only = loaded("A->B.enabled = true\nA->B.producer.override.client.id = x");
  EXPECT_TRUE(warnings_of(override_only, WarningKind::differs_from_mm2).empty());
}

TEST(DataProducer, TakesCommonKeysOfTheTarget) {
  const auto flow = flow_with("B.security.protocol = SSL\nA.security.protocol = SASL_SSL");
  EXPECT_EQ(flow.data_producer.security.protocol, SecurityProtocol::ssl);
}

// Worker properties.

TEST(Worker, TopLevelStorageKeysBeatTheClusters) {
  const auto flow =
      flow_with("offset.storage.replication.factor = 1\nB.offset.storage.replication.factor = 2");
  EXPECT_EQ(flow.worker.offset_storage_replication_factor, 1);
  EXPECT_EQ(flow_with("B.offset.storage.replication.factor = 2").worker.offset_storage_replication_factor, 2);
}

TEST(Worker, OtherKeysReachItFromTheTargetClusterOnly) {
  EXPECT_EQ(flow_with("offset.flush.interval.ms = 7").worker.offset_flush_interval.count(), 60'000);
  EXPECT_EQ(flow_with("B.offset.flush.interval.ms = 7").worker.offset_flush_interval.count(), 7);
  EXPECT_EQ(flow_with("group.id = g").worker.group_id, "A-mm2");
  EXPECT_EQ(flow_with("B.group.id = g").worker.group_id, "g");
  EXPECT_EQ(flow_with("exactly.once.source.support = enabled").worker.exactly_once_source_support,
            ExactlyOnce::disabled);
  EXPECT_EQ(flow_with("B.exactly.once.source.support = ENABLED").worker.exactly_once_source_support,
            ExactlyOnce::enabled);
}

TEST(Worker, FlowKeysDoNotReachIt) {
  const auto flow = flow_with("A->B.group.id = g\nA->B.offset.storage.topic = x\n");
  EXPECT_EQ(flow.worker.group_id, "A-mm2");
  EXPECT_EQ(flow.worker.offset_storage_topic, "mm2-offsets.A.internal");
}

TEST(Worker, TasksMaxOfAClusterIsIgnored) {
  EXPECT_EQ(flow_with("B.tasks.max = 8").tasks_max, 1);
  EXPECT_EQ(flow_with("tasks.max = 8").tasks_max, 8);
}

TEST(Worker, HasMirrorMaker2sDefaults) {
  const auto worker = flow_with("replication.policy.separator = __").worker;
  EXPECT_EQ(worker.group_id, "A-mm2");
  EXPECT_EQ(worker.client_id, "A->B");
  EXPECT_EQ(worker.offset_storage_topic, "mm2-offsets.A.internal") << "always with dots";
  EXPECT_EQ(worker.config_storage_topic, "mm2-configs.A.internal");
  EXPECT_EQ(worker.status_storage_topic, "mm2-status.A.internal");
  EXPECT_EQ(worker.offset_storage_partitions, 25);
  EXPECT_EQ(worker.status_storage_partitions, 5);
  EXPECT_EQ(worker.offset_storage_replication_factor, 3);
  EXPECT_EQ(worker.offset_flush_interval.count(), 60'000);
  EXPECT_EQ(worker.offset_flush_timeout.count(), 5'000);
  EXPECT_EQ(worker.exactly_once_source_support, ExactlyOnce::disabled);
}

TEST(Worker, TakesTopicConfigsButNotTheCleanupPolicy) {
  const auto worker =
      flow_with("offset.storage.segment.bytes = 5\noffset.storage.cleanup.policy = delete\n").worker;
  ASSERT_EQ(worker.offset_storage_topic_configs.size(), 1U);
  EXPECT_EQ(worker.offset_storage_topic_configs[0],
            (std::pair<std::string, std::string>{"segment.bytes", "5"}));
}

TEST(Worker, ReadsExactlyOnceAsGuidesTeachIt) {
  const auto configuration = loaded("A->B.enabled = true\nA->B.exactly.once.support = enabled");
  EXPECT_EQ(configuration.flows[0].worker.exactly_once_source_support, ExactlyOnce::enabled);
  EXPECT_EQ(configuration.flows[1].worker.exactly_once_source_support, ExactlyOnce::disabled);
  EXPECT_EQ(warnings_of(configuration, WarningKind::differs_from_mm2),
            std::vector<std::string>{
                "mm2.properties:5: A->B.exactly.once.support: MirrorMaker 2 refuses 'enabled' here; "
                "read as B.exactly.once.source.support = enabled"});
  EXPECT_EQ(flow_with("A->B.exactly.once.support = enabled\nB.exactly.once.source.support = disabled")
                .worker.exactly_once_source_support,
            ExactlyOnce::disabled)
      << "MirrorMaker 2's own key wins";
  EXPECT_EQ(flow_with("A->B.exactly.once.support = required").worker.exactly_once_source_support,
            ExactlyOnce::disabled);
}

TEST(CommonClientKeys, AreMirrorMaker2s66) {
  EXPECT_EQ(common_client_keys().size(), 66U);
  EXPECT_TRUE(is_common_client_key("ssl.truststore.password"));
  EXPECT_FALSE(is_common_client_key("request.timeout.ms"));
}

}  // namespace
}  // namespace longhaul::config
