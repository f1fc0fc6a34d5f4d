#include <gtest/gtest.h>

#include "app/config/configuration.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

std::vector<std::string> names(const Configuration& configuration) {
  std::vector<std::string> out;
  for (const auto& flow : configuration.flows)
    out.push_back(flow.name() + (flow.enabled() ? " on" : " heartbeats"));
  return out;
}
using Names = std::vector<std::string>;

TEST(Flows, BothDirectionsExistByDefaultBecauseOfHeartbeats) {
  EXPECT_EQ(names(loaded("")), (Names{"A->B heartbeats", "B->A heartbeats"}));
  EXPECT_EQ(names(loaded("A->B.enabled = true")), (Names{"A->B on", "B->A heartbeats"}));
}

TEST(Flows, OnlyEnabledFlowsExistWithoutHeartbeats) {
  EXPECT_EQ(names(loaded("A->B.enabled = true\nemit.heartbeats.enabled = false")), (Names{"A->B on"}));
  EXPECT_EQ(names(loaded("A->B.enabled = true\nB->A.emit.heartbeats.enabled = false")), (Names{"A->B on"}));
  EXPECT_EQ(names(loaded("emit.heartbeats.enabled = false\nB->A.emit.heartbeats.enabled = true")),
            (Names{"B->A heartbeats"}))
      << "the flow's own key wins";
}

TEST(Flows, EnabledIsReadInAnyCase) {
  EXPECT_EQ(names(loaded("A->B.enabled = TRUE"))[0], "A->B on");
}

TEST(Flows, ATrailingBlankHidesEnabledOnlyWhenHeartbeatsAreOff) {
  EXPECT_EQ(names(loaded("A->B.enabled = true ")), (Names{"A->B on", "B->A heartbeats"}));
  const auto off = loaded("A->B.enabled = true \nemit.heartbeats.enabled = false");
  EXPECT_EQ(names(off), Names{});
  EXPECT_EQ(warnings_of(off, WarningKind::value), Names{"mm2.properties:4: A->B.enabled: blanks around 'true "
                                                        "' hide it when heartbeats are off: the flow does "
                                                        "not exist, as in MirrorMaker 2; remove them"});
}

TEST(Flows, ATopLevelEnabledEnablesEveryFlow) {
  EXPECT_EQ(names(loaded("enabled = true")), (Names{"A->B on", "B->A on"}));
  EXPECT_EQ(names(loaded("enabled = true\nB->A.enabled = false")), (Names{"A->B on", "B->A heartbeats"}));
}

TEST(Flows, ExistForEveryOrderedPair) {
  const auto configuration = loaded("clusters = A, B, C\nC.bootstrap.servers = c:1\n");
  EXPECT_EQ(configuration.flows.size(), 6U);
}

TEST(Flows, SayWhyTheyExist) {
  const auto configuration = loaded("A->B.enabled = true");
  EXPECT_EQ(configuration.flows[0].reason_text, "enabled by mm2.properties:4 (A->B.enabled)");
  EXPECT_EQ(configuration.flows[1].reason_text,
            "not enabled; MirrorMaker 2 runs it to emit heartbeats into A (emit.heartbeats.enabled = true, "
            "the default)");
}

TEST(Flows, AreSelectedByTargetAndOnlyIfEnabled) {
  const auto configuration = loaded("A->B.enabled = true\nB->A.enabled = false");
  const auto all = select_flows(configuration, {});
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ((*all)[0]->name(), "A->B");
  EXPECT_TRUE(select_flows(configuration, {"B"}).has_value());
  const auto none = select_flows(configuration, {"A"});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(
      none.error().message(),
      "mm2.properties: no source->target replication flows into the given --clusters: enable one, such as "
      "'A->B.enabled = true'");
}

TEST(Flows, SelectionRefusesAnUnknownCluster) {
  const auto configuration =
      load_text("clusters = primary, backup\nbootstrap.servers = x:1\nprimary->backup.enabled = true\n", "f");
  ASSERT_TRUE(configuration.has_value());
  EXPECT_EQ(select_flows(*configuration, {"bakcup"}).error().message(),
            "--clusters bakcup: there is no such cluster in f; did you mean backup?");
}

TEST(Flows, AreFoundByName) {
  const auto configuration = loaded("A->B.enabled = true");
  EXPECT_TRUE(configuration.flow("A->B").has_value());
  EXPECT_EQ(configuration.flow("A->C").error().message(),
            "mm2.properties: there is no flow 'A->C'; flows: 'A->B', 'B->A'");
}

TEST(Flows, ThatNeedAMechanismThatIsNotServedLoadAndRefuseToRun) {
  const auto flow = flow_with("B.security.protocol = SASL_SSL");
  EXPECT_EQ(flow.target_admin.security.protocol, SecurityProtocol::sasl_ssl);
  EXPECT_EQ(require_runnable(flow).error().message(),
            "flow A->B: the admin of cluster B: mm2.properties:5: B.security.protocol = SASL_SSL needs "
            "B.sasl.mechanism: Kafka's default, GSSAPI, is not served by this version; served: PLAIN, "
            "SCRAM-SHA-256, SCRAM-SHA-512");
  EXPECT_TRUE(require_runnable(flow_with("B.security.protocol = plaintext")).has_value());
}

TEST(Flows, ThatExistForHeartbeatsOnlyRefuseToRun) {
  const auto configuration = loaded("A->B.enabled = true");
  const auto refusal = require_runnable(configuration.flows[1]);
  ASSERT_FALSE(refusal.has_value());
  EXPECT_NE(refusal.error().message().find("heartbeats are not served yet"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::config
