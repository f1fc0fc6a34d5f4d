#include "app/status_display.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/summary.h"

namespace longhaul::app {
namespace {

FlowSnapshot flow() {
  FlowSnapshot snapshot{.name = "A->B", .topics = 3, .started = true};
  snapshot.status.partitions = 12;
  snapshot.status.records = 5'000;
  snapshot.status.batches = 70;
  snapshot.status.bytes = 2'000'000;
  snapshot.status.lag = 1'204'512;
  return snapshot;
}

TEST(StatusText, ShowsRatesLagAndTimeToGo) {
  EXPECT_EQ(status_text(flow(), 84.1e6, 92'310),
            "A->B  3 topics  12 partitions  84.1 MB/s  92,310 records/s  lag 1,204,512  ETA 13 s");
}

TEST(StatusText, PromisesNoTimeWithoutProgress) {
  EXPECT_EQ(status_text(flow(), 0, 0), "A->B  3 topics  12 partitions  0.0 MB/s  0 records/s  lag 1,204,512");
}

TEST(StatusText, TellsStoppedPartitionsAndFailures) {
  auto stopped = flow();
  stopped.status.lag = 0;
  stopped.status.stopped.push_back({});
  EXPECT_EQ(status_text(stopped, 0, 0),
            "A->B  3 topics  12 partitions  0.0 MB/s  0 records/s  lag 0  1 stopped");
  auto failed = flow();
  failed.failure = "no such cluster";
  EXPECT_EQ(status_text(failed, 0, 0), "A->B  failed: no such cluster");
  EXPECT_EQ(status_text({.name = "A->B"}, 0, 0), "A->B  connecting");
}

TEST(Summary, HoldsTheDocumentedKeys) {
  auto one = flow();
  one.status.stopped.push_back({{"orders", PartitionIndex(2)},
                                {replicator::StopReason::batch_too_large, Offset(77), "2000000 bytes"}});
  const auto json = nlohmann::json::parse(summary_json({one}, 12.5));
  EXPECT_EQ(json.at("version"), 1);
  EXPECT_EQ(json.at("process").at("seconds"), 12.5);
  EXPECT_GT(json.at("process").at("peak_memory_bytes"), 0);
  EXPECT_GE(json.at("process").at("cpu_seconds"), 0.0);
  const auto& entry = json.at("flows").at(0);
  EXPECT_EQ(entry.at("flow"), "A->B");
  EXPECT_EQ(entry.at("topics"), 3);
  EXPECT_EQ(entry.at("partitions"), 12);
  EXPECT_EQ(entry.at("records"), 5'000);
  EXPECT_EQ(entry.at("batches"), 70);
  EXPECT_EQ(entry.at("bytes"), 2'000'000);
  EXPECT_EQ(entry.at("batches_passed_through"), 70);
  EXPECT_EQ(entry.at("lag_records"), 1'204'512);
  const auto& stop = entry.at("stopped_partitions").at(0);
  EXPECT_EQ(stop.at("topic"), "orders");
  EXPECT_EQ(stop.at("partition"), 2);
  EXPECT_EQ(stop.at("offset"), 77);
  EXPECT_EQ(stop.at("detail"), "2000000 bytes");
  EXPECT_FALSE(entry.contains("failure"));
}

TEST(Summary, SaysWhyItCannotBeWritten) {
  const auto written = write_summary("/nonexistent-directory/summary.json", {flow()}, 1);
  ASSERT_FALSE(written.has_value());
  EXPECT_NE(written.error().message().find("/nonexistent-directory/summary.json"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::app
