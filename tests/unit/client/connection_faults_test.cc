#include <gtest/gtest.h>

#include "client/connection.h"
#include "net/error.h"
#include "tests/unit/client/connection_fixture.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::FetchRequest;
using std::chrono::seconds;
using Request = test::ScriptedBroker::Request;

/// What a listener answers that is not what we think it is.
struct ListenerTest : ConnectionFixture {
  /// Opens against a peer that answers the first request with `bytes` and, if asked to, hangs up.
  std::string error_after(std::string_view bytes, bool hang_up = true) {
    broker.on(ApiKey::api_versions, [bytes, hang_up](const Request& request) {
      request.wire->send(as_bytes(bytes));
      if (hang_up) request.wire->hang_up();
    });
    return open_error();
  }
};

TEST_F(ListenerTest, SaysThatItIsTls) {
  EXPECT_EQ(
      error_after(std::string_view("\x15\x03\x03\x00\x02\x02\x50", 7)),
      "cluster A: broker kafka-1:9092: answered with TLS: this listener expects an encrypted connection "
      "(security.protocol SSL or SASL_SSL)");
}

TEST_F(ListenerTest, SaysThatItIsHttp) {
  EXPECT_EQ(error_after("HTTP/1.1 400 Bad Request\r\n\r\n", false),
            "cluster A: broker kafka-1:9092: answered with HTTP: this is not a Kafka listener");
}

TEST_F(ListenerTest, SaysThatItIsNoKafkaListener) {
  for (const std::string_view banner :
       {"SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n", "-ERR unknown command\r\n"}) {
    EXPECT_EQ(error_after(banner, false),
              "cluster A: broker kafka-1:9092: is not a Kafka listener: it answered with something else");
  }
  // A plausible size, then nonsense.
  const auto echoed = error_after(std::string_view("\0\0\0\x10\0\0\0\x63garbage-here", 20), false);
  EXPECT_NE(echoed.find("is not a Kafka listener"), std::string::npos) << echoed;
}

TEST_F(ListenerTest, SaysThatItHungUpInsteadOfAnswering) {
  EXPECT_EQ(error_after(""),
            "cluster A: broker kafka-1:9092: closed the connection instead of answering: maybe a TLS "
            "listener, or none "
            "of Kafka's");
}

TEST_F(ListenerTest, SaysThatItHungUpAtTheFirstRequest) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [](const Request& request) { request.wire->hang_up(); });
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message(),
            "cluster A: broker kafka-1:9092: closed the connection at the first request: maybe the listener "
            "asks for "
            "SASL authentication (security.protocol SASL_PLAINTEXT or SASL_SSL)");
}

TEST_F(ListenerTest, SaysThatNothingAnswered) {
  const auto begin = core.loop.time.now();
  broker.on(ApiKey::api_versions, [](const Request&) {});
  EXPECT_EQ(open_error(),
            "cluster A: broker kafka-1:9092: no answer to ApiVersions (is it a Kafka listener?): timed out");
  EXPECT_EQ(core.loop.time.now(), begin + seconds(10));
}

TEST_F(ListenerTest, SaysWhyItCannotBeReached) {
  broker.refuse = ErrorCode(ECONNREFUSED, boost::system::system_category());
  EXPECT_EQ(open_error(), "cluster A: broker kafka-1:9092: Connection refused");
  broker.refuse = ErrorCode(net::NetErrc::host_not_found);
  EXPECT_EQ(open_error(), "cluster A: broker kafka-1:9092: host name not found");
}

TEST_F(ListenerTest, RefusesAFrameAboveTheLimit) {
  options.response_bytes_max = 1000;
  const auto connection = opened();
  broker.on(ApiKey::metadata, [](const Request& request) {
    request.wire->send(as_bytes(std::string_view("\0\0\x03\xe9", 4)));
  });
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ClientErrc::bad_frame_size);
  EXPECT_NE(answer.error().message().find("1001 bytes, 1000 are allowed"), std::string::npos);
}

TEST_F(ListenerTest, RefusesImpossibleFrameSizes) {
  for (const std::string_view size :
       {std::string_view("\xff\xff\xff\xff", 4), std::string_view("\0\0\0\3", 4)}) {
    const auto connection = opened();
    broker.on(ApiKey::metadata, [size](const Request& request) { request.wire->send(as_bytes(size)); });
    const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ClientErrc::bad_frame_size);
  }
}

/// Answers into a pool with a budget.
struct BudgetTest : ConnectionFixture {
  BudgetTest() {
    broker.on(ApiKey::fetch,
              [this](const Request& request) { broker.answer(request, fetch_response(records)); });
  }
  /// Takes everything the pool has.
  Slice occupy() {
    Slab slab;
    (void)pool.request(kBudget, [&](Slab given) { slab = std::move(given); });
    return std::move(slab).share();
  }
  CallOptions into_pool(SteadyTime::duration deadline) {
    return {.deadline = in(deadline), .response_pool = &pool};
  }

  static constexpr std::size_t kBudget = 1 << 20;
  Bytes records = Bytes(500'000, std::byte{9});
  SlabPool pool{kBudget};
};

TEST_F(BudgetTest, DoesNotReadABodyBeforeThereIsRoom) {
  const auto connection = opened();
  auto occupied = occupy();
  const auto before = wire().bytes_read;
  auto pending = connection->submit(FetchRequest{}, into_pool(seconds(5)));
  core.loop.run_for(seconds(3600));
  EXPECT_LE(wire().bytes_read - before, FrameReader::kReadAhead);
  EXPECT_FALSE(pending->ready());
  // An hour of waiting for room is not the peer's fault: the deadline has not moved on.
  EXPECT_TRUE(connection->is_open());
  occupied = {};
  const auto answer = core.loop.run(pending->wait());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body.responses[0].partitions[0].records.size(), records.size());
}

TEST_F(BudgetTest, TheDeadlineGoesOnWhenThereIsRoomAgain) {
  const auto connection = opened();
  auto occupied = occupy();
  auto pending = connection->submit(FetchRequest{}, into_pool(seconds(5)));
  auto unanswered = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  core.loop.run_for(seconds(60));
  occupied = {};
  EXPECT_TRUE(core.loop.run(pending->wait()));
  const auto begin = core.loop.time.now();
  const auto late = core.loop.run(unanswered->wait());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, net::NetErrc::timed_out);
  EXPECT_EQ(core.loop.time.now(), begin + seconds(5));
}

TEST_F(BudgetTest, ClosingWhileWaitingForRoomWithdrawsTheRequest) {
  const auto connection = opened();
  const auto occupied = occupy();
  auto pending = connection->submit(FetchRequest{}, into_pool(seconds(5)));
  core.loop.settle();
  EXPECT_EQ(pool.waiting(), 1u);
  connection->close();
  core.loop.settle();
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_FALSE(core.loop.run(pending->wait()));
}

TEST_F(BudgetTest, StoppingWhileWaitingForRoomWithdrawsTheRequest) {
  const auto connection = opened();
  const auto occupied = occupy();
  auto pending = connection->submit(FetchRequest{}, into_pool(seconds(5)));
  core.loop.settle();
  stop();
  EXPECT_EQ(pool.waiting(), 0u);
  const auto answer = core.loop.run(pending->wait());
  ASSERT_FALSE(answer);
  EXPECT_TRUE(net::is_aborted(answer.error()));
}

TEST_F(BudgetTest, AnAbandonedAnswerIsSkippedWithoutRoom) {
  const auto connection = opened();
  broker.on(ApiKey::metadata,
            [&](const Request& request) { broker.answer(request, metadata_response("next")); });
  const auto occupied = occupy();
  {
    auto pending = connection->submit(FetchRequest{}, into_pool(seconds(5)));
    core.loop.settle();
    EXPECT_EQ(pool.waiting(), 1u);
  }
  EXPECT_EQ(connection->pending(), 1u);
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body.cluster_id, "next");
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_EQ(pool.used(), occupied.slab_capacity());
}

TEST_F(BudgetTest, SeveralAnswersShareTheBudgetInTurn) {
  const auto connection = opened();
  std::vector<Pending<protocol::FetchResponse>> pending;
  for (int i = 0; i < 6; ++i) pending.push_back(*connection->submit(FetchRequest{}, into_pool(seconds(5))));
  core.loop.settle();
  EXPECT_LE(pool.used(), pool.budget());
  for (auto& one : pending) {
    const auto answer = core.loop.run(one.wait());
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_LE(pool.used(), pool.budget());
  }
  EXPECT_EQ(pool.used(), 0u);
}

/// stop() in every phase of a connection: it returns at once, nothing is left, what was pending is told.
struct StopTest : ConnectionFixture {
  void expect_quick_stop() {
    const auto begin = core.loop.time.now();
    stop();
    EXPECT_EQ(core.loop.time.now(), begin);
    EXPECT_EQ(group.size(), 0u);
  }
  /// Opens without waiting for the outcome.
  void start_opening() {
    group.spawn([this]() -> net::Task {
      outcome = co_await Connection::open(core.io, group, options, {"kafka-1", 9092}, in(seconds(10)));
    });
    core.loop.settle();
    EXPECT_FALSE(outcome);
  }
  std::optional<Result<std::shared_ptr<Connection>>> outcome;
};

TEST_F(StopTest, WhileConnecting) {
  core.connector.silent = true;
  start_opening();
  expect_quick_stop();
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(*outcome);
  EXPECT_TRUE(net::is_aborted(outcome->error()));
}

TEST_F(StopTest, WhileNegotiating) {
  broker.on(ApiKey::api_versions, [](const Request&) {});
  start_opening();
  expect_quick_stop();
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(*outcome);
  EXPECT_TRUE(net::is_aborted(outcome->error()));
}

TEST_F(StopTest, WhileIdle) {
  const auto connection = opened();
  expect_quick_stop();
  EXPECT_FALSE(connection->is_open());
}

TEST_F(StopTest, WhileAnswersAreDue) {
  const auto connection = opened();
  auto pending = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
  core.loop.settle();
  expect_quick_stop();
  const auto answer = core.loop.run(pending->wait());
  ASSERT_FALSE(answer);
  EXPECT_TRUE(net::is_aborted(answer.error()));
}

TEST_F(StopTest, WhileWriting) {
  const auto connection = opened();
  wire().writes_blocked = true;
  auto pending = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
  core.loop.settle();
  expect_quick_stop();
  EXPECT_FALSE(core.loop.run(pending->wait()));
}

TEST_F(StopTest, WhileThrottled) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [&](const Request& r) { broker.answer(r, metadata_response("x", 60'000)); });
  ASSERT_TRUE(core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))})));
  auto pending = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
  core.loop.settle();
  expect_quick_stop();
  EXPECT_FALSE(core.loop.run(pending->wait()));
}

TEST_F(StopTest, InTheMiddleOfAnAnswer) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [](const Request& request) {
    request.wire->send(as_bytes(std::string_view("\0\0\0\x40\0\0", 6)));
  });
  auto pending = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
  core.loop.settle();
  expect_quick_stop();
  EXPECT_FALSE(core.loop.run(pending->wait()));
}

}  // namespace
}  // namespace longhaul::client
