#include "app/generate_options.h"

#include <gtest/gtest.h>

namespace longhaul::app {
namespace {

using codecs::Compression;

TEST(GenerateOptions, ReadsTopicsWithAndWithoutPartitions) {
  const auto plain = parse_topic("orders");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->name, "orders");
  EXPECT_EQ(plain->partitions, std::nullopt);
  const auto counted = parse_topic("a.b-c_d:12");
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->name, "a.b-c_d");
  EXPECT_EQ(counted->partitions, 12);
  for (const auto* bad : {"", ":3", "a:", "a:0", "a:-1", "a:x", "a:3x", "a:1:2", "a:99999999999"}) {
    const auto topic = parse_topic(bad);
    ASSERT_FALSE(topic.has_value()) << bad;
    EXPECT_NE(topic.error().message().find("NAME:PARTITIONS"), std::string::npos) << topic.error().message();
  }
}

TEST(GenerateOptions, ReadsSizesAndRanges) {
  EXPECT_EQ(parse_size("1000")->smallest, 1000u);
  EXPECT_EQ(parse_size("1000")->largest, 1000u);
  EXPECT_EQ(parse_size("0-7")->smallest, 0u);
  EXPECT_EQ(parse_size("0-7")->largest, 7u);
  for (const auto* bad : {"", "x", "7-3", "-", "3-", "-3", "1-2-3", "99999999999999999999", "1e3"}) {
    EXPECT_FALSE(parse_size(bad).has_value()) << bad;
  }
}

TEST(GenerateOptions, ReadsCodecs) {
  EXPECT_EQ(parse_codecs("zstd").value(), std::vector{Compression::zstd});
  EXPECT_EQ(parse_codecs("lz4,none,lz4").value(),
            (std::vector{Compression::lz4, Compression::none, Compression::lz4}));
  EXPECT_EQ(parse_codecs("mixed")->size(), 5u);
  for (const auto* bad : {"", "zip", "zstd,", ",zstd", "zstd,,lz4", "ZSTD"}) {
    EXPECT_FALSE(parse_codecs(bad).has_value()) << bad;
  }
}

TEST(GenerateOptions, ReadsMixes) {
  EXPECT_EQ(parse_mix("varied").value(), RecordMix::varied);
  EXPECT_EQ(parse_mix("plain").value(), RecordMix::plain);
  EXPECT_EQ(parse_mix("compact").value(), RecordMix::compact);
  EXPECT_FALSE(parse_mix("other").has_value());
}

}  // namespace
}  // namespace longhaul::app
