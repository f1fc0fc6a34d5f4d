#include <algorithm>
#include <string>

#include "app/config/flow_config.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

using std::chrono::milliseconds;

/// Why a file with the flow A->B and `lines`, which begin at line 5, does not load.
std::string why_refused(std::string_view lines) {
  return error_of("A->B.enabled = true\n" + std::string(lines));
}

std::string warnings_about(std::string_view lines, WarningKind kind) {
  std::string text;
  for (const auto& warning : warnings_of(loaded("A->B.enabled = true\n" + std::string(lines)), kind))
    text += warning + "\n";
  return text;
}

/// "value (origin)" as `longhaul config` lists the option.
std::string listed(const FlowConfig& flow, std::string_view key) {
  const auto option = std::ranges::find(flow.effective, key, &EffectiveOption::key);
  if (option == flow.effective.end()) return "not listed";
  return option->setting.value + " (" + option->setting.origin.to_string() + ")";
}

TEST(Transactions, AreForWhatTheTargetMayForgetUnlessMoreIsAsked) {
  const auto flow = flow_with("");
  EXPECT_EQ(flow.own.transactions, Transactions::backfill);
  EXPECT_EQ(flow.own.transaction_interval, milliseconds(1'000));
  EXPECT_EQ(flow.own.transaction_timeout, milliseconds(900'000));
  EXPECT_EQ(flow.own.transaction_calm, milliseconds(600'000));
  EXPECT_EQ(listed(flow, "longhaul.transactions"), "backfill (default)");
  EXPECT_EQ(flow_with("longhaul.transactions = never").own.transactions, Transactions::never);
  EXPECT_EQ(flow_with("longhaul.transactions = never\nA->B.longhaul.transactions = ALWAYS").own.transactions,
            Transactions::always);
  EXPECT_EQ(why_refused("longhaul.transactions = some"),
            "mm2.properties:5: longhaul.transactions: found 'some', accepted: never, backfill, always");
}

TEST(Transactions, AreForEverythingWhereTheWorkerSupportsExactlyOnce) {
  const auto flow = flow_with("B.exactly.once.source.support = enabled");
  EXPECT_EQ(flow.own.transactions, Transactions::always);
  EXPECT_EQ(listed(flow, "longhaul.transactions"),
            "always (mm2.properties:5 (B.exactly.once.source.support))");
  const auto taught = flow_with("A->B.exactly.once.support = enabled");
  EXPECT_EQ(taught.own.transactions, Transactions::always);
  EXPECT_EQ(listed(taught, "longhaul.transactions"), "always (mm2.properties:5 (A->B.exactly.once.support))");
  EXPECT_EQ(flow_with("B.exactly.once.source.support = preparing").own.transactions, Transactions::backfill)
      << "MirrorMaker 2's nodes write without transactions until all are prepared";
  EXPECT_EQ(flow_with("A.exactly.once.source.support = enabled").own.transactions, Transactions::backfill)
      << "of the other cluster";
  EXPECT_EQ(flow_with("A->B.exactly.once.support = requested").own.transactions, Transactions::backfill);
}

TEST(Transactions, ContradictionsNameBothKeys) {
  constexpr std::string_view kEnabled = "B.exactly.once.source.support = enabled\n";
  EXPECT_EQ(why_refused(std::string(kEnabled) + "longhaul.exactly.once = off"),
            "mm2.properties:6: longhaul.exactly.once: contradicts B.exactly.once.source.support = enabled "
            "(line 5)");
  EXPECT_EQ(why_refused(std::string(kEnabled) + "longhaul.transactions = never"),
            "mm2.properties:6: longhaul.transactions: contradicts B.exactly.once.source.support = enabled "
            "(line 5)");
  EXPECT_EQ(
      why_refused(std::string(kEnabled) + "A->B.longhaul.transactions = backfill"),
      "mm2.properties:6: A->B.longhaul.transactions: contradicts B.exactly.once.source.support = enabled "
      "(line 5)");
  EXPECT_EQ(
      why_refused("A->B.exactly.once.support = enabled\nlonghaul.transactions = never"),
      "mm2.properties:6: longhaul.transactions: contradicts A->B.exactly.once.support = enabled (line 5)");
  EXPECT_EQ(why_refused("A->B.exactly.once.support = required\nlonghaul.exactly.once = off"),
            "mm2.properties:5: A->B.exactly.once.support: contradicts longhaul.exactly.once = off (line 6)");
  EXPECT_EQ(why_refused("longhaul.transactions = always\nlonghaul.exactly.once = off"),
            "mm2.properties:6: longhaul.exactly.once: contradicts longhaul.transactions = always (line 5)");
  EXPECT_EQ(flow_with(std::string(kEnabled) + "longhaul.transactions = always").own.transactions,
            Transactions::always);
}

TEST(Transactions, AFlowThatDoesNotRunContradictsNothing) {
  const auto configuration =
      loaded("A->B.enabled = true\nA.exactly.once.source.support = enabled\nlonghaul.transactions = never\n");
  EXPECT_EQ((*configuration.flow("A->B"))->own.transactions, Transactions::never);
}

TEST(Transactions, ThereAreNoneWithoutExactlyOnce) {
  const auto flow = flow_with("longhaul.transactions = backfill\nA->B.longhaul.exactly.once = off");
  EXPECT_EQ(flow.own.transactions, Transactions::never);
  EXPECT_EQ(listed(flow, "longhaul.transactions"), "never (mm2.properties:6 (A->B.longhaul.exactly.once))");
}

TEST(TransactionInterval, IsOursUnlessAnIntervalBoundaryIsAskedFor) {
  const auto poll = flow_with("A->B.transaction.boundary = poll\nB.exactly.once.source.support = enabled");
  EXPECT_EQ(poll.own.transaction_interval, milliseconds(1'000));
  EXPECT_EQ(listed(poll, "longhaul.transaction.interval.ms"), "1000 (default)");
  EXPECT_NE(warnings_about("A->B.transaction.boundary = poll", WarningKind::differs_from_mm2)
                .find("after longhaul.transaction.interval.ms (1000 ms)"),
            std::string::npos);

  const auto interval =
      flow_with("A->B.transaction.boundary = INTERVAL\nA->B.transaction.boundary.interval.ms = 250");
  EXPECT_EQ(interval.own.transaction_interval, milliseconds(250));
  EXPECT_EQ(listed(interval, "longhaul.transaction.interval.ms"),
            "250 (mm2.properties:6 (A->B.transaction.boundary.interval.ms))");
  EXPECT_EQ(flow_with("A->B.transaction.boundary = interval\nA->B.transaction.boundary.interval.ms = 250\n"
                      "longhaul.transaction.interval.ms = 2 s")
                .own.transaction_interval,
            milliseconds(2'000))
      << "our own key says it for Longhaul alone";
}

TEST(TransactionInterval, OfTheBoundaryIsTheFlushIntervalByDefault) {
  EXPECT_EQ(flow_with("A->B.transaction.boundary = interval").own.transaction_interval, milliseconds(60'000));
  EXPECT_EQ(flow_with("A->B.transaction.boundary = interval\nB.offset.flush.interval.ms = 5000")
                .own.transaction_interval,
            milliseconds(5'000));
}

TEST(TransactionInterval, OfTheBoundaryIsReadForAFlowOnlyAndWithItsBoundary) {
  EXPECT_EQ(flow_with("transaction.boundary = interval\ntransaction.boundary.interval.ms = 250")
                .own.transaction_interval,
            milliseconds(1'000))
      << "MirrorMaker 2 drops both at top level";
  EXPECT_EQ(flow_with("A->B.transaction.boundary.interval.ms = 250").own.transaction_interval,
            milliseconds(1'000));
  EXPECT_NE(warnings_about("A->B.transaction.boundary.interval.ms = 250", WarningKind::no_effect)
                .find("mm2.properties:5: A->B.transaction.boundary.interval.ms: without effect unless"),
            std::string::npos);
  EXPECT_EQ(
      why_refused("A->B.transaction.boundary = interval\nA->B.transaction.boundary.interval.ms = 0"),
      "mm2.properties:6: A->B.transaction.boundary.interval.ms: found '0', accepted: a whole number from 1 "
      "to 2147483647");
}

TEST(TransactionBoundary, OfAConnectorIsRefusedAsByMirrorMaker2) {
  EXPECT_EQ(why_refused("B.exactly.once.source.support = enabled\nA->B.transaction.boundary = connector"),
            "mm2.properties:6: A->B.transaction.boundary: MirrorMaker 2's connectors define no boundaries; "
            "accepted: poll, interval");
  EXPECT_EQ(flow_with("A->B.transaction.boundary = connector").own.transaction_interval, milliseconds(1'000))
      << "without exactly-once support nobody looks at it";
  EXPECT_EQ(
      why_refused("A->B.transaction.boundary = batch"),
      "mm2.properties:5: A->B.transaction.boundary: found 'batch', accepted: poll, interval, connector");
}

TEST(TransactionTimeout, IsTheProducersUnlessItIsOurs) {
  const auto timeout = [](std::string_view lines) {
    return flow_with(lines).own.transaction_timeout.count();
  };
  EXPECT_EQ(timeout("B.producer.transaction.timeout.ms = 90000"), 90'000);
  EXPECT_EQ(timeout("A->B.producer.override.transaction.timeout.ms = 80000"), 80'000);
  EXPECT_EQ(timeout("B.producer.transaction.timeout.ms = 90000\nlonghaul.transaction.timeout.ms = 2 min"),
            120'000);
  EXPECT_EQ(timeout("transaction.timeout.ms = 90000"), 900'000) << "reaches nothing at top level";
}

TEST(TransactionTimeout, OutlastsTheInterval) {
  EXPECT_EQ(
      why_refused("longhaul.transaction.interval.ms = 20 min"),
      "mm2.properties:5: longhaul.transaction.interval.ms: a transaction that lasts 1200000 ms would be "
      "aborted by the target after 900000 ms (longhaul.transaction.timeout.ms)");
  EXPECT_EQ(why_refused("longhaul.transaction.interval.ms = 5 s\nlonghaul.transaction.timeout.ms = 4 s"),
            "mm2.properties:5: longhaul.transaction.interval.ms: a transaction that lasts 5000 ms would be "
            "aborted by the target after 4000 ms (longhaul.transaction.timeout.ms = 4 s (line 6))");
  EXPECT_EQ(why_refused("B.producer.transaction.timeout.ms = 500"),
            "mm2.properties:5: B.producer.transaction.timeout.ms: a transaction that lasts 1000 ms would be "
            "aborted by the target after 500 ms (B.producer.transaction.timeout.ms = 500 (line 5))");
  EXPECT_EQ(
      why_refused("longhaul.transaction.interval.ms = 0"),
      "mm2.properties:5: longhaul.transaction.interval.ms: found '0', accepted: a duration from 1 ms, such "
      "as 1000, 500 ms or 2s");
}

TEST(TransactionNotes, RecommendWhatMirrorMaker2Recommends) {
  constexpr auto kKind = WarningKind::value;
  EXPECT_EQ(
      warnings_about("B.exactly.once.source.support = enabled", kKind),
      "mm2.properties:5: B.exactly.once.source.support: MirrorMaker 2 recommends "
      "A.consumer.isolation.level = read_committed with it; as it stands, aborted records of A are copied "
      "too\n");
  EXPECT_EQ(warnings_about("B.exactly.once.source.support = enabled\n"
                           "A.consumer.isolation.level = read_committed",
                           kKind),
            "");
  EXPECT_EQ(warnings_about("longhaul.transactions = always", kKind), "") << "asks nothing of the source";
}

TEST(TransactionNotes, SayWhatMirrorMaker2Requires) {
  const auto about = [](std::string_view lines) {
    return warnings_about("A->B.exactly.once.support = required\n" + std::string(lines),
                          WarningKind::differs_from_mm2);
  };
  EXPECT_EQ(
      about(""),
      "mm2.properties:5: A->B.exactly.once.support: MirrorMaker 2 refuses 'required' without "
      "B.exactly.once.source.support = enabled and A.consumer.isolation.level = read_committed; Longhaul "
      "does not\n");
  EXPECT_EQ(about("B.exactly.once.source.support = enabled\nA.consumer.isolation.level = read_committed"),
            "");
}

}  // namespace
}  // namespace longhaul::config
