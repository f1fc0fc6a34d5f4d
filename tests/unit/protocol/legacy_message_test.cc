#include "protocol/legacy_message.h"

#include <gtest/gtest.h>

#include <array>

#include "protocol/record_batch.h"
#include "tests/support/batches.h"
#include "tests/support/legacy.h"

namespace longhaul::protocol {
namespace {

using testing::joined;
using testing::legacy_message;

std::string text_of(const NullableBytes& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "null";
}

TEST(LegacyMessage, ReadsAMessageThatWasPutTogetherByHand) {
  // After Kafka's documentation: magic 1, offset 5, timestamp 1, key "k", value null; CRC-32 by zlib.
  constexpr std::array<unsigned char, 35> kMessage = {
      0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 23, 0x19, 0x2D, 0x97, 0x13, 1,   0,
      0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1,  'k',  0xFF, 0xFF, 0xFF, 0xFF};
  const auto read = LegacyMessageReader(std::as_bytes(std::span(kMessage))).next();
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->offset, Offset(5));
  EXPECT_EQ((*read)->timestamp, 1);
  EXPECT_EQ(text_of((*read)->key), "k");
  EXPECT_EQ(text_of((*read)->value), "null");
}

TEST(LegacyMessage, ReadsBothMagics) {
  const auto set = joined({legacy_message({.magic = 0, .offset = 7, .key = std::nullopt, .value = "a"}),
                           legacy_message({.magic = 1, .offset = 8, .key = "", .value = std::nullopt})});
  LegacyMessageReader reader(set);
  const auto first = reader.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->offset, Offset(7));
  EXPECT_EQ((*first)->timestamp, -1);
  EXPECT_EQ(text_of((*first)->key), "null");
  EXPECT_EQ(text_of((*first)->value), "a");
  const auto second = reader.next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->timestamp, 1'700'000'000'000);
  EXPECT_EQ(text_of((*second)->key), "");
  EXPECT_EQ(text_of((*second)->value), "null");
  const auto end = reader.next();
  ASSERT_TRUE(end.has_value());
  EXPECT_FALSE(end->has_value());
}

TEST(LegacyMessage, NoticesEveryDamagedByteAndEveryCut) {
  const auto whole = legacy_message({.offset = 7});
  // Offset and size lie outside the checksum; a changed size makes a message that is cut or has a remainder.
  for (std::size_t at = 8; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= std::byte{1};
    EXPECT_FALSE(LegacyMessageReader(damaged).next().has_value()) << at;
  }
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(LegacyMessageReader(ConstBytes(whole).first(size)).next().has_value()) << size;
  }
}

TEST(LegacyMessage, KnowsWrappersAndAppendTimes) {
  const auto message = legacy_message({.attributes = 0x08 | 0x03});
  const auto read = LegacyMessageReader(message).next();
  ASSERT_TRUE(read && *read);
  EXPECT_TRUE((*read)->is_wrapper());
  EXPECT_EQ((*read)->compression(), codecs::Compression::lz4);
  EXPECT_TRUE((*read)->is_log_append_time());
}

}  // namespace
}  // namespace longhaul::protocol
