#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/config/configuration.h"
#include "app/config/print.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

std::string load_error(std::string_view text) {
  const auto configuration = load_text(text, "f");
  return configuration ? "loads" : configuration.error().message();
}

TEST(Load, AMissingFileAndADirectoryAreClear) {
  EXPECT_EQ(load("/no/such/mm2.properties").error().message(),
            "cannot read /no/such/mm2.properties: no such file");
  EXPECT_EQ(load("/").error().message(), "cannot read /: it is a directory");
}

TEST(Load, AnUnreadableFileIsClear) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every file";
  const auto file = testing::TempDir() + "longhaul-unreadable.properties";
  std::ofstream(file) << "clusters = A\n";
  std::filesystem::permissions(file, std::filesystem::perms::none);
  EXPECT_EQ(load(file).error().message(), "cannot read " + file + ": Permission denied");
  std::filesystem::remove(file);
}

TEST(Load, NeedsClusters) {
  EXPECT_EQ(load_error("a = b"), "f: clusters is missing: it names the clusters, such as 'clusters = A, B'");
  EXPECT_EQ(load_error(""), "f: clusters is missing: it names the clusters, such as 'clusters = A, B'");
  EXPECT_EQ(load_error("clusters ="),
            "f:1: clusters: found '', accepted: the aliases of the clusters between commas, such as A, B");
}

TEST(Load, EveryClusterNeedsBootstrapServers) {
  EXPECT_EQ(load_error("clusters = A, B\nA.bootstrap.servers = a:1\n"),
            "f: cluster 'B' has no bootstrap.servers: add 'B.bootstrap.servers = host:port'");
  EXPECT_EQ(load_error("clusters = A, B\nbootstrap.servers = x:1\n"), "loads")
      << "the top level is the default";
}

TEST(Load, TheLastOfSeveralEqualKeysWinsAndItIsSaid) {
  const auto configuration = loaded("replication.factor = 1\nreplication.factor = 2\n");
  EXPECT_EQ(configuration.flows[0].replication_factor, 2);
  EXPECT_EQ(warnings_of(configuration, WarningKind::value),
            std::vector<std::string>{
                "mm2.properties:5: replication.factor: written before at line 4; the last one wins"});
}

TEST(Load, AByteOrderMarkIsSkippedWithAWarning) {
  const auto configuration = load_text(
      "\xef\xbb\xbf"
      "clusters = A\nA.bootstrap.servers = a:1\n",
      "f");
  ASSERT_TRUE(configuration.has_value());
  EXPECT_EQ(warnings_of(*configuration, WarningKind::value).size(), 1U);
}

TEST(Load, TextAfterAValueBelongsToIt) {
  EXPECT_EQ(load_error("clusters = A # my clusters\nA.bootstrap.servers = a:1\n"),
            "f: cluster 'A # my clusters' has no bootstrap.servers: add 'A # my clusters.bootstrap.servers = "
            "host:port'");
}

// The sample files of tests/configs, as people write them.

Configuration sample(const std::string& name, ProviderFailure failure = ProviderFailure::stop) {
  auto configuration = load(std::string(LH_SOURCE_DIR "/tests/configs/") + name,
                            {.provider_failure = failure, .environment = {}});
  EXPECT_TRUE(configuration.has_value()) << configuration.error().message();
  return configuration ? *std::move(configuration) : Configuration{};
}

using Keys = std::vector<std::string>;

Keys keys_of(const Configuration& configuration, WarningKind kind) {
  Keys out;
  for (const auto& warning : configuration.warnings) {
    if (warning.kind == kind) out.insert(out.end(), warning.keys.begin(), warning.keys.end());
  }
  return out;
}

TEST(SampleConfigs, BasicLoadsWithOneWarning) {
  const auto configuration = sample("basic.properties");
  ASSERT_EQ(configuration.warnings.size(), 1U);
  EXPECT_EQ(keys_of(configuration, WarningKind::not_served),
            (Keys{"sync.topic.configs.enabled", "sync.group.offsets.enabled", "emit.checkpoints.enabled",
                  "checkpoints.topic.replication.factor", "heartbeats.topic.replication.factor",
                  "offset-syncs.topic.replication.factor"}));
  const auto flows = select_flows(configuration, {});
  ASSERT_TRUE(flows.has_value());
  ASSERT_EQ(flows->size(), 1U);
  const auto& flow = *flows->front();
  EXPECT_EQ(flow.name(), "primary->backup");
  EXPECT_TRUE(flow.selection->decide("payments").replicate);
  EXPECT_FALSE(flow.selection->decide("orders2").replicate);
  EXPECT_EQ(flow.refresh_topics, std::chrono::seconds(30));
  EXPECT_TRUE(require_runnable(flow).has_value());
}

TEST(SampleConfigs, ActiveActiveLoadsWithOneWarning) {
  const auto configuration = sample("active-active.properties");
  ASSERT_EQ(configuration.warnings.size(), 1U);
  EXPECT_EQ(keys_of(configuration, WarningKind::not_served), Keys{"sync.group.offsets.enabled"});
  const auto flows = select_flows(configuration, {});
  ASSERT_TRUE(flows.has_value());
  ASSERT_EQ(flows->size(), 2U);
  EXPECT_FALSE((*flows)[0]->selection->decide("eu.orders").replicate) << "us->eu does not send back";
  EXPECT_TRUE((*flows)[0]->selection->decide("orders").replicate);
}

TEST(SampleConfigs, HubAndSpokeLoadsWithoutWarning) {
  const auto configuration = sample("hub-and-spoke.properties");
  EXPECT_TRUE(configuration.warnings.empty());
  const auto flows = select_flows(configuration, {});
  ASSERT_TRUE(flows.has_value());
  ASSERT_EQ(flows->size(), 4U);
  EXPECT_EQ(configuration.flows.size(), 12U) << "every ordered pair, because of heartbeats";
  const auto fan_out = configuration.flow("hub->ams");
  ASSERT_TRUE(fan_out.has_value());
  EXPECT_EQ((*fan_out)->policy().remote_topic("hub", "reference"), "reference");
  EXPECT_EQ((*configuration.flow("ams->hub"))->policy().remote_topic("ams", "events.x"), "ams.events.x");
  EXPECT_EQ(select_flows(configuration, {"ams"})->size(), 1U);
}

TEST(SampleConfigs, ProductionLoadsWithTheWarningsItDeserves) {
  const auto configuration = sample("production.properties", ProviderFailure::keep);
  EXPECT_EQ(keys_of(configuration, WarningKind::not_served).size(), 11U);
  EXPECT_EQ(keys_of(configuration, WarningKind::unknown_key), Keys{});
  EXPECT_EQ(keys_of(configuration, WarningKind::no_effect),
            (Keys{"source->target.producer.compression.type", "source->target.producer.batch.size",
                  "source->target.producer.linger.ms", "source->target.producer.buffer.memory",
                  "source->target.consumer.max.poll.records", "tasks.max",
                  "status.storage.replication.factor", "config.storage.replication.factor"}));
  EXPECT_EQ(keys_of(configuration, WarningKind::misplaced), Keys{"source->target.transaction.timeout.ms"});
  EXPECT_EQ(keys_of(configuration, WarningKind::differs_from_mm2),
            Keys{"source->target.exactly.once.support"});
  EXPECT_EQ(keys_of(configuration, WarningKind::legacy_spelling), Keys{"source->target.topics.blacklist"});
  EXPECT_EQ(keys_of(configuration, WarningKind::value),
            (Keys{"source.sasl.jaas.config", "source.ssl.truststore.password", "target.sasl.jaas.config",
                  "target.ssl.truststore.password", "source->target.exactly.once.support"}))
      << "secrets of another machine, and the isolation that goes with exactly-once support";
  EXPECT_EQ(configuration.flow("source->target").value()->own.transactions, Transactions::always);

  const auto flow = configuration.flow("source->target");
  ASSERT_TRUE(flow.has_value());
  EXPECT_EQ((*flow)->worker.exactly_once_source_support, ExactlyOnce::enabled);
  EXPECT_EQ((*flow)->source_consumer.fetch_min_bytes, 1048576);
  EXPECT_EQ((*flow)->source_consumer.bootstrap_servers.size(), 3U);
  // In a properties file `\-\.` is just `-.`, and `.*\.replica` is `.*.replica`.
  EXPECT_EQ((*flow)->topics_exclude, (Keys{".*[-.]internal", ".*.replica", "__.*"}));
  EXPECT_EQ((*flow)->source_consumer.security.sasl->username, "mirror-reader");
  EXPECT_EQ((*flow)->data_producer.security.sasl->username, "mirror-writer");
  EXPECT_EQ((*flow)->data_producer.security.tls->truststore_location->value, "/etc/longhaul/truststore.jks");
}

TEST(SampleConfigs, ProductionStopsWhereItsSecretsAreMissing) {
  const auto configuration = load(LH_SOURCE_DIR "/tests/configs/production.properties");
  ASSERT_FALSE(configuration.has_value());
  EXPECT_TRUE(
      configuration.error().message().ends_with("production.properties:8: source.sasl.jaas.config: "
                                                "${file:/etc/longhaul/source-password.txt:password}: cannot "
                                                "read /etc/longhaul/source-password.txt: no such file"))
      << configuration.error().message();
}

TEST(Print, ShowsEachValueWithItsOriginAndWarningsLast) {
  const auto text =
      print(loaded("A->B.enabled = true\nA.consumer.isolation.level = read_committed\nfoo = 1\n"));
  const auto has_line = [&](std::string_view key, std::string_view value, std::string_view origin) {
    std::size_t at = 0;
    while ((at = text.find(fmt::format("    {} ", key), at)) != std::string::npos) {
      const auto line = text.substr(at, text.find('\n', at) - at);
      if (line.find(fmt::format("= {}", value)) != std::string::npos && line.ends_with(origin)) return true;
      ++at;
    }
    return false;
  };
  EXPECT_TRUE(
      has_line("isolation.level", "read_committed", "# mm2.properties:5 (A.consumer.isolation.level)"))
      << text;
  EXPECT_TRUE(has_line("replication.factor", "2", "# default"));
  EXPECT_TRUE(has_line("offset.storage.topic", "mm2-offsets.A.internal", "# default"));
  EXPECT_TRUE(has_line("longhaul.memory.max", "256 MiB", "# default"));
  EXPECT_NE(text.find("flow A->B: enabled by mm2.properties:4 (A->B.enabled)\n"), std::string::npos);
  EXPECT_NE(text.find("flow B->A: not enabled; "), std::string::npos);
  EXPECT_TRUE(text.ends_with(
      "\nwarnings\n  mm2.properties: unknown keys, ignored as by MirrorMaker 2: foo (line 6)\n"));
}

}  // namespace
}  // namespace longhaul::config
