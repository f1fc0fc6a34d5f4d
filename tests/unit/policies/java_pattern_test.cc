#include "replicator/java_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace longhaul::replicator {
namespace {

using Match = JavaPattern::Match;

bool matches(std::string_view pattern, std::string_view name) {
  const auto compiled = JavaPattern::compile(pattern);
  EXPECT_TRUE(compiled.has_value()) << compiled.error().message();
  return compiled.has_value() && compiled->match(name) == Match::yes;
}

std::string error_of(std::string_view pattern) {
  const auto compiled = JavaPattern::compile(pattern);
  return compiled ? "compiles" : compiled.error().message();
}

TEST(JavaPattern, MatchesWholeNames) {
  EXPECT_TRUE(matches("orders", "orders"));
  EXPECT_FALSE(matches("orders", "orders2"));
  EXPECT_FALSE(matches("orders", "my-orders"));
  EXPECT_TRUE(matches("a|ab", "ab")) << "the shorter alternative is given up";
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
}

TEST(JavaPattern, HasLookAroundPossessiveQuotingAndFlags) {
  EXPECT_TRUE(matches("(?!tmp).*", "orders"));
  EXPECT_FALSE(matches("(?!tmp).*", "tmp-orders"));
  EXPECT_TRUE(matches(".*(?<!-dlq)", "orders"));
  EXPECT_FALSE(matches(".*(?<!-dlq)", "orders-dlq"));
  EXPECT_FALSE(matches("a++a", "aaa"));
  EXPECT_TRUE(matches("(?>a+)b", "aab"));
  EXPECT_TRUE(matches("\\Qa.b[c\\E.*", "a.b[cd"));
  EXPECT_FALSE(matches("\\Qa.b\\E", "axb"));
  EXPECT_TRUE(matches("\\Qa.b", "a.b")) << "an unclosed quote goes to the end";
  EXPECT_TRUE(matches("(?i)Orders", "oRDERS"));
  EXPECT_TRUE(matches("(?i:O)rders", "orders"));
  EXPECT_TRUE(matches("(?<name>ab)\\k<name>", "abab"));
  EXPECT_TRUE(matches("(ab)\\1", "abab"));
  EXPECT_TRUE(matches("a{1,3}", "aaa"));
  EXPECT_TRUE(matches("a{2}+", "aa"));
}

TEST(JavaPattern, ClassesAreAsciiAndNamesAreUtf8) {
  EXPECT_FALSE(matches("\\w+", "caf\xc3\xa9"));
  EXPECT_FALSE(matches("\\d", "\xd9\xa3")) << "an Arabic digit";
  EXPECT_TRUE(matches("caf.", "caf\xc3\xa9")) << "one character, two bytes";
  EXPECT_TRUE(matches("\\p{L}+", "caf\xc3\xa9"));
  EXPECT_FALSE(matches("\\p{Alpha}+", "caf\xc3\xa9"));
  EXPECT_FALSE(matches(".*", "caf\xc3")) << "what is no UTF-8 matches nothing";
}

TEST(JavaPattern, TranslatesWhatIsSpelledDifferently) {
  EXPECT_TRUE(matches("\\u0041", "A"));
  EXPECT_TRUE(matches("\\u00e9", "\xc3\xa9"));
  EXPECT_TRUE(matches("\\ud83d\\ude00", "\xf0\x9f\x98\x80"));
  EXPECT_TRUE(matches("\\x41\\x{42}", "AB"));
  EXPECT_TRUE(matches("\\0101", "A"));
  EXPECT_TRUE(matches("\\0477", "'7")) << "three octal digits only up to 0377";
  EXPECT_TRUE(matches("\\cA", "\x01"));
  EXPECT_TRUE(matches("\\ca", "!")) << "Java does not fold the letter";
  EXPECT_TRUE(matches("\\p{Lower}\\P{Lower}", "aA"));
  EXPECT_TRUE(matches("[\\p{Alnum}_]+", "a_1"));
  EXPECT_TRUE(matches("[^\\p{Punct}]", "a"));
  EXPECT_FALSE(matches("[^\\p{Punct}]", "."));
  EXPECT_TRUE(matches("\\pL\\p{Nd}", "a1"));
  EXPECT_TRUE(matches("\\p{Upper}{2}", "AB"));
}

TEST(JavaPattern, ReadsCharacterClasses) {
  EXPECT_TRUE(matches(".*[\\-\\.]internal", "x-internal"));
  EXPECT_TRUE(matches(".*[-.]internal", "x.internal"));
  EXPECT_TRUE(matches("[]a]+", "a]"));
  EXPECT_TRUE(matches("[^]a]", "b"));
  EXPECT_FALSE(matches("[^]a]", "]"));
  EXPECT_TRUE(matches("[a-c-]+", "b-"));
  EXPECT_TRUE(matches("[:alpha:]+", "al:")) << "no POSIX class in Java, just these characters";
  EXPECT_TRUE(matches("[a&b]+", "a&b"));
  EXPECT_TRUE(matches("[\\Q]&&[\\E]+", "]&["));
  EXPECT_TRUE(matches("[!-/]+", "!./"));
  EXPECT_FALSE(matches("[!-/]", "0"));
}

TEST(JavaPattern, RefusesIntersectionsAndUnionsOfClasses) {
  EXPECT_EQ(error_of("[a-z&&[^bc]]"),
            "pattern '[a-z&&[^bc]]': at position 5: '&&' inside a character class is an intersection in "
            "Java; it is "
            "not supported. Use look-ahead, such as (?!...)");
  EXPECT_EQ(error_of("[a[b]]"),
            "pattern '[a[b]]': at position 3: '[' inside a character class is a union in Java; it is not "
            "supported. "
            "Write \\[ for the character, or use |");
  EXPECT_NE(error_of("[[:alpha:]]").find("union in Java"), std::string::npos);
}

TEST(JavaPattern, RefusesWhatJavaDoesNotHave) {
  for (const auto* pattern : {"(?P<n>a)",
                              "(?|a|b)",
                              "(?#note)a",
                              "(?R)",
                              "(?1)",
                              "(?&n)",
                              "(*UCP)a",
                              "(?(1)a|b)",
                              "a\\Kb",
                              "\\Ca",
                              "\\g1",
                              "\\ya",
                              "a\\E",
                              "(?<a_b>c)",
                              "a{,3}",
                              "a{x}",
                              "{2}",
                              "a{2",
                              "*a",
                              "+",
                              "(?x)a",
                              "(?U)a",
                              "(?u)a",
                              "(?d)a",
                              "\\",
                              "[a",
                              "[\\b]",
                              "[\\R]",
                              "(a",
                              "a)",
                              "\\x4",
                              "\\u004",
                              "\\08",
                              "\\p{javaLowerCase}",
                              "\\p{IsLatin}",
                              "\\p{L",
                              "\\N{LATIN SMALL LETTER A}",
                              "\\b{g}",
                              "[b-a]",
                              "(?C1)a",
                              "(?i",
                              "\\12"}) {
    EXPECT_NE(error_of(pattern), "compiles") << pattern;
    EXPECT_NE(error_of(pattern).find("at position "), std::string::npos) << error_of(pattern);
  }
}

TEST(JavaPattern, RefusesReferencesToGroupsThatComeLater) {
  EXPECT_EQ(error_of("\\k<n>(?<n>a)"),
            "pattern '\\k<n>(?<n>a)': at position 1: there is no group 'n' before this");
  EXPECT_EQ(error_of("a\\k<n"), "pattern 'a\\k<n': at position 2: there is no group 'n' before this");
}

TEST(JavaPattern, NamesPositionAndReason) {
  EXPECT_EQ(error_of("orders(a"), "pattern 'orders(a': at position 9: missing closing parenthesis");
  EXPECT_EQ(error_of("\\u0041("), "pattern '\\u0041(': at position 8: missing closing parenthesis")
      << "counted in the pattern as written";
  EXPECT_EQ(error_of("a{1"),
            "pattern 'a{1': at position 2: '{' must start a repetition such as {2} or {1,3} (a comma also "
            "ends an item "
            "of a list)");
}

TEST(JavaPattern, EndsCatastrophicBacktracking) {
  const auto compiled = JavaPattern::compile("(a*)*(b*)*(a*)*c(?!d)\\1");
  ASSERT_TRUE(compiled.has_value()) << compiled.error().message();
  EXPECT_EQ(compiled->match(std::string(200, 'a') + "d"), Match::no)
      << "no c anywhere: settled before matching";
  const auto costly = JavaPattern::compile("(?:(?:a|aa)+)+[^a]?b?x");
  ASSERT_TRUE(costly.has_value());
  EXPECT_EQ(costly->match(std::string(120, 'a') + "yx" + std::string(100, 'a') + "x!x"), Match::too_costly);
}

}  // namespace
}  // namespace longhaul::replicator
