#include "client/pipeline.h"

#include <gtest/gtest.h>

#include "client/error.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/net/virtual_time.h"

namespace longhaul::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using MetadataCall = TypedCall<protocol::MetadataResponse>;

struct PipelineTest : testing::Test {
  std::shared_ptr<Call> call(SteadyTime::duration until_deadline) {
    return std::make_shared<MetadataCall>(protocol::ApiKey::metadata, std::int16_t{12},
                                          CallOptions{.deadline = t0 + until_deadline}, loop.time);
  }
  test::VirtualLoop loop;
  SteadyTime t0 = loop.time.now();
  Pipeline pipeline{4};
};

TEST_F(PipelineTest, MatchesAnswersInOrderOfRequests) {
  const auto first = call(seconds(1));
  const auto second = call(seconds(1));
  EXPECT_EQ(pipeline.next_correlation_id(), 0);
  pipeline.add(first);
  EXPECT_EQ(pipeline.next_correlation_id(), 1);
  pipeline.add(second);
  EXPECT_EQ(pipeline.head(), first);
  const auto matched = pipeline.match(0);
  ASSERT_TRUE(matched);
  EXPECT_EQ(*matched, first);
  EXPECT_EQ(pipeline.head(), second);
  EXPECT_EQ(pipeline.size(), 1u);
}

TEST_F(PipelineTest, RefusesAnAnswerThatIsNotTheOldestOnes) {
  pipeline.add(call(seconds(1)));
  pipeline.add(call(seconds(1)));
  const auto matched = pipeline.match(1);
  ASSERT_FALSE(matched);
  EXPECT_EQ(matched.error().code, ClientErrc::wrong_correlation_id);
  EXPECT_EQ(matched.error().detail, "correlation id 1 where 0 was due");
  EXPECT_EQ(pipeline.size(), 2u);
}

TEST_F(PipelineTest, RefusesAnAnswerToNothing) {
  const auto matched = pipeline.match(7);
  ASSERT_FALSE(matched);
  EXPECT_EQ(matched.error().code, ClientErrc::unexpected_response);
}

TEST_F(PipelineTest, IsFullAtItsLimit) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(pipeline.full());
    pipeline.add(call(seconds(1)));
  }
  EXPECT_TRUE(pipeline.full());
  EXPECT_EQ(pipeline.take_all().size(), 4u);
  EXPECT_TRUE(pipeline.empty());
}

TEST_F(PipelineTest, FindsTheEarliestDeadlineWhateverItsPlace) {
  EXPECT_EQ(pipeline.next_deadline(), SteadyTime::max());
  const auto late = call(seconds(9));
  const auto early = call(seconds(2));
  pipeline.add(late);
  pipeline.add(early);
  EXPECT_EQ(pipeline.next_deadline(), t0 + seconds(2));
  EXPECT_EQ(pipeline.expired(t0 + milliseconds(1999)), nullptr);
  EXPECT_EQ(pipeline.expired(t0 + seconds(2)), early.get());
}

TEST_F(PipelineTest, ThrottlePostponesDeadlinesByItsDurationOnce) {
  pipeline.add(call(seconds(2)));
  pipeline.throttle(t0, seconds(3));
  EXPECT_EQ(pipeline.throttled_until(), t0 + seconds(3));
  EXPECT_EQ(pipeline.next_deadline(), t0 + seconds(5));
  // A second answer of the same throttled window adds what lies beyond the first.
  pipeline.throttle(t0 + seconds(1), seconds(3));
  EXPECT_EQ(pipeline.throttled_until(), t0 + seconds(4));
  EXPECT_EQ(pipeline.next_deadline(), t0 + seconds(6));
  pipeline.throttle(t0 + seconds(1), seconds(0));
  pipeline.throttle(t0 + seconds(1), seconds(-5));
  EXPECT_EQ(pipeline.throttled_until(), t0 + seconds(4));
}

TEST_F(PipelineTest, DeadlinesStandStillWhilePaused) {
  pipeline.add(call(seconds(2)));
  pipeline.pause(t0 + seconds(1));
  EXPECT_EQ(pipeline.next_deadline(), SteadyTime::max());
  EXPECT_EQ(pipeline.expired(t0 + seconds(60)), nullptr);
  pipeline.resume(t0 + seconds(60));
  EXPECT_EQ(pipeline.next_deadline(), t0 + seconds(61));
}

TEST_F(PipelineTest, AnEndlessDeadlineStaysEndless) {
  pipeline.add(
      std::make_shared<MetadataCall>(protocol::ApiKey::metadata, std::int16_t{12}, CallOptions{}, loop.time));
  pipeline.throttle(t0, seconds(3));
  EXPECT_EQ(pipeline.next_deadline(), SteadyTime::max());
}

}  // namespace
}  // namespace longhaul::client
