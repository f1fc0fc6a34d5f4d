#include "client/connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "net/error.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/produce.h"
#include "tests/unit/client/connection_fixture.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ScriptedBroker;
using Request = ScriptedBroker::Request;

struct ConnectionTest : ConnectionFixture {};

TEST_F(ConnectionTest, NegotiatesVersionsBeforeAnythingElse) {
  const auto connection = opened();
  ASSERT_EQ(broker.requests.size(), 1u);
  EXPECT_EQ(broker.requests[0].parts.api_key, ApiKey::api_versions);
  EXPECT_EQ(broker.requests[0].parts.api_version, 3);
  EXPECT_EQ(broker.requests[0].parts.client_id, "longhaul");
  EXPECT_EQ(connection->version_of<protocol::FetchRequest>(), 17);
  EXPECT_EQ(connection->version_of<protocol::EndTxnRequest>(), 4);
  EXPECT_EQ(connection->name(), "cluster A: broker kafka-1:9092");
}

TEST_F(ConnectionTest, FallsBackToOlderApiVersions) {
  broker.on(ApiKey::api_versions, [&](const Request& request) {
    auto response = ScriptedBroker::our_versions();
    if (request.parts.api_version > 0) {
      // A broker that does not know version 3 answers in version 0.
      protocol::ApiVersionsResponse refusal;
      refusal.error_code = protocol::KafkaErrc::unsupported_version;
      auto as_zero = request;
      as_zero.parts.api_version = 0;
      broker.answer(as_zero, refusal);
      return;
    }
    broker.answer(request, response);
  });
  const auto connection = opened();
  EXPECT_EQ(broker.count(ApiKey::api_versions), 2u);
  EXPECT_TRUE(connection->is_open());
}

TEST_F(ConnectionTest, WritesQueuedRequestsTogetherAndMatchesAnswersInOrder) {
  const auto connection = opened();
  wire().writes_blocked = true;
  wire().write_pieces.clear();
  std::vector<Pending<MetadataResponse>> pending;
  for (int i = 0; i < 5; ++i) {
    auto submitted = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
    ASSERT_TRUE(submitted);
    pending.push_back(*std::move(submitted));
  }
  EXPECT_EQ(connection->pending(), 5u);
  int number = 0;
  broker.on(ApiKey::metadata, [&](const Request& request) {
    broker.answer(request, metadata_response(std::to_string(number++)));
  });
  core.loop.settle();
  wire().let_write();
  core.loop.settle();
  EXPECT_EQ(wire().write_pieces, (std::vector<std::size_t>{5}));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(pending[static_cast<std::size_t>(i)].ready());
    const auto answer = core.loop.run(pending[static_cast<std::size_t>(i)].wait());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body.cluster_id, std::to_string(i));
  }
  EXPECT_EQ(connection->pending(), 0u);
}

TEST_F(ConnectionTest, ReferencesProducedRecordsUntilTheyAreWritten) {
  const auto connection = opened();
  wire().writes_blocked = true;
  SlabPool pool(1 << 20);
  {
    Slab slab;
    (void)pool.request(5000, [&](Slab given) { slab = std::move(given); });
    std::ranges::fill(slab.bytes(), std::byte{0x5a});
    const auto payload = std::move(slab).share();
    protocol::ProduceRequest request{
        .transactional_id = std::nullopt, .acks = -1, .timeout_ms = 1000, .topic_data = {}};
    request.topic_data.emplace_back();
    request.topic_data.back().partition_data.emplace_back();
    request.topic_data.back().partition_data.back().records = {payload.bytes().first(61),
                                                               payload.bytes().subspan(61)};
    CallOptions call{.deadline = in(seconds(5))};
    call.keep.push_back(payload);
    auto pending = connection->submit(request, std::move(call));
    ASSERT_TRUE(pending);
  }
  core.loop.settle();
  EXPECT_GT(pool.used(), 0u);
  wire().let_write();
  core.loop.settle();
  EXPECT_EQ(pool.used(), 0u);
  ASSERT_EQ(broker.count(ApiKey::produce), 1u);
  const auto& frame = *broker.requests.back().frame;
  EXPECT_EQ(std::ranges::count(frame, std::byte{0x5a}), 5000);
}

TEST_F(ConnectionTest, AWrongCorrelationIdFailsEverythingPending) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [&](const Request& request) {
    broker.answer_as(request, metadata_response("x"), request.parts.correlation_id + 1);
  });
  auto first = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  auto second = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  for (auto* pending : {&first, &second}) {
    const auto answer = core.loop.run((*pending)->wait());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ClientErrc::wrong_correlation_id);
    EXPECT_NE(
        answer.error().message().find("cluster A: broker kafka-1:9092: correlation id 2 where 1 was due"),
        std::string::npos)
        << answer.error().message();
  }
  EXPECT_FALSE(connection->is_open());
  EXPECT_TRUE(wire().closed_by_client);
}

TEST_F(ConnectionTest, AnAnswerToNothingClosesTheConnection) {
  const auto connection = opened();
  wire().send(as_bytes(std::string_view("\0\0\0\x08\0\0\0\x01\0\0\0\0", 12)));
  core.loop.settle();
  ASSERT_NE(connection->closed_reason(), nullptr);
  EXPECT_EQ(connection->closed_reason()->code, ClientErrc::unexpected_response);
}

TEST_F(ConnectionTest, LosingTheConnectionInTheMiddleOfAnAnswerFailsAllPending) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [&](const Request& request) {
    if (broker.count(ApiKey::metadata) == 1) {
      broker.answer(request, metadata_response("whole"));
      return;
    }
    if (request.wire->closed_by_server) return;
    const auto frame = protocol::encode_response(metadata_response("cut"), request.parts.api_version,
                                                 request.parts.correlation_id);
    const auto bytes = frame->flattened();
    request.wire->send(ConstBytes(bytes).first(bytes.size() / 2));
    request.wire->hang_up();
  });
  EXPECT_TRUE(core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))})));
  auto cut = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  auto behind = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  for (auto* pending : {&cut, &behind}) {
    const auto answer = core.loop.run((*pending)->wait());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, net::NetErrc::closed_by_peer);
    EXPECT_EQ(answer.error().message(),
              "cluster A: broker kafka-1:9092: connection closed by the other side");
  }
  const auto after = connection->submit(metadata_request(), {});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, net::NetErrc::closed_by_peer);
}

TEST_F(ConnectionTest, AnAnswerThatCannotBeReadClosesTheConnection) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [&](const Request& request) {
    const auto frame = protocol::encode_response(metadata_response("x"), request.parts.api_version,
                                                 request.parts.correlation_id);
    auto bytes = frame->flattened();
    bytes.push_back(std::byte{0});
    store_be<std::int32_t>(bytes, 0, static_cast<std::int32_t>(bytes.size() - 4));
    request.wire->send(bytes);
  });
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ClientErrc::undecodable_response);
  EXPECT_FALSE(connection->is_open());
}

TEST_F(ConnectionTest, ReadsAnAnswerThatArrivesByteByByte) {
  const auto connection = opened();
  wire().read_size_max = 1;
  broker.on(ApiKey::metadata,
            [&](const Request& request) { broker.answer(request, metadata_response("slow")); });
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.cluster_id, "slow");
}

TEST_F(ConnectionTest, ReadsLargeAnswersWithFewLargeReads) {
  const auto connection = opened();
  const Bytes records(3'000'000, std::byte{7});
  broker.on(ApiKey::fetch, [&](const Request& request) { broker.answer(request, fetch_response(records)); });
  SlabPool pool(8 << 20);
  wire().read_sizes.clear();
  const auto answer = core.loop.run(
      connection->call(protocol::FetchRequest{}, {.deadline = in(seconds(5)), .response_pool = &pool}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.responses[0].partitions[0].records.size(), records.size());
  EXPECT_GT(pool.used(), records.size());
  // The first read fills the small read-ahead buffer, the second takes everything else straight into the
  // slab.
  ASSERT_EQ(wire().read_sizes.size(), 2u);
  EXPECT_EQ(wire().read_sizes[0], FrameReader::kReadAhead);
}

TEST_F(ConnectionTest, ADeadlineClosesTheConnectionAndFailsEverythingPending) {
  const auto connection = opened();
  const auto begin = core.loop.time.now();
  auto patient = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
  auto hasty = connection->submit(metadata_request(), {.deadline = in(seconds(3))});
  const auto answer = core.loop.run(patient->wait());
  EXPECT_EQ(core.loop.time.now(), begin + seconds(3));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, net::NetErrc::timed_out);
  EXPECT_EQ(answer.error().message(), "cluster A: broker kafka-1:9092: no answer to Metadata: timed out");
  EXPECT_FALSE(core.loop.run(hasty->wait()));
  EXPECT_TRUE(wire().closed_by_client);
}

TEST_F(ConnectionTest, ADeadlineAlsoLimitsAWriteThatDoesNotEnd) {
  const auto connection = opened();
  wire().writes_blocked = true;
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(3))}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, net::NetErrc::timed_out);
}

TEST_F(ConnectionTest, LeavingAWaitEarlyKeepsTheConnection) {
  const auto connection = opened();
  std::optional<Request> held;
  broker.on(ApiKey::metadata, [&](const Request& request) {
    if (held) {
      broker.answer(request, metadata_response("second"));
    } else {
      held.emplace(request);
    }
  });
  {
    auto pending = connection->submit(metadata_request(), {.deadline = in(seconds(60))});
    const auto left = core.loop.run(pending->wait_until(in(seconds(1))));
    ASSERT_FALSE(left);
    EXPECT_EQ(left.error().code, net::NetErrc::timed_out);
  }
  EXPECT_TRUE(connection->is_open());
  broker.answer(*held, metadata_response("first"));
  const auto answer = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(5))}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.cluster_id, "second");
}

TEST_F(ConnectionTest, SendsNothingWhileTheBrokerThrottlesAndDeadlinesWaitToo) {
  const auto connection = opened();
  broker.on(ApiKey::metadata, [&](const Request& request) {
    const bool first = broker.count(ApiKey::metadata) == 1;
    broker.answer(request, metadata_response("x", first ? 4000 : 0));
  });
  const auto first = core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(1))}));
  ASSERT_TRUE(first);
  const auto throttled_at = core.loop.time.now();
  EXPECT_EQ(connection->throttled_until(), throttled_at + seconds(4));
  // Its own deadline is shorter than the throttle, but that is the broker's will.
  auto second = connection->submit(metadata_request(), {.deadline = in(seconds(5))});
  core.loop.run_for(milliseconds(3999));
  EXPECT_EQ(broker.count(ApiKey::metadata), 1u);
  core.loop.run_for(milliseconds(1));
  EXPECT_EQ(broker.count(ApiKey::metadata), 2u);
  EXPECT_EQ(broker.requests.back().when, throttled_at + seconds(4));
  EXPECT_TRUE(core.loop.run(second->wait()));
}

TEST_F(ConnectionTest, AThrottlePostponesDeadlinesOfRequestsUnderWay) {
  const auto connection = opened();
  std::optional<Request> held;
  broker.on(ApiKey::metadata, [&](const Request& request) {
    if (broker.count(ApiKey::metadata) == 1) {
      broker.answer(request, metadata_response("x", 4000));
    } else {
      held.emplace(request);
    }
  });
  auto first = connection->submit(metadata_request(), {.deadline = in(seconds(2))});
  auto second = connection->submit(metadata_request(), {.deadline = in(seconds(2))});
  core.loop.run_for(seconds(5));
  EXPECT_TRUE(connection->is_open());
  broker.answer(*held, metadata_response("y"));
  EXPECT_TRUE(core.loop.run(second->wait()));
  EXPECT_TRUE(core.loop.run(first->wait()));
}

TEST_F(ConnectionTest, RefusesMoreRequestsThanItsLimit) {
  options.requests_max = 3;
  const auto connection = opened();
  wire().writes_blocked = true;
  std::vector<Pending<MetadataResponse>> pending;
  for (int i = 0; i < 3; ++i) pending.push_back(*connection->submit(metadata_request(), {}));
  const auto refused = connection->submit(metadata_request(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ClientErrc::too_many_requests);
  EXPECT_TRUE(connection->is_open());
}

TEST_F(ConnectionTest, ARequestThatCannotBeEncodedLeavesTheConnectionAsItWas) {
  const auto connection = opened();
  auto request = metadata_request();
  request.topics.emplace();
  request.topics->push_back({.topic_id = {}, .name = std::string(40'000, 'x')});
  const auto refused = connection->submit(request, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("cluster A: broker kafka-1:9092"), std::string::npos);
  broker.on(ApiKey::metadata, [&](const Request& r) { broker.answer(r, metadata_response("fine")); });
  EXPECT_TRUE(core.loop.run(connection->call(metadata_request(), {.deadline = in(seconds(1))})));
}

}  // namespace
}  // namespace longhaul::client
