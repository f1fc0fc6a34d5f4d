#include "client/outage_log.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "net/error.h"

namespace longhaul::client {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Counts log lines, which pass through a hook before they are printed.
struct OutageLogTest : testing::Test {
  OutageLogTest() {
    lines = 0;
    log::set_before_line([] { ++lines; });
  }
  ~OutageLogTest() override { log::set_before_line(nullptr); }

  static inline int lines = 0;
  OutageLog outage;
  SteadyTime t0 = SteadyTime{} + hours(1);

  // The log holds exact repeats back, so each line of a test is another one.
  static std::string name() {
    static int number = 0;
    return "cluster " + std::to_string(++number);
  }
  static Error reason() { return {net::NetErrc::timed_out, name()}; }
};

TEST_F(OutageLogTest, SaysOnceThatItIsDownAndOnceThatItIsBack) {
  for (int i = 0; i < 500; ++i) outage.down(t0 + milliseconds(100) * i, reason());
  EXPECT_EQ(lines, 1);
  EXPECT_TRUE(outage.is_down());
  outage.up(t0 + seconds(51), name());
  EXPECT_EQ(lines, 2);
  EXPECT_FALSE(outage.is_down());
  outage.up(t0 + seconds(52), name());
  EXPECT_EQ(lines, 2);
}

TEST_F(OutageLogTest, RepeatsALongOutageEverMoreSeldom) {
  for (int i = 0; i < 24 * 3600; ++i) outage.down(t0 + seconds(i), reason());
  // After 1, 3, 7, 15, 31 minutes, then about every half hour of a day.
  EXPECT_GT(lines, 40);
  EXPECT_LT(lines, 60);
}

TEST_F(OutageLogTest, TakesWhatComesAndGoesForOneOutage) {
  for (int i = 0; i < 60; ++i) {
    outage.down(t0 + seconds(i), reason());
    outage.up(t0 + seconds(i) + milliseconds(500), name());
  }
  EXPECT_EQ(lines, 2) << "down, and once that it is back";
  outage.down(t0 + seconds(61), reason());
  EXPECT_EQ(lines, 3) << "still trying";
  outage.up(t0 + seconds(62), name());
  outage.down(t0 + seconds(200), reason());
  EXPECT_EQ(lines, 5) << "another outage, and a line that this one was over";
}

}  // namespace
}  // namespace longhaul::client
