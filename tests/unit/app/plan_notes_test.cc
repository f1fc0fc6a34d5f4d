#include "app/plan_notes.h"

#include <gtest/gtest.h>

namespace longhaul::app {
namespace {

using replicator::ConfigValue;

std::vector<ConfigValue> configs(std::initializer_list<std::pair<std::string, std::string>> values) {
  std::vector<ConfigValue> made;
  for (const auto& [name, value] : values) made.push_back({.name = name, .value = value});
  return made;
}

/// All notes as one text, a line each.
std::string notes(const TopicTraits& traits, replicator::FlowOptions options = {}) {
  options.source_alias = "A";
  std::string text;
  for (const auto& note : topic_notes(traits, options)) text += note + "\n";
  return text;
}

TEST(PlanNotes, SayNothingOfAnOrdinaryTopic) {
  const auto plain = configs({{"cleanup.policy", "delete"},
                              {"message.timestamp.type", "CreateTime"},
                              {"compression.type", "producer"},
                              {"message.format.version", "2.8-IV1"},
                              {"max.message.bytes", "1048588"}});
  EXPECT_EQ(notes({.source = plain, .target = plain}), "");
  EXPECT_EQ(notes({}), "") << "nothing could be read";
}

TEST(PlanNotes, WarnOfTransactionsOnlyWhereAbortedRecordsAreCopied) {
  EXPECT_NE(notes({.holds_transactions = true}).find("A.consumer.isolation.level = read_committed"),
            std::string::npos);
  replicator::FlowOptions committed;
  committed.isolation = protocol::IsolationLevel::read_committed;
  EXPECT_EQ(notes({.holds_transactions = true}, committed), "");
}

TEST(PlanNotes, SayWhichTimesTheCopiesGet) {
  const auto appends = configs({{"message.timestamp.type", "LogAppendTime"}});
  EXPECT_NE(notes({.source = appends}).find("keep the append times"), std::string::npos);
  replicator::FlowOptions passthrough;
  passthrough.append_times = replicator::AppendTimes::passthrough;
  EXPECT_NE(notes({.source = appends}, passthrough).find("get the producers' times"), std::string::npos);
  EXPECT_NE(notes({.source = appends, .target = appends}).find("its own times"), std::string::npos);
}

TEST(PlanNotes, SayWhatIsWrittenInTransactions) {
  const auto compacted = configs({{"cleanup.policy", "compact,delete"}});
  const std::vector<std::pair<std::string, std::string>> creation{{"cleanup.policy", "compact"}};
  replicator::FlowOptions backfill;
  backfill.transactions = replicator::Transactions::backfill;
  EXPECT_NE(notes({.target = compacted}, backfill).find("written in transactions"), std::string::npos);
  EXPECT_NE(notes({.creation = creation}, backfill).find("isolation.level = read_committed"),
            std::string::npos);
  EXPECT_EQ(notes({.creation = {{"cleanup.policy", "delete"}}}, backfill), "");
  EXPECT_NE(notes({.begins_old = true}, backfill).find("its older records are written in transactions"),
            std::string::npos);
  EXPECT_EQ(notes({.source = compacted}, backfill).find("in transactions"), std::string::npos)
      << "the copy need not be";
  for (const auto other : {replicator::Transactions::never, replicator::Transactions::always}) {
    replicator::FlowOptions options;
    options.transactions = other;
    EXPECT_EQ(notes({.target = compacted}, options).find("in transactions"), std::string::npos);
  }
}

TEST(PlanNotes, NameWhatTheRemoteTopicDoesOtherwise) {
  EXPECT_NE(notes({.source = configs({{"cleanup.policy", "compact,delete"}})}).find("with holes"),
            std::string::npos);
  EXPECT_NE(notes({.target = configs({{"cleanup.policy", "compact"}})}).find("without key"),
            std::string::npos);
  EXPECT_NE(notes({.source = configs({{"message.format.version", "0.10.2-IV0"}})}).find("0.10.2-IV0"),
            std::string::npos);
  EXPECT_EQ(notes({.source = configs({{"message.format.version", "0.11.0-IV2"}})}), "");
  EXPECT_NE(notes({.target = configs({{"compression.type", "zstd"}})}).find("compression.type=zstd"),
            std::string::npos);
  EXPECT_NE(notes({.source = configs({{"max.message.bytes", "2000"}}),
                   .target = configs({{"max.message.bytes", "1000"}})})
                .find("max.message.bytes is 1000 on the remote topic and 2000 on the source"),
            std::string::npos);
}

}  // namespace
}  // namespace longhaul::app
