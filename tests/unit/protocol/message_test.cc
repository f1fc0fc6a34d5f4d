#include "protocol/message.h"

#include <gtest/gtest.h>

#include "protocol/header.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"

namespace longhaul::protocol {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

template <class M>
Bytes encoded(const M& message, int version) {
  GatherBuffer out;
  const auto done = encode(message, version, out);
  EXPECT_TRUE(done.has_value()) << done.error().message();
  return out.flattened();
}

template <class M>
Error refused(const M& message, int version) {
  GatherBuffer out;
  auto done = encode(message, version, out);
  EXPECT_FALSE(done.has_value());
  return done.has_value() ? Error{} : done.error();
}

TEST(Message, ProduceReferencesRecordsInsteadOfCopyingThem) {
  const auto header = bytes_of({1, 2, 3});
  const auto payload = bytes_of({4, 5, 6, 7});
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30000;
  request.topic_data = {{.name = "t", .partition_data = {{.index = 5, .records = {header, payload}}}}};
  GatherBuffer out;
  ASSERT_TRUE(encode(request, 9, out).has_value());
  const auto pieces = out.pieces();
  ASSERT_EQ(pieces.size(), 4);
  EXPECT_EQ(pieces[1].data(), header.data());
  EXPECT_EQ(pieces[2].data(), payload.data());
  EXPECT_EQ(out.size(), encoded_size(request, 9));

  const auto wire = out.flattened();
  const auto decoded = decode<ProduceRequest>(wire, 9);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
  const auto& records = decoded->topic_data.at(0).partition_data.at(0).records;
  EXPECT_EQ(Bytes(records.payload.begin(), records.payload.end()), bytes_of({1, 2, 3, 4, 5, 6, 7}));
}

TEST(Message, FetchedRecordsAreAViewIntoTheFrame) {
  const auto records = bytes_of({9, 8, 7});
  FetchResponse response;
  response.responses = {
      {.topic = "t", .partitions = {PartitionData{.partition_index = 1, .records = records}}}};
  const auto wire = encoded(response, 12);
  const auto decoded = decode<FetchResponse>(wire, 12);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
  const auto view = decoded->responses.at(0).partitions.at(0).records;
  EXPECT_GE(view.data(), wire.data());
  EXPECT_LE(view.data() + view.size(), wire.data() + wire.size());
  EXPECT_EQ(Bytes(view.begin(), view.end()), records);
}

TEST(Message, ValueWithoutAPlaceInTheVersionIsRefusedUnlessIgnorable) {
  FetchRequest request;
  request.rack_id = "rack-1";  // Since 11, ignorable.
  EXPECT_TRUE(decode<FetchRequest>(encoded(request, 10), 10)->rack_id.empty());
  request.topics = {{.topic = "t", .partitions = {{.last_fetched_epoch = 3}}}};  // Since 12, not ignorable.
  const auto error = refused(request, 11);
  EXPECT_EQ(error.code, WireErrc::not_in_version);
  EXPECT_EQ(error.detail, "FetchRequest v11 field topics.partitions.last_fetched_epoch");
}

TEST(Message, NullIsRefusedWhereTheVersionKnowsNone) {
  MetadataRequest request;
  request.topics.emplace().push_back({.name = std::nullopt});
  EXPECT_EQ(refused(request, 9).code, WireErrc::unexpected_null);
  EXPECT_FALSE(encoded(request, 12).empty());
}

TEST(Message, VersionOutsideTheTableIsRefused) {
  EXPECT_EQ(refused(FetchRequest{}, 18).code, WireErrc::unsupported_version);
  EXPECT_EQ(refused(FetchRequest{}, 9).code, WireErrc::unsupported_version);
  EXPECT_EQ(decode<FetchRequest>({}, 9).error().code, WireErrc::unsupported_version);
}

TEST(Message, RequestFrameCarriesSizeHeaderAndBody) {
  const auto frame = encode_request(ApiVersionsRequest{"lh", "1"}, 3, 7, "me");
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->flattened(),
            bytes_of({0, 0, 0, 19, 0, 18, 0, 3, 0, 0, 0, 7, 0, 2, 'm', 'e', 0, 3, 'l', 'h', 2, '1', 0}));
}

TEST(Message, ApiVersionsFallsBackToTheOldestBody) {
  const auto body = bytes_of({0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 2});
  const auto response = decode_api_versions(body, 3);
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->error_code, KafkaErrc::unsupported_version);
  ASSERT_EQ(response->api_keys.size(), 1);
  EXPECT_EQ(response->api_keys[0].max_version, 2);
}

}  // namespace
}  // namespace longhaul::protocol
