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

TEST(Message, StringAboveTheLimitIsRefused) {
  FetchRequest request;
  request.rack_id = std::string(32767, 'r');
  EXPECT_TRUE(decode<FetchRequest>(encoded(request, 12), 12).has_value());
  request.rack_id += 'r';
  EXPECT_EQ(refused(request, 12).code, WireErrc::bad_length);
  EXPECT_EQ(refused(request, 11).code, WireErrc::bad_length);
}

TEST(Message, CountOfStructuresIsHeldAgainstWhatTheyTakeAtLeast) {
  // A partition takes 41 bytes in version 11, so 1000 of them do not fit into 1000 bytes: refused before
  // reserving.
  FetchResponse response;
  response.responses = {{.topic = "t", .partitions = {}}};
  auto wire = encoded(response, 11);
  store_be(wire, wire.size() - 4, std::int32_t{1000});
  wire.resize(wire.size() + 1000);
  const auto decoded = decode<FetchResponse>(wire, 11);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, WireErrc::truncated);
  EXPECT_EQ(decoded.error().message(),
            "FetchResponse v11 field responses.partitions: the bytes end inside a value");
}

TEST(Message, NullAndEmptyRecordsStayApart) {
  const Bytes nothing(1);
  for (const int version : {11, 12}) {
    FetchResponse response;
    response.responses = {{.topic = "t", .partitions = {PartitionData{}, PartitionData{}}}};
    response.responses[0].partitions[1].records = ConstBytes(nothing).first(0);
    const auto wire = encoded(response, version);
    const auto decoded = decode<FetchResponse>(wire, version);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
    EXPECT_EQ(decoded->responses[0].partitions[0].records.data(), nullptr);
    EXPECT_NE(decoded->responses[0].partitions[1].records.data(), nullptr);
    EXPECT_TRUE(decoded->responses[0].partitions[1].records.empty());
  }
}

TEST(Message, PrintShowsFieldsByNameButNoSecretsAndNoRecords) {
  const auto payload = bytes_of({1, 2, 3});
  ProduceRequest request;
  request.acks = -1;
  request.topic_data = {{.name = "a\"b\n", .partition_data = {{.index = 4, .records = {{}, payload}}, {}}}};
  EXPECT_EQ(print(request),
            "ProduceRequest{transactional_id=null, acks=-1, timeout_ms=0, topic_data=[{name=\"a\\\"b\\x0a\", "
            "topic_id=AAAAAAAAAAAAAAAAAAAAAA, "
            "partition_data=[{index=4, records=<3 bytes>}, {index=0, records=null}]}]}");
  ApiVersionsResponse response;
  response.error_code = KafkaErrc::unsupported_version;
  EXPECT_EQ(print(response).substr(0, 50), "ApiVersionsResponse{error_code=UNSUPPORTED_VERSION");
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
