#include "base/log.h"

#include <gtest/gtest.h>

namespace longhaul::log {
namespace {

TEST(Log, WritesOneLineOfQuotedFieldsAndDropsWhatIsBelowTheLevel) {
  ::testing::internal::CaptureStderr();
  write(Level::warn, "disk is slow", {{"topic", "orders"}, {"reason", "a \"b\"\nc"}, {"lag", 12}});
  write(Level::debug, "never seen", {});
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("Z WARN  disk is slow topic=orders reason=\"a \\\"b\\\"\\nc\" lag=12\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("never seen"), std::string::npos);
}

TEST(Log, HoldsExactRepeatsBackButNotOtherLines) {
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) warn("broker is gone", {{"broker", 1}});
  warn("broker is gone", {{"broker", 2}});
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

}  // namespace
}  // namespace longhaul::log
