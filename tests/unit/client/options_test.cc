#include "client/options.h"

#include <gtest/gtest.h>

namespace longhaul::client {
namespace {

TEST(BootstrapServers, ReadsNamesAddressesAndListenerPrefixes) {
  const auto parsed =
      parse_bootstrap_servers(" kafka-1:9092 , 127.0.0.1:1,[::1]:65535,, SASL_SSL://b.example:9094 ");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, (std::vector<Endpoint>{
                         {"kafka-1", 9092}, {"127.0.0.1", 1}, {"::1", 65535}, {"b.example", 9094}}));
  EXPECT_EQ((*parsed)[2].to_string(), "[::1]:65535");
}

TEST(BootstrapServers, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no server is named"},
      {" , ", "no server is named"},
      {"kafka", "'kafka' has no port"},
      {"kafka:", "the port is a number from 1 to 65535, not ''"},
      {"kafka:0", "not '0'"},
      {"kafka:65536", "not '65536'"},
      {"kafka:9x", "not '9x'"},
      {":9092", "no valid host name"},
      {"::1:9092", "written in brackets"},
      {"a b:9092", "no valid host name"},
      {"ok:1,bad", "'bad' has no port"},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_bootstrap_servers(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find(expected), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace longhaul::client
