// Tagged fields (KIP-482): what is written, what is passed over, what is refused.
#include <gtest/gtest.h>

#include "protocol/messages/api_versions.h"
#include "protocol/messages/fetch.h"

namespace longhaul::protocol {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// An ApiVersions response of version 3 without APIs, up to its tagged fields.
Bytes api_versions_with(const Bytes& tagged_fields) {
  auto wire = bytes_of({0, 0, 1, 0, 0, 0, 0});
  wire.insert(wire.end(), tagged_fields.begin(), tagged_fields.end());
  return wire;
}

Result<ApiVersionsResponse> decoded_with(std::initializer_list<int> tagged_fields) {
  return decode<ApiVersionsResponse>(api_versions_with(bytes_of(tagged_fields)), 3);
}

TEST(TaggedFields, DefaultsAreNotWritten) {
  GatherBuffer out;
  ASSERT_TRUE(encode(ApiVersionsResponse{}, 3, out).has_value());
  EXPECT_EQ(out.flattened(), api_versions_with(bytes_of({0})));
}

TEST(TaggedFields, OnlyTheOnesThatDifferAreWrittenInOrder) {
  ApiVersionsResponse response;
  response.zk_migration_ready = true;
  response.finalized_features_epoch = 5;
  GatherBuffer out;
  ASSERT_TRUE(encode(response, 3, out).has_value());
  EXPECT_EQ(out.flattened(), api_versions_with(bytes_of({2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 3, 1, 1})));
  EXPECT_EQ(encoded_size(response, 3), out.size());
}

TEST(TaggedFields, UnknownOnesArePassedOverBySize) {
  const auto response = decoded_with({3, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 3, 1, 1, 99, 3, 7, 7, 7});
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->finalized_features_epoch, 5);
  EXPECT_TRUE(response->zk_migration_ready);
  EXPECT_TRUE(decoded_with({1, 99, 0}).has_value());
}

TEST(TaggedFields, AbsentOnesKeepTheirDefaults) {
  const auto response = decoded_with({0});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->finalized_features_epoch, -1);
  EXPECT_FALSE(response->zk_migration_ready);
}

TEST(TaggedFields, PayloadOfAnotherSizeIsRefused) {
  const auto longer = decoded_with({1, 3, 2, 1, 1});
  ASSERT_FALSE(longer.has_value());
  EXPECT_EQ(longer.error().code, WireErrc::bad_tagged_fields);
  EXPECT_EQ(longer.error().detail, "ApiVersionsResponse v3 field zk_migration_ready");
  const auto shorter = decoded_with({1, 1, 7, 0, 0, 0, 0, 0, 0, 5});
  ASSERT_FALSE(shorter.has_value());
  EXPECT_EQ(shorter.error().code, WireErrc::truncated);
  // A nested length may not reach out of its payload, although bytes follow.
  const auto outside = decoded_with({2, 0, 2, 2, 9, 3, 1, 1});
  ASSERT_FALSE(outside.has_value());
  EXPECT_EQ(outside.error().code, WireErrc::truncated);
  EXPECT_EQ(outside.error().detail, "ApiVersionsResponse v3 field supported_features");
}

TEST(TaggedFields, DisorderAndRepetitionAreRefused) {
  EXPECT_EQ(decoded_with({2, 3, 1, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5}).error().code,
            WireErrc::bad_tagged_fields);
  EXPECT_EQ(decoded_with({2, 3, 1, 1, 3, 1, 1}).error().code, WireErrc::bad_tagged_fields);
}

TEST(TaggedFields, CountAndSizeBeyondTheEndAreRefused) {
  EXPECT_EQ(decoded_with({0xff, 0xff, 0xff, 0xff, 0x0f}).error().code, WireErrc::truncated);
  const auto huge = decoded_with({1, 99, 0xff, 0xff, 0xff, 0xff, 0x0f});
  EXPECT_EQ(huge.error().code, WireErrc::truncated);
  EXPECT_EQ(huge.error().detail, "ApiVersionsResponse v3 field tagged fields");
}

TEST(TaggedFields, StructuresInsideCarryTheirOwnSection) {
  FetchResponse response;
  response.responses = {
      {.topic = "t", .partitions = {PartitionData{.current_leader = {.leader_id = 3, .leader_epoch = 9}}}}};
  GatherBuffer out;
  ASSERT_TRUE(encode(response, 12, out).has_value());
  const auto decoded = decode<FetchResponse>(out.flattened(), 12);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
  const auto& partition = decoded->responses.at(0).partitions.at(0);
  EXPECT_EQ(partition.current_leader, (LeaderIdAndEpoch{3, 9}));
  EXPECT_EQ(partition.diverging_epoch, DivergingEpoch{});
  EXPECT_EQ(partition.records.data(), nullptr);
}

TEST(TaggedFields, HaveNoPlaceInAVersionThatIsNotFlexible) {
  FetchResponse response;
  response.responses = {{.topic = "t", .partitions = {PartitionData{.diverging_epoch = {.epoch = 1}}}}};
  GatherBuffer out;
  const auto done = encode(response, 11, out);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, WireErrc::not_in_version);
  EXPECT_EQ(done.error().detail, "FetchResponse v11 field responses.partitions.diverging_epoch");
}

}  // namespace
}  // namespace longhaul::protocol
