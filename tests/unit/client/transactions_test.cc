// The calls of transactions: to whom they go, what they carry, and what each refusal means.

#include <gtest/gtest.h>

#include <set>

#include "client/admin_requests.h"
#include "client/error.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "tests/unit/client/cluster_fixture.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::KafkaErrc;
using std::chrono::seconds;
using Request = test::ScriptedBroker::Request;

const std::string kId = "longhaul::A->B:7";
constexpr ProducerIdentity kProducer{.id = ProducerId(4000), .epoch = 5};

/// Broker 2 is the coordinator, until a test moves it.
struct TransactionsTest : ClusterFixture {
  TransactionsTest() {
    make();
    EXPECT_TRUE(run(cluster->refresh_metadata(in(seconds(10)))));
    broker.on(ApiKey::find_coordinator, [this](const Request& request) {
      protocol::FindCoordinatorResponse response;
      response.coordinators.push_back({.key = kId, .node_id = coordinator, .host = "ignored"});
      broker.answer(request, response);
    });
  }
  /// Gives the errors one after the other, then success under the identity that was held, one epoch later.
  void answer_init(std::vector<KafkaErrc> errors) {
    broker.on(ApiKey::init_producer_id, [this, errors = std::move(errors)](const Request& request) mutable {
      hosts_asked.push_back(request.wire->host);
      protocol::InitProducerIdResponse response;
      if (!errors.empty()) {
        response.error_code = errors.front();
        errors.erase(errors.begin());
        if (response.error_code == KafkaErrc::not_coordinator) coordinator = 3;
      } else {
        response.producer_id = kProducer.id.value();
        response.producer_epoch = kProducer.epoch;
      }
      broker.answer(request, response);
    });
  }
  Result<ProducerIdentity> init(std::optional<ProducerIdentity> held = std::nullopt) {
    return run(init_transactional_id(*cluster, kId, milliseconds(60'000), held, in(seconds(30))));
  }
  /// AddPartitionsToTxn is answered with these, by partition number; others are taken.
  void answer_add(std::map<std::int32_t, KafkaErrc> errors, int times) {
    broker.on(ApiKey::add_partitions_to_txn,
              [this, errors = std::move(errors), times](const Request& request) mutable {
                const auto asked = test::ScriptedBroker::decode<protocol::AddPartitionsToTxnRequest>(request);
                const bool fails = times-- > 0;
                protocol::AddPartitionsToTxnResponse response;
                for (const auto& topic : asked.topics) {
                  auto& out = response.results_by_topic.emplace_back();
                  out.name = topic.name;
                  for (const auto partition : topic.partitions) {
                    const auto error = errors.find(partition);
                    const bool refused = fails && error != errors.end();
                    out.results_by_partition.push_back(
                        {.partition_index = partition,
                         .partition_error_code = refused ? error->second : KafkaErrc::none});
                  }
                }
                broker.answer(request, response);
              });
  }
  Result<std::vector<AddedPartition>> add() {
    return run(add_partitions_to_txn(
        *cluster, kId, kProducer,
        {{"a", PartitionIndex(0)}, {"b", PartitionIndex(1)}, {"a", PartitionIndex(2)}}, in(seconds(5))));
  }

  std::int32_t coordinator = 2;
  std::vector<std::string> hosts_asked;
};

TEST_F(TransactionsTest, AnIdIsTakenFromItsCoordinator) {
  answer_init({});
  const auto identity = init();
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_EQ(identity->id, kProducer.id);
  EXPECT_EQ(identity->epoch, kProducer.epoch);
  EXPECT_EQ(hosts_asked, std::vector<std::string>{"host-2"});
  const auto asked = last<protocol::InitProducerIdRequest>(ApiKey::init_producer_id);
  EXPECT_EQ(asked.transactional_id, kId);
  EXPECT_EQ(asked.transaction_timeout_ms, 60'000);
  EXPECT_EQ(asked.producer_id, -1);
  EXPECT_EQ(asked.producer_epoch, -1);
}

TEST_F(TransactionsTest, WhoHoldsAnIdNamesItself) {
  answer_init({});
  ASSERT_TRUE(init(kProducer));
  const auto asked = last<protocol::InitProducerIdRequest>(ApiKey::init_producer_id);
  EXPECT_EQ(asked.producer_id, kProducer.id.value());
  EXPECT_EQ(asked.producer_epoch, kProducer.epoch);
}

TEST_F(TransactionsTest, WaitsForACoordinatorThatLoadsMovesOrIsBusy) {
  answer_init({KafkaErrc::coordinator_load_in_progress, KafkaErrc::concurrent_transactions,
               KafkaErrc::not_coordinator, KafkaErrc::coordinator_not_available});
  const auto identity = init();
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_EQ(hosts_asked.size(), 5u);
  EXPECT_EQ(hosts_asked.front(), "host-2");
  EXPECT_EQ(hosts_asked.back(), "host-3") << "the coordinator has moved";
}

TEST_F(TransactionsTest, FencingAndRefusalsAreFinal) {
  for (const auto code : {KafkaErrc::producer_fenced, KafkaErrc::invalid_producer_epoch,
                          KafkaErrc::transactional_id_authorization_failed}) {
    hosts_asked.clear();
    answer_init({code, code});
    const auto identity = init(kProducer);
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().code, code);
    EXPECT_EQ(hosts_asked.size(), 1u) << static_cast<int>(code);
  }
}

TEST_F(TransactionsTest, AddsPartitionsByTopicAndAnswersInTheOrderAsked) {
  answer_add({}, 0);
  const auto added = add();
  ASSERT_TRUE(added) << added.error().message();
  ASSERT_EQ(added->size(), 3u);
  EXPECT_EQ((*added)[1].partition, (TopicPartition{"b", PartitionIndex(1)}));
  EXPECT_EQ((*added)[2].partition, (TopicPartition{"a", PartitionIndex(2)}));
  for (const auto& one : *added) EXPECT_TRUE(one.outcome);
  const auto asked = last<protocol::AddPartitionsToTxnRequest>(ApiKey::add_partitions_to_txn);
  ASSERT_EQ(asked.topics.size(), 2u);
  EXPECT_EQ(asked.topics[0].name, "a");
  EXPECT_EQ(asked.topics[0].partitions, (std::vector<std::int32_t>{0, 2}));
  EXPECT_EQ(asked.producer_id, kProducer.id.value());
  EXPECT_EQ(asked.producer_epoch, kProducer.epoch);
}

TEST_F(TransactionsTest, ARefusedPartitionIsItsOwnMatter) {
  answer_add({{0, KafkaErrc::operation_not_attempted},
              {1, KafkaErrc::topic_authorization_failed},
              {2, KafkaErrc::operation_not_attempted}},
             1);
  const auto added = add();
  ASSERT_TRUE(added) << added.error().message();
  ASSERT_EQ(added->size(), 3u);
  EXPECT_EQ((*added)[0].outcome.error().code, KafkaErrc::operation_not_attempted);
  EXPECT_EQ((*added)[1].outcome.error().code, KafkaErrc::topic_authorization_failed);
  EXPECT_EQ(broker.count(ApiKey::add_partitions_to_txn), 1u);
}

TEST_F(TransactionsTest, ABusyTransactionIsAskedAgainAndAFencedOneIsNot) {
  answer_add({{0, KafkaErrc::concurrent_transactions}, {1, KafkaErrc::concurrent_transactions}}, 2);
  const auto added = add();
  ASSERT_TRUE(added) << added.error().message();
  EXPECT_EQ(broker.count(ApiKey::add_partitions_to_txn), 3u);
  answer_add({{1, KafkaErrc::producer_fenced}}, 9);
  const auto fenced = add();
  ASSERT_FALSE(fenced);
  EXPECT_EQ(fenced.error().code, KafkaErrc::producer_fenced);
  EXPECT_EQ(broker.count(ApiKey::add_partitions_to_txn), 4u);
}

TEST_F(TransactionsTest, APartitionThatIsNotInTheAnswerIsNoSuccess) {
  broker.on(ApiKey::add_partitions_to_txn, [this](const Request& request) {
    broker.answer(request, protocol::AddPartitionsToTxnResponse{});
  });
  const auto added = add();
  ASSERT_TRUE(added) << added.error().message();
  for (const auto& one : *added) EXPECT_FALSE(one.outcome);
}

TEST_F(TransactionsTest, EndsUnderTheEpochOfItsProducer) {
  broker.on(ApiKey::end_txn, [this](const Request& request) {
    EXPECT_LE(request.parts.api_version, 4) << "from 5 on the marker has the epoch behind it";
    broker.answer(request, protocol::EndTxnResponse{});
  });
  for (const auto end : {TransactionEnd::abort, TransactionEnd::commit}) {
    ASSERT_TRUE(run(end_txn(*cluster, kId, kProducer, end, in(seconds(5)))));
    const auto asked = last<protocol::EndTxnRequest>(ApiKey::end_txn);
    EXPECT_EQ(asked.committed, end == TransactionEnd::commit);
    EXPECT_EQ(asked.producer_id, kProducer.id.value());
    EXPECT_EQ(asked.producer_epoch, kProducer.epoch);
  }
}

TEST_F(TransactionsTest, TellsWhoHasATransactionOpen) {
  protocol::TransactionStateEntry state{
      .transactional_id = kId, .producer_id = kProducer.id.value(), .producer_epoch = kProducer.epoch};
  broker.on(ApiKey::describe_transactions, [&](const Request& request) {
    hosts_asked.push_back(request.wire->host);
    protocol::DescribeTransactionsResponse response;
    response.transaction_states.push_back(state);
    broker.answer(request, response);
  });
  const auto open = [&] { return run(open_transaction(*cluster, kId, in(seconds(5)))); };
  state.transaction_state = "Ongoing";
  auto found = open();
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->id, kProducer.id);
  EXPECT_EQ((*found)->epoch, kProducer.epoch);
  EXPECT_EQ(last<protocol::DescribeTransactionsRequest>(ApiKey::describe_transactions).transactional_ids,
            std::vector<std::string>{kId});
  for (const auto* other :
       {"Empty", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead"}) {
    state.transaction_state = other;
    found = open();
    EXPECT_TRUE(found && !*found) << other;
  }
  state.error_code = KafkaErrc::transactional_id_not_found;
  found = open();
  EXPECT_TRUE(found && !*found) << "was never used";
  state.error_code = KafkaErrc::transactional_id_authorization_failed;
  found = open();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, KafkaErrc::transactional_id_authorization_failed);
  EXPECT_EQ(std::set<std::string>(hosts_asked.begin(), hosts_asked.end()), std::set<std::string>{"host-2"})
      << "the coordinator";
}

}  // namespace
}  // namespace longhaul::client
