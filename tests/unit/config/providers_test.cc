#include "app/config/providers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "app/config/print.h"
#include "tests/unit/config/loaded.h"

namespace longhaul::config {
namespace {

/// A directory of secrets that is gone after the test.
class Secrets {
 public:
  Secrets() {
    std::string name = testing::TempDir() + "longhaul-secrets-XXXXXX";
    if (!mkdtemp(name.data())) ADD_FAILURE() << "no temporary directory";
    path_ = name;
  }
  ~Secrets() { std::filesystem::remove_all(path_); }
  Secrets(const Secrets&) = delete;
  Secrets& operator=(const Secrets&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

constexpr std::string_view kProviders =
    "config.providers = file, dir, env\n"
    "config.providers.file.class = org.apache.kafka.common.config.provider.FileConfigProvider\n"
    "config.providers.dir.class = org.apache.kafka.common.config.provider.DirectoryConfigProvider\n"
    "config.providers.env.class = org.apache.kafka.common.config.provider.EnvVarConfigProvider\n";

LoadOptions options_with_environment() {
  LoadOptions options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "PASSWORD") return "from-env";
    if (name == "TOPIC") return "orders";
    return std::nullopt;
  };
  return options;
}

/// What `A.client.id`-like free text becomes, with everything a test needs in front.
Setting resolved(const std::string& value, const std::string& more = {}) {
  const auto flow = flow_with(fmt::format("{}{}\nA.consumer.client.id = {}\n", kProviders, more, value),
                              options_with_environment());
  const auto it = flow.source_consumer.raw.find("client.id");
  return it == flow.source_consumer.raw.end() ? Setting{} : it->second;
}

std::string error_with(const std::string& value, const std::string& more = {}) {
  return error_of(fmt::format("{}{}\nA.consumer.client.id = {}\n", kProviders, more, value),
                  options_with_environment());
}

TEST(Providers, FileDeliversAPropertyAsUtf8) {
  const Secrets secrets;
  const auto file = secrets.put("s.properties", "password = p\xc3\xa4ss\nother = x\n");
  EXPECT_EQ(resolved("${file:" + file + ":password}").value, "p\xc3\xa4ss");
}

TEST(Providers, DirectoryDeliversAWholeFileWithItsFinalNewline) {
  const Secrets secrets;
  secrets.put("password", "secret\n");
  EXPECT_EQ(resolved("${dir:" + secrets.path() + ":password}").value, "secret\n");
}

TEST(Providers, TypedOptionsTrimWhatADirectoryDelivers) {
  const Secrets secrets;
  secrets.put("factor", "2\n");
  const auto flow =
      flow_with(fmt::format("{}replication.factor = ${{dir:{}:factor}}", kProviders, secrets.path()));
  EXPECT_EQ(flow.replication_factor, 2);
}

TEST(Providers, DirectoryKeysDoNotLeadOutOfIt) {
  const Secrets secrets;
  secrets.put("password", "secret");
  const auto text = "${dir:" + secrets.path() + "/sub:../password}";
  EXPECT_EQ(resolved(text).value, text);
}

TEST(Providers, EnvironmentDeliversVariables) {
  EXPECT_EQ(resolved("${env:PASSWORD}").value, "from-env");
  EXPECT_EQ(resolved("${env:NOT_SET}").value, "${env:NOT_SET}");
}

TEST(Providers, EnvironmentRefusesAPath) {
  EXPECT_EQ(error_with("${env:x:PASSWORD}"),
            "mm2.properties:9: A.consumer.client.id: ${env:x:PASSWORD}: the path 'x' must be empty: write "
            "${provider:VARIABLE}");
}

TEST(Providers, EnvironmentShowsOnlyAllowedVariables) {
  const std::string allow = "config.providers.env.param.allowlist.pattern = TOP.*";
  EXPECT_EQ(resolved("${env:PASSWORD}", allow).value, "${env:PASSWORD}");
  EXPECT_EQ(resolved("${env:TOPIC}", allow).value, "orders");
  EXPECT_NE(error_with("x", "config.providers.env.param.allowlist.pattern = (").find("at position 2"),
            std::string::npos);
}

TEST(Providers, AllowedPathsHideWhatIsOutside) {
  const Secrets inside;
  const Secrets outside;
  const auto in_file = inside.put("s", "k = in\n");
  const auto out_file = outside.put("s", "k = out\n");
  const auto allow = "config.providers.file.param.allowed.paths = " + inside.path();
  EXPECT_EQ(resolved("${file:" + in_file + ":k}", allow).value, "in");
  EXPECT_EQ(resolved("${file:" + out_file + ":k}", allow).value, "${file:" + out_file + ":k}");
  const auto around =
      inside.path() + "/../" + std::filesystem::path(outside.path()).filename().string() + "/s";
  EXPECT_EQ(resolved("${file:" + around + ":k}", allow).value, "${file:" + around + ":k}");
}

TEST(Providers, AllowedPathsMustBeAbsoluteAndExist) {
  EXPECT_NE(error_with("x", "config.providers.file.param.allowed.paths = rel")
                .find("'rel' is not an absolute path"),
            std::string::npos);
  EXPECT_NE(error_with("x", "config.providers.dir.param.allowed.paths = /no/such/dir").find("does not exist"),
            std::string::npos);
}

TEST(Providers, ReferencesAndTextMix) {
  const Secrets secrets;
  const auto file = secrets.put("s", "user = u\npass = a:b}c\n");
  EXPECT_EQ(resolved("x ${file:" + file + ":user}-${env:PASSWORD} y").value, "x u-from-env y");
  EXPECT_EQ(resolved("${file:" + file + ":pass}").value, "a:b}c");
}

TEST(Providers, ValuesDeliveredAreNotSearchedAgain) {
  const Secrets secrets;
  const auto file = secrets.put("s", "a = ${env:PASSWORD}\n");
  EXPECT_EQ(resolved("${file:" + file + ":a}").value, "${env:PASSWORD}");
}

TEST(Providers, KeysMayContainColonsPathsMayNot) {
  const Secrets secrets;
  const auto file = secrets.put("s", "a\\:b = v\n");
  EXPECT_EQ(resolved("${file:" + file + ":a:b}").value, "v");
}

TEST(Providers, UnknownProvidersAndKeysStayAsTextWithAWarning) {
  const Secrets secrets;
  const auto file = secrets.put("s", "a = b\n");
  EXPECT_EQ(resolved("${vault:x:y}").value, "${vault:x:y}");
  EXPECT_EQ(resolved("${file:" + file + ":nope}").value, "${file:" + file + ":nope}");
  EXPECT_EQ(resolved("${no-colon}").value, "${no-colon}");
  const auto configuration = loaded("A.consumer.client.id = ${vault:x:y}");
  EXPECT_EQ(warnings_of(configuration, WarningKind::value),
            std::vector<std::string>{
                "mm2.properties:4: A.consumer.client.id: ${vault:x:y} stays as text: there is no "
                "provider 'vault' in config.providers"});
}

TEST(Providers, AnUnreadableFileStopsTheLoad) {
  EXPECT_EQ(error_with("${file:/no/such/file:k}"),
            "mm2.properties:9: A.consumer.client.id: ${file:/no/such/file:k}: cannot read /no/such/file: no "
            "such file");
  const Secrets secrets;
  EXPECT_NE(error_with("${file:" + secrets.path() + ":k}").find("it is a directory"), std::string::npos);
}

TEST(Providers, AnUnreadableFileIsAWarningWhenOnlyLooking) {
  const auto configuration =
      loaded(fmt::format("{}A.consumer.client.id = ${{file:/no/such/file:k}}", kProviders),
             {.provider_failure = ProviderFailure::keep, .environment = {}});
  EXPECT_EQ(warnings_of(configuration, WarningKind::value),
            std::vector<std::string>{
                "mm2.properties:8: A.consumer.client.id: ${file:/no/such/file:k} stays as text: "
                "cannot read /no/such/file: no such file"});
}

TEST(Providers, ClassesMustBeNamedAndKnown) {
  EXPECT_EQ(error_of("config.providers = x"),
            "mm2.properties:4: config.providers: provider 'x' has no config.providers.x.class");
  EXPECT_EQ(error_of("config.providers = x\nconfig.providers.x.class = com.example.Vault"),
            "mm2.properties:5: config.providers.x.class: found 'com.example.Vault', accepted: "
            "org.apache.kafka.common.config.provider.FileConfigProvider, "
            "org.apache.kafka.common.config.provider.DirectoryConfigProvider, "
            "org.apache.kafka.common.config.provider.EnvVarConfigProvider");
}

TEST(Secrets, NeverShowInPrintOrErrors) {
  const Secrets secrets;
  const auto file = secrets.put("s", "p = topsecret1\nn = topsecret2\nx = (topsecret4\n");
  const auto configuration = loaded(
      fmt::format("{0}A->B.enabled = true\nA.security.protocol = SASL_SSL\nA.ssl.key.password = topsecret3\n"
                  "A.sasl.jaas.config = Module required password=\"${{file:{1}:p}}\";\nA.consumer.client.id "
                  "= ${{file:{1}:n}}\n",
                  kProviders, file));
  const auto text = print(configuration);
  EXPECT_EQ(text.find("topsecret"), std::string::npos) << text;
  EXPECT_NE(text.find("sasl.jaas.config"), std::string::npos);
  EXPECT_NE(text.find("[hidden]"), std::string::npos);

  const auto error_for = [&](std::string_view line) {
    return error_of(
        fmt::format("{}{}", kProviders, fmt::format(fmt::runtime(line), "${file:" + file + ":x}")));
  };
  for (const auto* line :
       {"topics = {}", "replication.policy.class = {}", "A.bootstrap.servers = {}", "tasks.max = {}",
        "B.security.protocol = {}", "A->B.enabled = {}", "longhaul.memory.max = {}"}) {
    const auto text_of_error = error_for(line);
    EXPECT_NE(text_of_error, "loads") << line;
    EXPECT_EQ(text_of_error.find("topsecret"), std::string::npos) << text_of_error;
  }

  const auto error = error_of(fmt::format("{}replication.factor = ${{file:{}:n}}", kProviders, file));
  EXPECT_EQ(error,
            "mm2.properties:8: replication.factor: found '[hidden]', accepted: -1 (the broker's default) or "
            "a whole "
            "number from 1 to 32767");
}

}  // namespace
}  // namespace longhaul::config
