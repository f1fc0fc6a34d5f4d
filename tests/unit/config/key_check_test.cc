#include "app/config/key_check.h"

#include <gtest/gtest.h>

#include "app/config/known_keys.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

using Kind = KeyVerdict::Kind;
const std::vector<std::string> kAliases{"A", "B"};

Kind kind_of(std::string_view key) {
  return judge_key(key, kAliases).kind;
}
std::string note_of(std::string_view key) {
  return judge_key(key, kAliases).note;
}

TEST(KeyCheck, KnowsWhatIsServed) {
  for (const auto* key : {"clusters",
                          "A->B.enabled",
                          "A->B.topics",
                          "topics.exclude",
                          "A.bootstrap.servers",
                          "bootstrap.servers",
                          "A.consumer.isolation.level",
                          "A->B.source.consumer.fetch.min.bytes",
                          "B.producer.client.id",
                          "A->B.producer.override.request.timeout.ms",
                          "replication.factor",
                          "replication.policy.separator",
                          "refresh.topics.interval.seconds",
                          "offset.storage.replication.factor",
                          "B.offset.storage.topic",
                          "config.providers",
                          "config.providers.file.class",
                          "longhaul.memory.max",
                          "A->B.longhaul.state.topic",
                          "A.security.protocol",
                          "A.ssl.truststore.location",
                          "B.producer.sasl.jaas.config",
                          "ssl.protocol",
                          "B.exactly.once.source.support",
                          "A->B.exactly.once.support",
                          "A->B.transaction.boundary",
                          "A->B.transaction.boundary.interval.ms",
                          "B.producer.transaction.timeout.ms",
                          "longhaul.transactions",
                          "A->B.longhaul.transaction.interval.ms"}) {
    EXPECT_EQ(kind_of(key), Kind::served) << key;
  }
}

TEST(KeyCheck, KnowsWhatIsNotServedYet) {
  for (const auto* key :
       {"sync.group.offsets.enabled", "A->B.emit.checkpoints.enabled", "A.sasl.kerberos.service.name",
        "sasl.oauthbearer.token.endpoint.url", "B.producer.sasl.login.connect.timeout.ms",
        "sync.topic.acls.enabled", "dedicated.mode.enable.internal.rest", "A->B.source.producer.client.id"}) {
    EXPECT_EQ(kind_of(key), Kind::not_served) << key;
  }
}

TEST(KeyCheck, KnowsWhatHasNoMeaning) {
  for (const auto* key : {"tasks.max", "B.producer.linger.ms", "A->B.producer.compression.type",
                          "A.consumer.group.id", "key.converter", "B.group.id", "A->B.transforms.x.type",
                          "B.offset.flush.interval.ms", "forwarding.admin.class", "A.ssl.provider",
                          "B.admin.ssl.engine.factory.class", "A->B.source.cluster.ssl.protocol"}) {
    EXPECT_EQ(kind_of(key), Kind::no_effect) << key;
    EXPECT_FALSE(note_of(key).empty()) << key;
  }
}

TEST(KeyCheck, SaysWhereMisplacedKeysBelong) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"offset.flush.interval.ms", "write <target>.offset.flush.interval.ms"},
      {"group.id", "write <target>.group.id"},
      {"exactly.once.source.support", "write <target>.exactly.once.source.support"},
      {"consumer.isolation.level", "write <cluster>.consumer.isolation.level"},
      {"target.producer.linger.ms", "write <cluster>.producer.linger.ms"},
      {"fetch.min.bytes", "write <cluster>.consumer.fetch.min.bytes"},
      {"use.defaults.from", "write it for a flow: A->B.use.defaults.from"},
      {"exactly.once.support", "write it for a flow: A->B.exactly.once.support"},
      {"B.tasks.max", "write it without the cluster, or A->B.tasks.max, for one flow"},
      {"A.fetch.min.bytes", "write A.consumer.fetch.min.bytes"},
      {"A->B.clusters", "write clusters without the flow"},
      {"A->B.group.id", "write B.group.id"},
      {"A->B.transaction.timeout.ms", "write A->B.target.producer.transaction.timeout.ms"},
      {"A->B.isolation.level", "write A->B.source.consumer.isolation.level"},
      {"A->B.ssl.protocol", "write A.ssl.protocol"},
      {"A->B.longhaul.memory.max", "write longhaul.memory.max without the flow"},
  };
  for (const auto& [key, note] : cases) {
    EXPECT_EQ(kind_of(key), Kind::misplaced) << key;
    EXPECT_EQ(note_of(key), note) << key;
  }
}

TEST(KeyCheck, GuessesWhatMisspeltKeysMean) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"A->B.enable", "did you mean A->B.enabled?"},
      {"emit.heartbeats", "did you mean emit.heartbeats.enabled?"},
      {"sync.topics.configs.enabled", "did you mean sync.topic.configs.enabled?"},
      {"task.max", "did you mean tasks.max?"},
      {"topic.blacklist", "did you mean topics.blacklist?"},
      {"A.bootstrap.server", "did you mean A.bootstrap.servers?"},
      {"C.bootstrap.servers", "did you mean A.bootstrap.servers?"},
      {"A->B.source.consumer.isolation.levle", "did you mean A->B.source.consumer.isolation.level?"},
      {"B.producer.lingr.ms", "did you mean B.producer.linger.ms?"},
      {"longhaul.memory", "did you mean longhaul.memory.max?"},
      {"completely.other", ""},
  };
  for (const auto& [key, note] : cases) {
    EXPECT_EQ(kind_of(key), Kind::unknown) << key;
    EXPECT_EQ(note_of(key), note) << key;
  }
}

TEST(KeyCheck, FlowsOfUnknownClustersAreNamedWithTheNearestAlias) {
  const auto configuration = load_text(
      "clusters = primary, backup\nbootstrap.servers = x:1\nprimry->backup.enabled = "
      "true\nprimry->backup.topics = x\n",
      "f");
  ASSERT_TRUE(configuration.has_value());
  EXPECT_EQ(warnings_of(*configuration, WarningKind::unknown_cluster),
            std::vector<std::string>{
                "f: flow 'primry->backup': 'primry' is not in clusters (did you mean primary?): "
                "primry->backup.enabled (line 3), primry->backup.topics (line 4)"});
  EXPECT_EQ(note_of("A->A.enabled"), "flow 'A->A': a cluster is not replicated to itself");
}

TEST(KeyCheck, OneWarningPerKindListsAllKeysInTheOrderOfTheFile) {
  const auto configuration =
      loaded("sync.group.offsets.enabled = true\nemit.checkpoints.enabled = true\nfoo = 1\nbar = 2\n");
  EXPECT_EQ(warnings_of(configuration, WarningKind::not_served),
            std::vector<std::string>{
                "mm2.properties: not served yet by this version: sync.group.offsets.enabled (line "
                "4), emit.checkpoints.enabled (line 5)"});
  EXPECT_EQ(warnings_of(configuration, WarningKind::unknown_key),
            std::vector<std::string>{
                "mm2.properties: unknown keys, ignored as by MirrorMaker 2: foo (line 6), bar (line 7)"});
  ASSERT_EQ(configuration.warnings.size(), 2U);
  EXPECT_EQ(configuration.warnings[0].keys,
            (std::vector<std::string>{"sync.group.offsets.enabled", "emit.checkpoints.enabled"}));
}

TEST(KeyCheck, SwitchingOffWhatIsNotServedDeservesNoWarning) {
  const auto configuration = loaded(
      "emit.heartbeats.enabled = false\nemit.checkpoints.enabled = FALSE\nsync.topic.acls.interval.seconds = "
      "-1\n"
      "security.protocol = PLAINTEXT\nB.exactly.once.source.support = disabled\n");
  EXPECT_TRUE(configuration.warnings.empty()) << configuration.warnings[0].text;
}

TEST(KeyCheck, AliasesMayLookLikePrefixes) {
  const std::vector<std::string> aliases{"source", "target", "a.b", "a"};
  EXPECT_EQ(judge_key("source.consumer.isolation.level", aliases).kind, Kind::served);
  EXPECT_EQ(judge_key("target.producer.linger.ms", aliases).kind, Kind::no_effect);
  EXPECT_EQ(judge_key("source->target.source.consumer.client.id", aliases).kind, Kind::served);
  EXPECT_EQ(judge_key("a.b.bootstrap.servers", aliases).kind, Kind::served);
  EXPECT_EQ(judge_key("a.b->a.topics", aliases).kind, Kind::served);
}

TEST(KnownKeys, EveryKeyWithoutEffectSaysWhy) {
  for (const auto table : {connector_keys(), worker_keys(), own_keys()}) {
    for (const auto& key : table) EXPECT_EQ(key.state == KeyState::no_effect, !key.note.empty()) << key.name;
  }
  for (const auto& key : client_keys())
    EXPECT_EQ(key.state == KeyState::no_effect, !key.note.empty()) << key.name;
}

}  // namespace
}  // namespace longhaul::config
