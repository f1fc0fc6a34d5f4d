#include "app/config/jaas.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace longhaul::config {
namespace {

/// `Class{name=value,...}` per entry.
std::string parsed(std::string_view text) {
  const auto entries = parse_jaas(text);
  if (!entries) return "error: " + entries.error().message();
  std::string out;
  for (const auto& entry : *entries) {
    out += entry.login_module + "{";
    for (const auto& option : entry.options) {
      if (!out.ends_with('{')) out += ",";
      out += option.name + "=" + std::string(option.value.reveal());
    }
    out += "}";
  }
  return out;
}

std::string error_of(std::string_view text) {
  const auto entries = parse_jaas(text);
  return entries ? "parses" : entries.error().message();
}

TEST(Jaas, ReadsALineAsPeopleWriteIt) {
  EXPECT_EQ(parsed("org.apache.kafka.common.security.scram.ScramLoginModule required   username=\"mirror\"   "
                   "password=\"pa ss\";"),
            "org.apache.kafka.common.security.scram.ScramLoginModule{username=mirror,password=pa ss}");
  EXPECT_EQ(parsed("M required\n\tusername='u'\r\n  password='p';\n"), "M{username=u,password=p}");
  EXPECT_EQ(parsed("M required username=\"u\" password=\"p\" ;"), "M{username=u,password=p}");
  EXPECT_EQ(parsed("M required username = \"u\";"), "M{username=u}");
  EXPECT_EQ(parsed("M required;"), "M{}");
}

TEST(Jaas, TakesAllControlFlagsInAnyCase) {
  for (const auto* flag : {"required", "REQUISITE", "Sufficient", "optional"}) {
    EXPECT_EQ(parsed(std::string("M ") + flag + " a=b;"), "M{a=b}");
  }
}

TEST(Jaas, TakesTheOptionsOfEveryLoginModule) {
  EXPECT_EQ(parsed("a.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=\"/etc/k.keytab\" "
                   "principal=\"u@EXAMPLE.COM\" useTicketCache=false serviceName=kafka;"),
            "a.Krb5LoginModule{useKeyTab=true,storeKey=true,keyTab=/etc/k.keytab,principal=u@EXAMPLE.COM,"
            "useTicketCache=false,serviceName=kafka}");
  EXPECT_EQ(parsed("a.OAuthBearerLoginModule required clientId='i' clientSecret='s' scope='x' "
                   "extension_logicalCluster='lkc-1' unsecuredLoginStringClaim_sub='alice' "
                   "unsecuredLoginLifetimeSeconds='3600' ssl.truststore.location='/t.jks';"),
            "a.OAuthBearerLoginModule{clientId=i,clientSecret=s,scope=x,extension_logicalCluster=lkc-1,"
            "unsecuredLoginStringClaim_sub=alice,unsecuredLoginLifetimeSeconds=3600,"
            "ssl.truststore.location=/t.jks}");
  EXPECT_EQ(parsed("a.ScramLoginModule required username=id password=mac tokenauth=true;"),
            "a.ScramLoginModule{username=id,password=mac,tokenauth=true}");
}

TEST(Jaas, QuotesHoldEverythingAndEscapesMeanWhatTheyMeanInJava) {
  EXPECT_EQ(parsed(R"(M required a="x\"y\\z" b='it\'s' c="it's" d='say "x"' e="a;b=c /* no comment */ //";)"),
            R"(M{a=x"y\z,b=it's,c=it's,d=say "x",e=a;b=c /* no comment */ //})");
  EXPECT_EQ(parsed(R"(M required a="\t\n\r\f\b\a\v\101\60x\400\q\8";)"), "M{a=\t\n\r\f\b\a\vA0x 0q8}");
  EXPECT_EQ(parsed(R"(M required a="\344";)"), "M{a=\xc3\xa4}") << "octal numbers are characters";
  EXPECT_EQ(parsed("M required a=\"p\xc3\xa4ss\" b=\"\";"), "M{a=p\xc3\xa4ss,b=}");
}

TEST(Jaas, CommentsAreSkipped) {
  EXPECT_EQ(parsed("/* one */ M // two\n required / three\n a=b /* four\n five */ ; // six"), "M{a=b}");
}

TEST(Jaas, SeveralLoginModulesAndRepeatedOptions) {
  EXPECT_EQ(parsed("A required x=1a; B optional y=b;"),
            "error: at character 14: a value that begins with a "
            "digit, '.' or '-' stands between quotes");
  EXPECT_EQ(parsed("A required x=a; B optional y=b;"), "A{x=a}B{y=b}");
  EXPECT_EQ(parsed("A required x=a y=b x=c;"), "A{x=c,y=b}") << "as in Java's map the last one counts";
}

TEST(Jaas, KnowsClassesWithoutTheirPackage) {
  const auto entries = parse_jaas("kafkashaded.org.apache.PlainLoginModule required u=v; Bare required;");
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ((*entries)[0].class_name(), "PlainLoginModule");
  EXPECT_EQ((*entries)[1].class_name(), "Bare");
  ASSERT_NE((*entries)[0].find("u"), nullptr);
  EXPECT_EQ((*entries)[0].find("u")->reveal(), "v");
  EXPECT_EQ((*entries)[0].find("w"), nullptr);
}

TEST(Jaas, ErrorsNameThePlace) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "there is no login module"},
      {" // nothing", "there is no login module"},
      {"; ", "at character 1: expected the class of a login module"},
      {"M",
       "at character 2: expected required, requisite, sufficient or optional after the class of the login "
       "module"},
      {"M needed;",
       "at character 3: expected required, requisite, sufficient or optional after the class of "
       "the login module"},
      {"M required username=\"u\"",
       "at character 24: the login module does not end with ';' (a line that goes on in the next one ends "
       "with "
       "a backslash)"},
      {"M required username \"u\";", "at character 21: expected '=' after the name of an option"},
      {"M required username=;", "at character 21: expected the value of an option"},
      {"M required password=p@ss;",
       "at character 22: expected an option or ';' (values with other characters than letters, digits, '_', "
       "'-', '$' and '.' stand between quotes)"},
      {"M required password=\"p;", "at character 21: the quote that begins here is not closed"},
      {"M required password=\"p\\", "at character 21: the quote that begins here is not closed"},
      {"M required password=123;",
       "at character 21: a value that begins with a digit, '.' or '-' stands between quotes"},
      {"M required /* x", "at character 12: the comment that begins here has no '*/'"},
      {"M required a=\"\xc3\xa4\" b", "at character 19: expected '=' after the name of an option"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
  EXPECT_TRUE(error_of("M required password=\"p\n\";").starts_with("at character 21: the quoted text that"));
}

TEST(Jaas, ErrorsNeverRepeatWhatStandsThere) {
  // Every way to cut a line short, and every character of it replaced by one that does not belong there.
  const std::string line =
      "Hunter2Module required Hunter2a=\"Hunter2\" Hunter2b=Hunter2c Hunter2d='Hunter2';";
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (const auto& text : {line.substr(0, at), line.substr(at)}) {
      EXPECT_EQ(error_of(text).find("Hunter2"), std::string::npos) << text;
    }
    for (const char c : {'@', '"', '\'', '=', ';', '\n', ' ', '1', '\\'}) {
      auto text = line;
      text[at] = c;
      EXPECT_EQ(error_of(text).find("unter2"), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace longhaul::config
