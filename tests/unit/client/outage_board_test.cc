#include "client/outage_board.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "client/error.h"
#include "net/error.h"

namespace longhaul::client {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// Counts log lines, which pass through a hook before they are printed.
struct OutageBoardTest : testing::Test {
  OutageBoardTest() {
    lines = 0;
    log::set_before_line([] { ++lines; });
  }
  ~OutageBoardTest() override { log::set_before_line(nullptr); }

  // The log holds exact repeats back, so each line of a test is another one.
  static Error reason(ErrorCode code = make_error_code(net::NetErrc::timed_out)) {
    static int number = 0;
    return {code, "cluster " + std::to_string(++number)};
  }

  static inline int lines = 0;
  OutageBoard board;
  SteadyTime t0 = SteadyTime{} + hours(1);
  BrokerId one{1};
  BrokerId two{2};
};

TEST_F(OutageBoardTest, SaysOneLinePerBrokerForAllClients) {
  EXPECT_TRUE(board.cluster_up(t0, "cluster"));
  EXPECT_FALSE(board.cluster_up(t0, "cluster"));
  board.broker_up(one, t0, "one");
  board.broker_down(one, t0 + seconds(1), reason(make_error_code(ClientErrc::closed_in_handshake)));
  board.broker_down(one, t0 + seconds(1), reason(make_error_code(net::NetErrc::closed_by_peer)));
  board.cluster_down(t0 + seconds(2), 1, reason());
  board.cluster_down(t0 + seconds(3), 3, reason());
  board.broker_down(one, t0 + seconds(3), reason());
  EXPECT_EQ(lines, 1);
  board.broker_down(two, t0 + seconds(4), reason());
  EXPECT_EQ(lines, 2);
  board.broker_up(one, t0 + seconds(20), "one is back");
  EXPECT_EQ(lines, 3);
}

TEST_F(OutageBoardTest, SaysAtOnceThatAClusterWasNeverReached) {
  board.cluster_down(t0, 1, reason());
  board.cluster_down(t0, 1, reason());
  EXPECT_EQ(lines, 1);
  EXPECT_TRUE(board.cluster_up(t0 + seconds(20), "cluster is back"));
  EXPECT_EQ(lines, 2);
}

TEST_F(OutageBoardTest, ForgivesALostConnectionOfAClusterThatIsUp) {
  EXPECT_TRUE(board.cluster_up(t0, "cluster"));
  board.cluster_down(t0 + seconds(1), 1, reason());
  board.cluster_down(t0 + seconds(1), 2, reason());
  EXPECT_EQ(lines, 0);
  board.cluster_down(t0 + seconds(1), 3, reason());
  EXPECT_EQ(lines, 1);
}

TEST_F(OutageBoardTest, DoesNotExplainByABrokerThatFailedBeforeTheLastSuccess) {
  EXPECT_TRUE(board.cluster_up(t0, "cluster"));
  board.broker_down(one, t0 + seconds(1), reason());
  EXPECT_FALSE(board.cluster_up(t0 + seconds(2), "cluster"));
  board.cluster_down(t0 + seconds(30), 3, reason());
  EXPECT_EQ(lines, 2);
}

TEST_F(OutageBoardTest, RepeatsARefusedCallOnceAMinute) {
  for (int i = 0; i < 120; ++i)
    board.call_refused(t0 + seconds(i), "cluster A: CreateTopics: NOT_CONTROLLER");
  EXPECT_EQ(lines, 1) << "the log itself holds exact repeats back; the board does for a minute";
  board.call_refused(t0, "cluster A: InitProducerId: COORDINATOR_LOAD_IN_PROGRESS");
  EXPECT_EQ(lines, 2);
}

}  // namespace
}  // namespace longhaul::client
