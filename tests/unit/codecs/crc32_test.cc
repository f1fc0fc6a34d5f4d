#include "codecs/crc32.h"

#include <gtest/gtest.h>

namespace longhaul::codecs {
namespace {

TEST(Crc32, HasTheKnownValues) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32({}), 0U);
}

}  // namespace
}  // namespace longhaul::codecs
