#include "replicator/kafka/topic_check.h"

#include <gtest/gtest.h>

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;

TopicId id(unsigned char byte) {
  TopicId made;
  made.bytes.back() = byte;
  return made;
}

client::TopicInfo info(KafkaErrc error, TopicId topic_id) {
  return {.error = error, .id = topic_id, .is_internal = false, .partitions = {}};
}

struct TopicCheckTest : testing::Test {
  std::optional<std::string> check(const client::TopicInfo* found, milliseconds after) {
    return topic_is_gone(found, id(1), unknown, start + after);
  }

  UnknownTopic unknown;
  const SteadyTime start{milliseconds(5'000)};
  const client::TopicInfo there = info(KafkaErrc::none, id(1));
  const client::TopicInfo missing = info(KafkaErrc::unknown_topic_or_partition, {});
};

TEST_F(TopicCheckTest, IsGoneWhenManyAnswersDoNotKnowItForALongTime) {
  EXPECT_FALSE(check(&missing, milliseconds(0)));
  for (int i = 1; i < 100; ++i) EXPECT_FALSE(check(i % 2 == 0 ? &missing : nullptr, milliseconds(i * 100)));
  EXPECT_EQ(check(&missing, milliseconds(10'000)), "");
}

TEST_F(TopicCheckTest, IsNotGoneByFewAnswersHoweverLate) {
  EXPECT_FALSE(check(&missing, milliseconds(0)));
  EXPECT_FALSE(check(&missing, milliseconds(60'000)));
  EXPECT_EQ(check(&missing, milliseconds(60'001)), "");
}

TEST_F(TopicCheckTest, CountsAnewAfterAnAnswerThatKnowsIt) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(check(&missing, milliseconds(i * 1'000)));
  EXPECT_FALSE(check(&there, milliseconds(5'000)));
  for (int i = 6; i < 16; ++i) EXPECT_FALSE(check(&missing, milliseconds(i * 1'000)));
  EXPECT_EQ(check(&missing, milliseconds(16'000)), "");
}

TEST_F(TopicCheckTest, IsGoneAtOnceUnderAnotherId) {
  const auto other = info(KafkaErrc::none, id(2));
  const auto gone = check(&other, milliseconds(0));
  ASSERT_TRUE(gone);
  EXPECT_NE(gone->find("created anew"), std::string::npos);
  // Clusters without topic ids cannot tell.
  const auto nameless = info(KafkaErrc::none, {});
  EXPECT_FALSE(check(&nameless, milliseconds(0)));
}

}  // namespace
}  // namespace longhaul::replicator
