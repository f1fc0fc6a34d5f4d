#include "app/config/properties.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace longhaul::config {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs(std::string_view text, Encoding encoding = Encoding::latin1) {
  const auto entries = parse_properties(text, encoding, "f");
  EXPECT_TRUE(entries.has_value()) << entries.error().message();
  Pairs out;
  if (!entries) return out;
  for (const auto& entry : *entries) out.emplace_back(entry.key, entry.value);
  return out;
}

TEST(Properties, KeyEndsAtTheFirstSeparator) {
  EXPECT_EQ(pairs("a=b\nc:d\ne f\n"), (Pairs{{"a", "b"}, {"c", "d"}, {"e", "f"}}));
  EXPECT_EQ(pairs("a  =  b"), (Pairs{{"a", "b"}}));
  EXPECT_EQ(pairs("a = = b"), (Pairs{{"a", "= b"}})) << "at most one separator is skipped";
  EXPECT_EQ(pairs("a b = c"), (Pairs{{"a", "b = c"}}));
  EXPECT_EQ(pairs("a:=b"), (Pairs{{"a", "=b"}}));
  EXPECT_EQ(pairs("alone"), (Pairs{{"alone", ""}}));
  EXPECT_EQ(pairs("= value"), (Pairs{{"", "value"}}));
  EXPECT_EQ(pairs("A->B.enabled = true"), (Pairs{{"A->B.enabled", "true"}}));
}

TEST(Properties, EscapedSeparatorsBelongToTheKey) {
  EXPECT_EQ(pairs("a\\=b\\:c\\ d = e"), (Pairs{{"a=b:c d", "e"}}));
  EXPECT_EQ(pairs("a\\\\=b"), (Pairs{{"a\\", "b"}}));
}

TEST(Properties, CommentsAreWholeLinesOnly) {
  EXPECT_EQ(pairs("# x\n  ! y\na = b # c\n\n \t\f\n"), (Pairs{{"a", "b # c"}}));
  EXPECT_EQ(pairs("a = b \\\n# c"), (Pairs{{"a", "b # c"}})) << "a continuation is no comment";
}

TEST(Properties, BackslashDropsOutBeforeOrdinaryCharacters) {
  EXPECT_EQ(pairs("topics = foo\\.bar"), (Pairs{{"topics", "foo.bar"}}));
  EXPECT_EQ(pairs("topics = foo\\\\.bar"), (Pairs{{"topics", "foo\\.bar"}}));
  EXPECT_EQ(pairs("v = \\t\\n\\r\\f\\q\\\""), (Pairs{{"v", "\t\n\r\fq\""}}));
}

TEST(Properties, UnicodeEscapes) {
  EXPECT_EQ(pairs("v = \\u0041\\u00e9\\u20ac"), (Pairs{{"v", "A\xc3\xa9\xe2\x82\xac"}}));
  EXPECT_EQ(pairs("v = \\ud83d\\ude00"), (Pairs{{"v", "\xf0\x9f\x98\x80"}}));
  EXPECT_EQ(pairs("v = \\ud83dx"), (Pairs{{"v", "\xef\xbf\xbdx"}})) << "half a pair has no place in UTF-8";
}

TEST(Properties, AMalformedUnicodeEscapeIsAnErrorWithItsLine) {
  for (const auto* text : {"\n\nv = \\u12", "\n\nv = \\u12g4", "\n\n\\uzzzz = v", "\n\nv = \\u"}) {
    const auto entries = parse_properties(text, Encoding::latin1, "f");
    ASSERT_FALSE(entries.has_value()) << text;
    EXPECT_EQ(
        entries.error().message(),
        "f:3: \\u must be followed by four hexadecimal digits (a backslash is written as \\\\ in this file)");
  }
}

TEST(Properties, LinesContinueAfterABackslash) {
  EXPECT_EQ(pairs("v = a, \\\n    b, \\\r\n\tc"), (Pairs{{"v", "a, b, c"}}));
  EXPECT_EQ(pairs("v = a\\\\\nw = b"), (Pairs{{"v", "a\\"}, {"w", "b"}}))
      << "an escaped backslash ends nothing";
  EXPECT_EQ(pairs("v = a\\\n\nw = b"), (Pairs{{"v", "a"}, {"w", "b"}}))
      << "an empty line ends the continuation";
  EXPECT_EQ(pairs("v = a\\"), (Pairs{{"v", "a"}}));
  EXPECT_EQ(pairs("ke\\\n  y = a"), (Pairs{{"key", "a"}}));
  EXPECT_EQ(pairs("\\\n# c\na = b"), (Pairs{{"a", "b"}})) << "nothing was continued, so this is a comment";
  EXPECT_EQ(pairs("\\"), (Pairs{{"", ""}})) << "as Java has it";
}

TEST(Properties, TrailingBlanksOfAValueAreKept) {
  EXPECT_EQ(pairs("a = true \t\nb = c"), (Pairs{{"a", "true \t"}, {"b", "c"}}));
}

TEST(Properties, EveryLineEndCounts) {
  EXPECT_EQ(pairs("a=1\rb=2\r\nc=3\nd=4"), (Pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}));
  EXPECT_EQ(pairs(""), Pairs{});
}

TEST(Properties, KeepsDuplicatesInOrder) {
  EXPECT_EQ(pairs("a=1\na=2"), (Pairs{{"a", "1"}, {"a", "2"}}));
}

TEST(Properties, ReadsLatin1OrUtf8) {
  EXPECT_EQ(pairs("v = \xe9"), (Pairs{{"v", "\xc3\xa9"}}));
  EXPECT_EQ(pairs("v = \xc3\xa9", Encoding::utf8), (Pairs{{"v", "\xc3\xa9"}}));
  EXPECT_EQ(pairs("v = \\\xc3\xa9", Encoding::utf8), (Pairs{{"v", "\xc3\xa9"}}));
}

TEST(Properties, CountsLinesToTheKey) {
  const auto entries = parse_properties("# c\n\na = 1 \\\n 2 \\\n 3\r\nb = 4\n", Encoding::latin1, "f");
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].line, 3);
  EXPECT_EQ((*entries)[0].value, "1 2 3");
  EXPECT_EQ((*entries)[1].line, 6);
}

}  // namespace
}  // namespace longhaul::config
