#include "app/config/values.h"

#include <gtest/gtest.h>

#include "app/config/nearest.h"

namespace longhaul::config {
namespace {

using Items = std::vector<std::string>;
using std::chrono::milliseconds;

TEST(Values, Booleans) {
  EXPECT_EQ(parse_boolean(" TRUE "), true);
  EXPECT_EQ(parse_boolean("False"), false);
  for (const auto* text : {"yes", "1", "", "tru e"}) EXPECT_EQ(parse_boolean(text), std::nullopt) << text;
}

TEST(Values, Integers) {
  EXPECT_EQ(parse_integer(" 42 "), 42);
  EXPECT_EQ(parse_integer("+7"), 7);
  EXPECT_EQ(parse_integer("-1"), -1);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const auto* text : {"", "1.5", "1 000", "9223372036854775808", "+-1", "0x10", "12L"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
}

TEST(Values, ListsSplitAtCommasWithTheBlanksAround) {
  EXPECT_EQ(split_list("a|b, c.* ,d"), (Items{"a|b", "c.*", "d"}));
  EXPECT_EQ(split_list("  "), Items{});
  EXPECT_EQ(split_list("a,,b"), (Items{"a", "", "b"}));
  EXPECT_EQ(split_list("a,"), (Items{"a", ""}));
  EXPECT_EQ(split_list("a b"), (Items{"a b"}));
  EXPECT_EQ(split_list("a{1,3}"), (Items{"a{1", "3}"})) << "a comma is never part of a pattern";
}

TEST(Values, SizesCarryUnits) {
  EXPECT_EQ(parse_bytes("1024"), 1024U);
  EXPECT_EQ(parse_bytes("256 MiB"), 268435456U);
  EXPECT_EQ(parse_bytes("1GB"), 1'000'000'000U);
  EXPECT_EQ(parse_bytes("1.5 GiB"), 1610612736U);
  EXPECT_EQ(parse_bytes("64kb"), 64'000U);
  for (const auto* text : {"", "MB", "-1", "1 XB", "0.3", "1e9", "99999999999 TiB", "1.2.3"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(Values, DurationsCarryUnits) {
  EXPECT_EQ(parse_duration("250"), milliseconds(250));
  EXPECT_EQ(parse_duration("1s"), milliseconds(1000));
  EXPECT_EQ(parse_duration("1.5 s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("2 min"), milliseconds(120'000));
  for (const auto* text : {"", "s", "1 week", "-5", "0.5ms"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Values, ComplaintsNameTheirPlaceAndHideSecrets) {
  const Setting open{"abc", {"f", 3, "A.x"}, false};
  EXPECT_EQ(wrong_value(open, "a number").error().message(), "f:3: A.x: found 'abc', accepted: a number");
  const Setting secret{"abc", {"f", 3, "A.x"}, true};
  EXPECT_EQ(wrong_value(secret, "a number").error().message(),
            "f:3: A.x: found '[hidden]', accepted: a number");
}

TEST(Values, SecretKeysAreKnownByName) {
  for (const auto* key : {"A.ssl.truststore.password", "sasl.jaas.config", "A.producer.ssl.key.password",
                          "ssl.keystore.key", "sasl.oauthbearer.client.credentials.client.secret",
                          "sasl.oauthbearer.assertion.private.key.passphrase"}) {
    EXPECT_TRUE(is_secret_key(key)) << key;
  }
  for (const auto* key :
       {"topics", "ssl.truststore.location", "ssl.keystore.certificate.chain", "sasl.mechanism"}) {
    EXPECT_FALSE(is_secret_key(key)) << key;
  }
}

TEST(Nearest, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("abc", "acb"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, GuessesOnlyWhatIsClose) {
  const Items keys{"topics", "topics.exclude", "emit.heartbeats.enabled", "enabled"};
  EXPECT_EQ(nearest("topcis", keys), "topics");
  EXPECT_EQ(nearest("enable", keys), "enabled");
  EXPECT_EQ(nearest("emit.heartbeats", keys), "emit.heartbeats.enabled")
      << "the rest of the key was forgotten";
  EXPECT_EQ(nearest("something.else", keys), std::nullopt);
}

}  // namespace
}  // namespace longhaul::config
