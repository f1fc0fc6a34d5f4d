#include "protocol/header.h"

#include <gtest/gtest.h>

#include "protocol/messages/end_txn.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"

namespace longhaul::protocol {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(Header, ResponseOfApiVersionsIsNeverFlexible) {
  EXPECT_EQ(request_header_version(ApiKey::api_versions, 3), 2);
  for (int version = 0; version <= 3; ++version)
    EXPECT_EQ(response_header_version(ApiKey::api_versions, version), 0);
  const auto parts = split_response(bytes_of({0, 0, 0, 7, 0, 35}), ApiKey::api_versions, 3);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->body.size(), 2);
}

TEST(Header, FollowsTheFlexibilityOfTheBody) {
  EXPECT_EQ(request_header_version(ApiKey::metadata, 8), 1);
  EXPECT_EQ(response_header_version(ApiKey::metadata, 8), 0);
  EXPECT_EQ(request_header_version(ApiKey::metadata, 9), 2);
  EXPECT_EQ(response_header_version(ApiKey::metadata, 9), 1);
  EXPECT_EQ(request_header_version(ApiKey::sasl_handshake, 1), 1);
  EXPECT_EQ(request_header_version(ApiKey::describe_cluster, 0), 2);
}

TEST(Header, UnknownTaggedFieldsOfAResponseHeaderArePassedOver) {
  const auto frame = bytes_of({0, 0, 0, 7, 1, 6, 2, 1, 1, 42});
  const auto parts = split_response(frame, ApiKey::metadata, 9);
  ASSERT_TRUE(parts.has_value()) << parts.error().message();
  EXPECT_EQ(parts->correlation_id, 7);
  EXPECT_EQ(Bytes(parts->body.begin(), parts->body.end()), bytes_of({42}));
}

TEST(Header, FrameOfAResponseIsReadByItsOwnClient) {
  EndTxnResponse response;
  response.error_code = KafkaErrc::concurrent_transactions;
  for (const int version : {1, 5}) {
    const auto frame = encode_response(response, version, 99);
    ASSERT_TRUE(frame.has_value()) << frame.error().message();
    const auto wire = frame->flattened();
    EXPECT_EQ(load_be<std::int32_t>(wire), static_cast<std::int32_t>(wire.size() - 4));
    const auto content = ConstBytes(wire).subspan(4);
    EXPECT_EQ(peek_correlation_id(content), 99);
    const auto parts = split_response(content, ApiKey::end_txn, version);
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(decode<EndTxnResponse>(parts->body, version)->error_code, KafkaErrc::concurrent_transactions);
  }
}

TEST(Header, RequestIsReadByItsServer) {
  MetadataRequest request;
  request.topics.emplace();
  const auto frame = encode_request(request, 9, 3, "longhaul");
  ASSERT_TRUE(frame.has_value());
  const auto wire = frame->flattened();
  const auto parts = split_request(ConstBytes(wire).subspan(4));
  ASSERT_TRUE(parts.has_value()) << parts.error().message();
  EXPECT_EQ(parts->api_key, ApiKey::metadata);
  EXPECT_EQ(parts->api_version, 9);
  EXPECT_EQ(parts->client_id, "longhaul");
  const auto body = decode<MetadataRequest>(parts->body, parts->api_version);
  ASSERT_TRUE(body.has_value());
  ASSERT_TRUE(body->topics.has_value());
  EXPECT_TRUE(body->topics->empty());
}

TEST(Header, SizeOfAProduceFrameCountsReferencedRecords) {
  const Bytes header(61);
  const Bytes payload(1000);
  ProduceRequest request;
  request.topic_data = {{.name = "t", .partition_data = {{.index = 0, .records = {header, payload}}}}};
  const auto frame = encode_request(request, 9, 1, "c");
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(load_be<std::int32_t>(frame->pieces().front()), static_cast<std::int32_t>(frame->size() - 4));
  EXPECT_LT(frame->owned_size(), 60) << "records were copied";
}

TEST(Header, RequestsThatNobodyServesAreRefused) {
  const auto unknown = split_request(bytes_of({0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff}));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, WireErrc::unknown_api);
  EXPECT_EQ(encode_request(MetadataRequest{}, 99, 1, "c").error().code, WireErrc::unsupported_version);
  EXPECT_EQ(peek_correlation_id(bytes_of({0, 0, 0})).error().code, WireErrc::truncated);
}

TEST(Header, NullClientIdIsAccepted) {
  const auto parts = split_request(bytes_of({0, 3, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 5}));
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->client_id, std::nullopt);
  EXPECT_EQ(parts->body.size(), 1);
}

}  // namespace
}  // namespace longhaul::protocol
