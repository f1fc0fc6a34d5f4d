#include "replicator/fence.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/error_code.h"

namespace longhaul::replicator {
namespace {

using protocol::KafkaErrc;
using Action = Fence::Action;
using Verdict = Fence::Verdict;

const TopicPartition kOne{"A.t", PartitionIndex(0)};
const TopicPartition kTwo{"A.t", PartitionIndex(1)};
const TopicPartition kState{"mm2-longhaul.A.internal", PartitionIndex(3)};
constexpr ProducerEpoch kProducer{ProducerId(7000), 4};

Error error(KafkaErrc code) {
  return Error{protocol::kafka_error(code), {}};
}

Fence fence(std::vector<TopicPartition> partitions = {kOne, kTwo, kState},
            std::optional<ProducerEpoch> held = {}) {
  return Fence({.partitions = std::move(partitions), .held = held});
}

void add_all(Fence& fence) {
  std::vector<Fence::Outcome> outcomes;
  for (const auto& partition : fence.waiting()) outcomes.emplace_back(partition, Result<void>{});
  fence.on_added(outcomes);
}

TEST(TransactionalId, IsSharedByNeighboursOfOneTopicAndDiffersByDeploymentAndFlow) {
  const auto id = [](const char* deployment, const char* flow, std::int32_t partition) {
    return transactional_id(deployment, flow, {"A.orders", PartitionIndex(partition)});
  };
  EXPECT_EQ(id("", "A->B", 0), id("", "A->B", 31));
  EXPECT_NE(id("", "A->B", 31), id("", "A->B", 32));
  EXPECT_NE(id("", "A->B", 0), id("eu", "A->B", 0));
  EXPECT_NE(id("", "A->B", 0), id("", "C->B", 0));
  EXPECT_EQ(id("", "A->B", 0).substr(0, 15), "longhaul::A->B:") << "operators grant rights by this prefix";
  EXPECT_EQ(id("eu", "A->B", 0).substr(0, 17), "longhaul:eu:A->B:");
}

TEST(TransactionalId, StaysWhatItIs) {
  // A changed function would let two versions own the same partitions.
  EXPECT_EQ(transactional_id("", "A->B", {"A.orders", PartitionIndex(0)}), "longhaul::A->B:729");
  EXPECT_EQ(transactional_id("", "A->B", {"A.orders", PartitionIndex(40)}), "longhaul::A->B:325");
}

TEST(Fence, TakesTheNextEpochMarksAndWaitsForEveryMarker) {
  auto f = fence();
  EXPECT_EQ(f.action(), Action::initialise);
  EXPECT_FALSE(f.holder());
  f.on_initialised(kProducer);
  EXPECT_EQ(f.action(), Action::add_partitions);
  EXPECT_EQ(f.waiting(), (std::vector{kOne, kTwo, kState}));
  add_all(f);
  EXPECT_EQ(f.action(), Action::end_transaction);
  f.on_ended({});
  EXPECT_EQ(f.action(), Action::await_markers);
  f.on_marker(kTwo, Offset(9));
  f.on_marker(kState, Offset(1));
  EXPECT_EQ(f.verdict(), Verdict::pending);
  f.on_marker(kOne, Offset(5));
  EXPECT_EQ(f.action(), Action::finished);
  EXPECT_EQ(f.verdict(), Verdict::fenced);
  EXPECT_EQ(f.producer(), kProducer);
  EXPECT_EQ(f.markers(),
            (std::map<TopicPartition, Offset>{{kOne, Offset(5)}, {kTwo, Offset(9)}, {kState, Offset(1)}}));
}

TEST(Fence, AHolderNamesItselfAndMayMarkNewPartitionsUnderTheSameEpoch) {
  auto next = fence({kOne}, kProducer);
  EXPECT_EQ(next.action(), Action::initialise);
  EXPECT_EQ(next.holder(), kProducer);
  Fence same({.partitions = {kOne}, .held = kProducer, .epoch = Fence::Options::Epoch::same});
  EXPECT_EQ(same.action(), Action::add_partitions);
  EXPECT_EQ(same.producer(), kProducer);
}

TEST(Fence, RenewsAnEpochWithoutPartitions) {
  auto f = fence({}, kProducer);
  f.on_initialised(ProducerEpoch{kProducer.id, 5});
  EXPECT_EQ(f.verdict(), Verdict::fenced);
  EXPECT_EQ(f.producer().epoch, 5);
}

TEST(Fence, DropsRefusedPartitionsAndAddsTheOthersAgain) {
  for (const auto code : {KafkaErrc::unknown_topic_or_partition, KafkaErrc::topic_authorization_failed}) {
    auto f = fence();
    f.on_initialised(kProducer);
    f.on_added(
        std::vector<Fence::Outcome>{{kOne, std::unexpected(error(code))},
                                    {kTwo, std::unexpected(error(KafkaErrc::operation_not_attempted))},
                                    {kState, std::unexpected(error(KafkaErrc::operation_not_attempted))}});
    EXPECT_EQ(f.action(), Action::add_partitions);
    EXPECT_EQ(f.waiting(), (std::vector{kTwo, kState}));
    ASSERT_EQ(f.dropped().size(), 1u);
    EXPECT_EQ(f.dropped().at(kOne).code, code);
  }
}

TEST(Fence, EndsWhenEveryPartitionIsRefusedOrNoneWasAttempted) {
  auto all = fence({kOne});
  all.on_initialised(kProducer);
  all.on_added(
      std::vector<Fence::Outcome>{{kOne, std::unexpected(error(KafkaErrc::unknown_topic_or_partition))}});
  EXPECT_EQ(all.verdict(), Verdict::fenced);
  EXPECT_TRUE(all.markers().empty());
  auto none = fence({kOne});
  none.on_initialised(kProducer);
  none.on_added(
      std::vector<Fence::Outcome>{{kOne, std::unexpected(error(KafkaErrc::operation_not_attempted))}});
  EXPECT_EQ(none.verdict(), Verdict::failed);
}

TEST(Fence, MarksAgainWhereNoMarkerCameAndGivesUpOnThosePartitionsOnly) {
  auto f = fence({kOne, kTwo});
  f.on_initialised(kProducer);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(f.action(), Action::add_partitions) << round;
    EXPECT_EQ(f.waiting().size(), round == 0 ? 2u : 1u) << "only what is missing is marked again";
    add_all(f);
    f.on_ended({});
    f.on_marker(kOne, Offset(5));
    f.on_waited();
  }
  EXPECT_EQ(f.verdict(), Verdict::fenced);
  EXPECT_EQ(f.markers().size(), 1u);
  EXPECT_EQ(f.dropped().at(kTwo).code, KafkaErrc::request_timed_out);
}

TEST(Fence, AnUnreadablePartitionDoesNotHoldUpTheOthers) {
  auto f = fence({kOne, kTwo});
  f.on_initialised(kProducer);
  add_all(f);
  f.on_ended({});
  f.on_unreadable(kOne, error(KafkaErrc::offset_out_of_range));
  f.on_marker(kTwo, Offset(3));
  EXPECT_EQ(f.verdict(), Verdict::fenced);
  EXPECT_EQ(f.dropped().count(kOne), 1u);
}

TEST(Fence, GivesWayToALaterEpoch) {
  auto f = fence({kOne});
  f.on_initialised(kProducer);
  add_all(f);
  f.on_ended({});
  f.on_later_marker(kOne);
  // It may have been the coordinator: the last owner is given the next epoch then, and nobody else.
  EXPECT_EQ(f.action(), Action::initialise);
  EXPECT_EQ(f.holder(), std::optional(kProducer));
  f.on_initialised(std::unexpected(error(KafkaErrc::producer_fenced)));
  EXPECT_EQ(f.verdict(), Verdict::taken_over);
}

TEST(Fence, GoesOnWhenTheCoordinatorRaisedTheEpochItself) {
  auto f = fence({kOne, kTwo});
  f.on_initialised(kProducer);
  add_all(f);
  f.on_ended({});
  f.on_marker(kTwo, Offset(20));
  f.on_later_marker(kOne);
  f.on_initialised(ProducerEpoch{kProducer.id, 5});
  EXPECT_EQ(f.action(), Action::add_partitions);
  EXPECT_EQ(f.waiting(), (std::vector{kOne, kTwo})) << "a marker of the former epoch holds nobody back";
  add_all(f);
  f.on_ended({});
  f.on_marker(kOne, Offset(11));
  f.on_marker(kTwo, Offset(21));
  EXPECT_EQ(f.verdict(), Verdict::fenced);
  EXPECT_EQ(f.producer(), (ProducerEpoch{kProducer.id, 5}));
}

TEST(Fence, HalvesATimeoutThatTheBrokerFindsTooLong) {
  auto f = fence({kOne});
  const auto before = f.transaction_timeout();
  f.on_initialised(std::unexpected(error(KafkaErrc::invalid_transaction_timeout)));
  EXPECT_EQ(f.action(), Action::initialise);
  EXPECT_EQ(f.transaction_timeout(), before / 2);
  for (int i = 0; i < 20 && f.action() == Action::initialise; ++i) {
    f.on_initialised(std::unexpected(error(KafkaErrc::invalid_transaction_timeout)));
  }
  EXPECT_EQ(f.verdict(), Verdict::failed);
}

/// Each call in turn gets each error; what comes of it is the same wherever it happens.
TEST(Fence, EveryCallFailingInTurn) {
  struct Row {
    KafkaErrc code;
    std::optional<Verdict> verdict;  ///< none: from the beginning
  };
  const std::vector<Row> rows = {
      {KafkaErrc::producer_fenced, Verdict::taken_over},
      {KafkaErrc::invalid_producer_epoch, Verdict::taken_over},
      {KafkaErrc::transactional_id_authorization_failed, Verdict::refused},
      {KafkaErrc::unsupported_version, Verdict::refused},
      {KafkaErrc::concurrent_transactions, Verdict::failed},
      {KafkaErrc::coordinator_not_available, Verdict::failed},
      {KafkaErrc::invalid_producer_id_mapping, std::nullopt},
      {KafkaErrc::invalid_txn_state, std::nullopt},
  };
  for (const auto& row : rows) {
    for (int at = 0; at < 3; ++at) {
      auto f = fence({kOne}, kProducer);
      const auto fails = std::unexpected(error(row.code));
      if (at == 0) {
        f.on_initialised(fails);
      } else {
        f.on_initialised(kProducer);
        if (at == 1) {
          f.on_added(fails);
        } else {
          add_all(f);
          f.on_ended(fails);
        }
      }
      if (row.verdict == Verdict::taken_over && at > 0) f.on_initialised(fails);
      const auto what = "error " + std::to_string(static_cast<int>(row.code)) + " at " + std::to_string(at);
      if (row.verdict) {
        EXPECT_EQ(f.verdict(), *row.verdict) << what;
        EXPECT_EQ(f.error().code, row.code) << what;
      } else {
        EXPECT_EQ(f.action(), Action::initialise) << what;
        EXPECT_FALSE(f.holder()) << what << ": the id is not held under what we thought";
        EXPECT_EQ(f.waiting(), std::vector{kOne}) << what;
      }
    }
  }
}

TEST(Fence, BeginsAgainAFewTimesOnlyAndMarksEverythingAnew) {
  auto f = fence({kOne, kTwo});
  f.on_initialised(kProducer);
  add_all(f);
  f.on_ended({});
  f.on_marker(kOne, Offset(5));
  f.on_waited();
  f.on_added(std::unexpected(error(KafkaErrc::invalid_producer_id_mapping)));
  EXPECT_EQ(f.action(), Action::initialise);
  EXPECT_EQ(f.waiting(), (std::vector{kOne, kTwo})) << "a marker of the former producer says nothing";
  for (int i = 0; i < 10 && f.action() == Action::initialise; ++i) {
    f.on_initialised(std::unexpected(error(KafkaErrc::invalid_producer_id_mapping)));
  }
  EXPECT_EQ(f.verdict(), Verdict::failed);
}

}  // namespace
}  // namespace longhaul::replicator
