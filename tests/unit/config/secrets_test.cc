// Whatever a file asks for and however wrong it is, nothing that Longhaul prints holds a secret.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "app/config/known_keys.h"
#include "app/config/print.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

constexpr std::string_view kMark = "Hunter2";

LoadOptions with_marks() {
  LoadOptions options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "MARK") return "(" + std::string(kMark);
    if (name == "JAAS") return fmt::format("ScramLoginModule required username={0} password={0} {0}", kMark);
    return std::nullopt;
  };
  return options;
}

/// All that a user sees of a file: the error, or what `longhaul config` prints, warnings included.
std::string everything_printed(std::string_view lines) {
  const auto configuration = load_lines(
      "config.providers = env\n"
      "config.providers.env.class = org.apache.kafka.common.config.provider.EnvVarConfigProvider\n" +
          std::string(lines),
      with_marks());
  if (!configuration) return configuration.error().message();
  std::string out = print(*configuration);
  for (const auto& flow : configuration->flows) out += flow.not_runnable.value_or("") + "\n";
  for (const auto& warning : configuration->warnings) out += warning.text + "\n";
  return out;
}

void expect_no_mark(std::string_view lines) {
  const auto text = everything_printed(lines);
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(text.find(kMark), std::string::npos) << lines << "\nprints\n" << text;
}

/// Every prefix that a client's key can have.
const std::vector<std::string> kPrefixes{"",
                                         "A.",
                                         "B.",
                                         "A.consumer.",
                                         "B.producer.",
                                         "A.admin.",
                                         "consumer.",
                                         "A->B.source.consumer.",
                                         "A->B.target.producer.",
                                         "A->B.producer.override.",
                                         "A->B.source.cluster.",
                                         "A->B.",
                                         "C->A.target.admin."};

/// Every common key whose value is a secret.
const std::vector<std::string> kSecretKeys{"ssl.truststore.password",
                                           "ssl.keystore.password",
                                           "ssl.key.password",
                                           "ssl.keystore.key",
                                           "sasl.jaas.config",
                                           "sasl.oauthbearer.client.credentials.client.secret",
                                           "sasl.oauthbearer.assertion.private.key.passphrase"};

/// Others, and some that are a misspelling away.
const std::vector<std::string> kOtherKeys{"basic.auth.user.info",     "listeners.https.ssl.key.password",
                                          "A.ssl.truststore.pasword", "A.consumer.ssl.truststore.pasword",
                                          "A.admin.sasl.jass.config", "B.producer.sasl.password"};

TEST(Secrets, StayHiddenInEverySecretKeyAtEveryPlace) {
  std::string secrets;
  for (const auto& prefix : kPrefixes) {
    secrets += prefix + "ssl.keystore.certificate.chain = not secret\n";
    for (const auto& key : kSecretKeys) {
      constexpr std::string_view kJaas = "PlainLoginModule required username=u password=Hunter2;";
      secrets += fmt::format("{}{} = {}\n", prefix, key, key == "sasl.jaas.config" ? kJaas : kMark);
    }
  }
  for (const auto& key : kOtherKeys) secrets += fmt::format("{} = {}\n", key, kMark);
  for (const auto* protection : {"SSL\n", "SASL_SSL\nsasl.mechanism = PLAIN\n", "nonsense\n"}) {
    const auto text =
        everything_printed(fmt::format("A->B.enabled = true\nsecurity.protocol = {}{}", protection, secrets));
    EXPECT_EQ(text.starts_with("effective"), protection != std::string_view("nonsense\n"));
    EXPECT_EQ(text.find(kMark), std::string::npos) << text;
  }
}

TEST(Secrets, StayHiddenInEveryKeyThatAProviderFills) {
  std::vector<std::string> keys;
  for (const auto& key : connector_keys()) {
    const std::string name(key.name.substr(0, key.name.find('*')));
    keys.push_back(key.name.ends_with('*') ? name + "x" : name);
    keys.push_back("A->B." + keys.back());
  }
  for (const auto& key : worker_keys())
    keys.push_back(fmt::format("B.{}", key.name.substr(0, key.name.find('*'))));
  for (const auto& key : own_keys()) keys.emplace_back(key.name);
  for (const auto& key : client_keys()) {
    keys.push_back(fmt::format("A.consumer.{}", key.name));
    keys.push_back(fmt::format("B.producer.{}", key.name));
  }
  for (const auto& key : common_client_keys()) keys.push_back(fmt::format("A.{}", key));
  for (const auto& key : keys) {
    // Aliases are names: they stand in every message.
    if (key.starts_with("config.providers") || key == "clusters") continue;
    expect_no_mark(
        fmt::format("A->B.enabled = true\nA.security.protocol = SASL_SSL\nA.sasl.mechanism = PLAIN\n"
                    "A.sasl.jaas.config = PlainLoginModule required username=u password=p;\n"
                    "{} = ${{env:MARK}}\n",
                    key));
  }
}

TEST(Secrets, StayHiddenInJaasLinesThatAreWrong) {
  const std::string begin = "A->B.enabled = true\nA.security.protocol = SASL_SSL\nA.sasl.mechanism = PLAIN\n";
  const std::string line =
      fmt::format("PlainLoginModule required username=\"{0}\" password=\"{0}\" {0}='{0}';", kMark);
  for (std::size_t at = 0; at < line.size(); ++at) {
    expect_no_mark(begin + "A.sasl.jaas.config = " + line.substr(0, at));
    expect_no_mark(begin + "A.sasl.jaas.config = " + line.substr(at));
  }
  expect_no_mark(begin + "A.sasl.jaas.config = ${env:JAAS}");
  expect_no_mark(begin + "A.sasl.jaas.config = x required password=\"${env:MARK}\";");
}

TEST(Secrets, StayHiddenWhereALineLostItsPlace) {
  // The backslash at the end of a line was forgotten: the rest is read as keys.
  expect_no_mark(
      "A.sasl.jaas.config = PlainLoginModule required\n  username=\"u\"\n  password=\"Hunter2\";\n");
  expect_no_mark("A.sasl.jaas.config = PlainLoginModule required username=u password= \n  \"Hunter2\";\n");
  expect_no_mark("A.sasl.jaas.config = x\n'Hunter2';\n'Hunter2';\n");
}

TEST(Secrets, StayHiddenWhereTheyLookLikeReferences) {
  expect_no_mark("A.ssl.key.password = x${Hunter2:y}z\n");
  expect_no_mark("A.ssl.key.password = ${Hunter2\nB.ssl.key.password = ${env:Hunter2x\n");
  expect_no_mark("A.consumer.sasl.jaas.config = M required password=\"${x:Hunter2}\";\n");
}

TEST(Secrets, UserNamesAndPathsAreNoSecrets) {
  const auto text = everything_printed(
      "A->B.enabled = true\nA.security.protocol = SSL\nA.ssl.truststore.location = /t.jks\n");
  EXPECT_NE(text.find("/t.jks"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::config
