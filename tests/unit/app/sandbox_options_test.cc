#include "app/sandbox_options.h"

#include <gtest/gtest.h>

namespace longhaul::app {
namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error().message();
}

TEST(SandboxCluster, IsANameWithANumberOfBrokers) {
  const auto plain = parse_sandbox_cluster("east");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "east");
  EXPECT_EQ(plain->brokers, 1);
  const auto three = parse_sandbox_cluster("us-west_2:3");
  ASSERT_TRUE(three);
  EXPECT_EQ(three->name, "us-west_2");
  EXPECT_EQ(three->brokers, 3);
  for (const auto* text : {"", ":3", "a b", "a.b", "A:", "A:0", "A:65", "A:-1", "A:3x", "A:1:2"})
    EXPECT_FALSE(parse_sandbox_cluster(text)) << text;
}

const std::vector<SandboxCluster> kClusters = {{.name = "A"}, {.name = "B", .brokers = 3}};

TEST(SandboxGeneration, FillsTheFirstClusterUnlessAnotherIsNamed) {
  const auto plain = parse_sandbox_generation("orders:4", kClusters);
  ASSERT_TRUE(plain) << error_of(plain);
  EXPECT_EQ(plain->cluster, "A");
  ASSERT_EQ(plain->options.topics.size(), 1u);
  EXPECT_EQ(plain->options.topics[0].name, "orders");
  EXPECT_EQ(plain->options.topics[0].partitions, 4);
  EXPECT_EQ(plain->options.records, 100'000);
  EXPECT_FALSE(plain->options.rate);
  const auto other = parse_sandbox_generation("B/clicks,rate=50,size=10-20,codec=zstd,seed=9", kClusters);
  ASSERT_TRUE(other) << error_of(other);
  EXPECT_EQ(other->cluster, "B");
  EXPECT_EQ(other->options.topics[0].name, "clicks");
  EXPECT_FALSE(other->options.topics[0].partitions);
  EXPECT_FALSE(other->options.records) << "with a rate it goes on for ever";
  EXPECT_EQ(other->options.rate, 50);
  EXPECT_EQ(other->options.size.largest, 20u);
  EXPECT_EQ(other->options.codecs, std::vector{codecs::Compression::zstd});
  EXPECT_EQ(other->options.seed, 9u);
}

TEST(SandboxGeneration, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(error_of(parse_sandbox_generation("C/t", kClusters)),
            "there is no cluster 'C' to generate 't' on");
  EXPECT_EQ(error_of(parse_sandbox_generation("t,records", kClusters)),
            "'records' in 't,records' is not NAME=VALUE");
  EXPECT_EQ(error_of(parse_sandbox_generation("t,speed=3", kClusters)),
            "'speed' is none of records, rate, size, codec, mix, seed, batch-bytes");
  EXPECT_EQ(error_of(parse_sandbox_generation("t,records=many", kClusters)),
            "'many' is no value for records");
  for (const auto* text : {"", "t:0", "t,rate=0", "t,rate=-1", "t,rate=nan", "t,seed=x", "t,batch-bytes=0",
                           "t,size=9-1", "t,codec=rar"})
    EXPECT_FALSE(parse_sandbox_generation(text, kClusters)) << text;
}

TEST(ParseMemory, KnowsUnitsAndLimits) {
  EXPECT_EQ(parse_memory("1048576"), std::size_t{1} << 20);
  EXPECT_EQ(parse_memory("2048K"), std::size_t{2} << 20);
  EXPECT_EQ(parse_memory("64M"), std::size_t{64} << 20);
  EXPECT_EQ(parse_memory("2G"), std::size_t{2} << 30);
  for (const auto* text : {"", "G", "1000", "1.5G", "-1G", "99999999999999G", "1T"})
    EXPECT_FALSE(parse_memory(text)) << text;
}

TEST(SandboxUser, ErrorsDoNotRepeatThePassword) {
  const auto user = parse_sandbox_user("ann:se:cret");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "ann");
  EXPECT_EQ(user->password.reveal(), "se:cret");
  for (const auto* text : {":secret", "secret", "secret:"})
    EXPECT_EQ(error_of(parse_sandbox_user(text)), "--user wants NAME:PASSWORD");
}

TEST(CheckSandboxOptions, SaysWhatDoesNotGoTogether) {
  const SandboxOptions base{.clusters = kClusters};
  EXPECT_EQ(error_of(check_sandbox_options(base)), "");
  auto options = base;
  options.clusters.push_back({.name = "A"});
  EXPECT_EQ(error_of(check_sandbox_options(options)), "cluster A is named twice");
  options = base;
  options.port = 65'532;
  EXPECT_EQ(error_of(check_sandbox_options(options)), "");
  options.port = 65'533;
  EXPECT_EQ(error_of(check_sandbox_options(options)), "--port 65533 leaves no room for 4 brokers");
  options = base;
  options.session_lifetime = milliseconds(1000);
  EXPECT_EQ(error_of(check_sandbox_options(options)),
            "--reauthenticate needs --security SASL_PLAINTEXT or SASL_SSL, not PLAINTEXT");
  options = base;
  options.protocol = SecurityProtocol::ssl;
  EXPECT_EQ(error_of(check_sandbox_options(options)),
            "--security SSL needs a certificate: --tls-directory DIR makes one, --keystore FILE brings one");
  options.tls_directory = "dir";
  EXPECT_EQ(error_of(check_sandbox_options(options)), "");
  options.protocol = SecurityProtocol::sasl_ssl;
  EXPECT_EQ(error_of(check_sandbox_options(options)),
            "--security SASL_SSL needs at least one --user NAME:PASSWORD");
  options.protocol = SecurityProtocol::plaintext;
  EXPECT_EQ(error_of(check_sandbox_options(options)),
            "certificates need --security SSL or SASL_SSL, not PLAINTEXT");
  options = base;
  options.users.push_back({"ann", Secret("x")});
  EXPECT_EQ(error_of(check_sandbox_options(options)),
            "--user and --mechanism need --security SASL_PLAINTEXT or SASL_SSL, not PLAINTEXT");
}

}  // namespace
}  // namespace longhaul::app
