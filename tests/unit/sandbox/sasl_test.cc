#include <gtest/gtest.h>

#include "tests/support/sandbox_driver.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;
using testing::SandboxDriver;

/// One token, which is the password; the answer is empty.
class PasswordOnly final : public Authenticator {
 public:
  Result<Bytes> step(ConstBytes token) override {
    if (as_text(token) != "secret") return fail(KafkaErrc::sasl_authentication_failed, "wrong password");
    is_done_ = true;
    return Bytes();
  }
  bool done() const override { return is_done_; }
  std::string user() const override { return "alice"; }

 private:
  bool is_done_ = false;
};

ClusterOptions secured(std::int64_t lifetime_ms) {
  auto authentication = std::make_shared<Authentication>();
  authentication->mechanisms = {"PLAIN"};
  authentication->begin = [](const std::string&) { return std::make_unique<PasswordOnly>(); };
  authentication->session_lifetime_ms = lifetime_ms;
  return {.authentication = authentication};
}

class SaslTest : public ::testing::Test {
 protected:
  KafkaErrc shake(const std::string& mechanism = "PLAIN") {
    return driver.call(client, protocol::SaslHandshakeRequest{.mechanism = mechanism}, 1).error_code;
  }
  void send_token(std::string_view token) {
    protocol::SaslAuthenticateRequest request;
    const auto bytes = as_bytes(token);
    request.auth_bytes.assign(bytes.begin(), bytes.end());
    driver.send(client, request, 2);
  }
  void authenticate() {
    EXPECT_EQ(shake(), KafkaErrc::none);
    send_token("secret");
    EXPECT_EQ(driver.take<protocol::SaslAuthenticateRequest>(client, 2)->error_code, KafkaErrc::none);
  }
  bool serves() {
    driver.send(client, protocol::MetadataRequest{}, 9);
    return driver.take<protocol::MetadataRequest>(client, 9).has_value();
  }

  SandboxDriver driver{secured(10'000)};
  ConnectionId client = driver.connect();
};

TEST_F(SaslTest, ServesWhoHasAuthenticated) {
  EXPECT_FALSE(driver.call(client, protocol::ApiVersionsRequest{}, 0).api_keys.empty());
  authenticate();
  EXPECT_TRUE(serves());
}

TEST_F(SaslTest, ServesNobodyElse) {
  EXPECT_FALSE(serves());
  EXPECT_TRUE(driver.is_closed(client));
}

TEST_F(SaslTest, NamesItsMechanisms) {
  const auto response = driver.call(client, protocol::SaslHandshakeRequest{.mechanism = "GSSAPI"}, 1);
  EXPECT_EQ(response.error_code, KafkaErrc::unsupported_sasl_mechanism);
  EXPECT_EQ(response.mechanisms, std::vector<std::string>{"PLAIN"});
}

TEST_F(SaslTest, AWrongPasswordIsAnsweredLateAndCloses) {
  EXPECT_EQ(shake(), KafkaErrc::none);
  send_token("guess");
  driver.advance(milliseconds(99));
  EXPECT_EQ(driver.frames(client), 0U);
  driver.advance(milliseconds(1));
  const auto response = driver.take<protocol::SaslAuthenticateRequest>(client, 2);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, KafkaErrc::sasl_authentication_failed);
  EXPECT_EQ(response->error_message, "wrong password");
  EXPECT_TRUE(driver.is_closed(client));
}

TEST_F(SaslTest, ATokenNeedsAHandshake) {
  send_token("secret");
  driver.advance(milliseconds(100));
  EXPECT_EQ(driver.take<protocol::SaslAuthenticateRequest>(client, 2)->error_code,
            KafkaErrc::illegal_sasl_state);
}

TEST_F(SaslTest, ASessionEndsUnlessItIsRenewed) {
  authenticate();
  driver.advance(milliseconds(9'000));
  authenticate();
  driver.advance(milliseconds(9'000));
  EXPECT_TRUE(serves());
  driver.advance(milliseconds(1'000));
  EXPECT_FALSE(serves());
  EXPECT_TRUE(driver.is_closed(client));
}

TEST_F(SaslTest, WithoutAuthenticationThereIsNoHandshake) {
  SandboxDriver open;
  const auto connection = open.connect();
  EXPECT_EQ(open.call(connection, protocol::SaslHandshakeRequest{.mechanism = "PLAIN"}, 1).error_code,
            KafkaErrc::illegal_sasl_state);
}

}  // namespace
}  // namespace longhaul::sandbox
