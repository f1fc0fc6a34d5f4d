#include "protocol/api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "protocol/error_code.h"
#include "protocol/wire.h"

namespace longhaul::protocol {
namespace {

TEST(ApiTable, IsSortedAndItsRangesAreSound) {
  EXPECT_TRUE(std::ranges::is_sorted(kApis, std::ranges::less_equal{}, &ApiInfo::key));
  for (const auto& api : kApis) {
    EXPECT_LE(api.version_min, api.version_max) << api.name;
    EXPECT_LE(api.version_max, api.version_max_described) << api.name;
    EXPECT_LE(api.version_min_described, api.version_min) << api.name;
    EXPECT_EQ(find_api(api.key), &api) << api.name;
    EXPECT_TRUE(api.describes(api.version_min_described) && api.describes(api.version_max_described))
        << api.name;
    EXPECT_FALSE(api.describes(api.version_min_described - 1) || api.describes(api.version_max_described + 1))
        << api.name;
  }
  EXPECT_EQ(find_api(static_cast<ApiKey>(7)), nullptr);
}

TEST(ApiTable, VersionsThatAskMoreOfTheCallerAreNotNegotiated) {
  EXPECT_EQ(api_info(ApiKey::end_txn).version_max, 4);
  EXPECT_TRUE(api_info(ApiKey::end_txn).describes(5));
  EXPECT_FALSE(api_info(ApiKey::add_partitions_to_txn).describes(4)) << "for brokers only";
  EXPECT_FALSE(api_info(ApiKey::init_producer_id).describes(6)) << "unstable";
}

TEST(ApiTable, IsTheOneThatTheDocumentShows) {
  std::ifstream file(std::string(LH_SOURCE_DIR) + "/docs/protocol-support.md");
  ASSERT_TRUE(file.is_open());
  const std::string document((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const auto& api : kApis) {
    auto versions = fmt::format("{}-{}", api.version_min, api.version_max);
    if (api.version_max_described > api.version_max)
      versions += fmt::format(", {} on demand", api.version_max_described);
    if (api.version_min_described < api.version_min)
      versions += fmt::format(", served from {}", api.version_min_described);
    const auto flexible =
        api.flexible_since == kNeverFlexible ? std::string("never") : fmt::format("{}+", api.flexible_since);
    const auto row =
        fmt::format("\n| {} | {} | {} | {} | ", api.name, static_cast<int>(api.key), versions, flexible);
    EXPECT_NE(document.find(row), std::string::npos) << row;
  }
}

TEST(KafkaError, TravelsAsAnOrdinaryError) {
  const Result<int> result = fail(kafka_error(KafkaErrc::not_leader_or_follower));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, KafkaErrc::not_leader_or_follower);
  EXPECT_NE(result.error().code, KafkaErrc::fenced_leader_epoch);
  EXPECT_EQ(result.error().message(), "NOT_LEADER_OR_FOLLOWER (6)");
  EXPECT_EQ(as_kafka_errc(result.error().code), KafkaErrc::not_leader_or_follower);
  EXPECT_EQ(as_kafka_errc(make_error_code(WireErrc::truncated)), KafkaErrc::none) << "another category";
  EXPECT_FALSE(static_cast<bool>(kafka_error(KafkaErrc::none)));
}

TEST(KafkaError, CodesOfNewerBrokersKeepTheirNumber) {
  const auto code = static_cast<KafkaErrc>(9999);
  EXPECT_TRUE(name_of(code).empty());
  EXPECT_FALSE(is_retriable(code));
  EXPECT_EQ(kafka_error(code).message(), "unknown Kafka error (9999)");
  EXPECT_EQ(kafka_error(KafkaErrc::unknown_server_error).message(), "UNKNOWN_SERVER_ERROR (-1)");
  EXPECT_EQ(kafka_error(static_cast<KafkaErrc>(-2)).message(), "unknown Kafka error (-2)");
}

}  // namespace
}  // namespace longhaul::protocol
