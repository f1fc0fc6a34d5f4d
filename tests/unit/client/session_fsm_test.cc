#include "client/session_fsm.h"

#include <gtest/gtest.h>

#include "client/error.h"
#include "protocol/wire.h"

namespace longhaul::client {
namespace {

using protocol::ApiKey;
using protocol::ApiVersionsResponse;
using protocol::KafkaErrc;

Bytes body(const ApiVersionsResponse& response, int version) {
  protocol::GatherBuffer out;
  EXPECT_TRUE(protocol::encode(response, version, out));
  return out.flattened();
}

std::int16_t key(ApiKey api) {
  return static_cast<std::int16_t>(api);
}

SessionFsm ready_session(const ApiVersionsResponse& response) {
  SessionFsm session;
  EXPECT_TRUE(std::holds_alternative<SessionFsm::AskVersions>(session.start()));
  EXPECT_TRUE(std::holds_alternative<SessionFsm::Ready>(session.on_response(body(response, 3))));
  return session;
}

TEST(SessionFsm, AsksWithVersionThreeAndTakesTheNewestVersionInCommon) {
  SessionFsm session;
  const auto first = session.start();
  ASSERT_TRUE(std::holds_alternative<SessionFsm::AskVersions>(first));
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(first).version, 3);
  ApiVersionsResponse response;
  response.api_keys = {{key(ApiKey::fetch), 4, 11}, {key(ApiKey::metadata), 0, 99}};
  response.finalized_features = {
      {.name = "transaction.version", .max_version_level = 2, .min_version_level = 1}};
  EXPECT_FALSE(session.ready());
  EXPECT_TRUE(std::holds_alternative<SessionFsm::Ready>(session.on_response(body(response, 3))));
  EXPECT_TRUE(session.ready());
  EXPECT_EQ(session.version_of(ApiKey::fetch, std::nullopt), 11);
  EXPECT_EQ(session.version_of(ApiKey::metadata, std::nullopt), 13);
  EXPECT_EQ(session.finalized_feature("transaction.version"), 2);
  EXPECT_EQ(session.finalized_feature("group.version"), std::nullopt);
  EXPECT_EQ(session.advertised(ApiKey::fetch), (VersionRange{4, 11}));
}

TEST(SessionFsm, FallsBackToZeroWhenAnOldBrokerRefuses) {
  SessionFsm session;
  (void)session.start();
  ApiVersionsResponse refusal;
  refusal.error_code = KafkaErrc::unsupported_version;
  const auto second = session.on_response(body(refusal, 0));
  ASSERT_TRUE(std::holds_alternative<SessionFsm::AskVersions>(second));
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(second).version, 0);
  ApiVersionsResponse response;
  response.api_keys = {{key(ApiKey::produce), 0, 7}};
  EXPECT_TRUE(std::holds_alternative<SessionFsm::Ready>(session.on_response(body(response, 0))));
  EXPECT_EQ(session.version_of(ApiKey::produce, std::nullopt), 7);
}

TEST(SessionFsm, FallsBackToTheVersionThatTheRefusalNames) {
  SessionFsm session;
  (void)session.start();
  ApiVersionsResponse refusal;
  refusal.error_code = KafkaErrc::unsupported_version;
  refusal.api_keys = {{key(ApiKey::api_versions), 0, 2}};
  const auto second = session.on_response(body(refusal, 0));
  ASSERT_TRUE(std::holds_alternative<SessionFsm::AskVersions>(second));
  EXPECT_EQ(std::get<SessionFsm::AskVersions>(second).version, 2);
}

TEST(SessionFsm, GivesUpWhenEvenVersionZeroIsRefused) {
  SessionFsm session;
  (void)session.start();
  ApiVersionsResponse refusal;
  refusal.error_code = KafkaErrc::unsupported_version;
  (void)session.on_response(body(refusal, 0));
  const auto third = session.on_response(body(refusal, 0));
  ASSERT_TRUE(std::holds_alternative<Error>(third));
  EXPECT_EQ(std::get<Error>(third).code, KafkaErrc::unsupported_version);
}

TEST(SessionFsm, TurnsGarbageIntoNotKafka) {
  SessionFsm session;
  (void)session.start();
  const auto step = session.on_response(as_bytes("\0\0 hello, this is no Kafka"));
  ASSERT_TRUE(std::holds_alternative<Error>(step));
  EXPECT_EQ(std::get<Error>(step).code, ClientErrc::not_kafka);
}

TEST(SessionFsm, DoesNotBelieveTheMinimumOfProduce) {
  ApiVersionsResponse response;
  response.api_keys = {{key(ApiKey::produce), 0, 13}};
  const auto session = ready_session(response);
  EXPECT_EQ(session.version_of(ApiKey::produce, std::nullopt), 12);
  // Below what we speak there is nothing, although the broker says it serves it (KAFKA-18659).
  const auto too_low = session.version_of(ApiKey::produce, std::int16_t{2});
  ASSERT_FALSE(too_low);
  EXPECT_EQ(too_low.error().code, ClientErrc::unsupported_version);
}

TEST(SessionFsm, NamesBothRangesWhenNothingIsInCommon) {
  ApiVersionsResponse response;
  response.api_keys = {{key(ApiKey::fetch), 0, 3}};
  const auto session = ready_session(response);
  const auto version = session.version_of(ApiKey::fetch, std::nullopt);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().message(),
            "Fetch: it serves versions 0 to 3, versions 10 to 17 are spoken here: no version in common");
  const auto missing = session.version_of(ApiKey::produce, std::nullopt);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "Produce is not served by this broker: no version in common");
}

TEST(SessionFsm, UsesVersionsBeyondTheOfferOnlyOnRequest) {
  ApiVersionsResponse response;
  response.api_keys = {{key(ApiKey::end_txn), 0, 5}};
  const auto session = ready_session(response);
  EXPECT_EQ(session.version_of(ApiKey::end_txn, std::nullopt), 4);
  EXPECT_EQ(session.version_of(ApiKey::end_txn, std::int16_t{5}), 5);
  EXPECT_EQ(session.version_of(ApiKey::end_txn, std::int16_t{9}), 5);
  EXPECT_EQ(session.version_of(ApiKey::end_txn, std::int16_t{2}), 2);
}

}  // namespace
}  // namespace longhaul::client
