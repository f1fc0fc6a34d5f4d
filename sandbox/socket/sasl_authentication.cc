#include "sandbox/socket/sasl_authentication.h"

#include <utility>

namespace longhaul::sandbox {
namespace {

class SaslAuthenticator final : public Authenticator {
 public:
  explicit SaslAuthenticator(Result<std::unique_ptr<net::SaslServer>> server) : server_(std::move(server)) {}

  [[nodiscard]] Result<Bytes> step(ConstBytes token) override {
    if (!server_) return fail(server_.error());
    return (*server_)->step(token);
  }
  [[nodiscard]] bool done() const override { return server_ && (*server_)->done(); }
  [[nodiscard]] std::string user() const override { return done() ? (*server_)->username() : std::string(); }

 private:
  // A mechanism that this installation lacks is told to the client with its first token.
  Result<std::unique_ptr<net::SaslServer>> server_;
};

}  // namespace

std::shared_ptr<const Authentication> sasl_authentication(const std::vector<net::SaslMechanism>& mechanisms,
                                                          std::shared_ptr<const net::SaslUsers> users,
                                                          milliseconds session_lifetime) {
  auto authentication = std::make_shared<Authentication>();
  for (const auto mechanism : mechanisms) authentication->mechanisms.emplace_back(net::to_string(mechanism));
  authentication->session_lifetime_ms = session_lifetime.count();
  authentication->begin = [users =
                               std::move(users)](const std::string& name) -> std::unique_ptr<Authenticator> {
    const auto mechanism = net::parse_sasl_mechanism(name);
    if (!mechanism) return nullptr;
    return std::make_unique<SaslAuthenticator>(net::make_sasl_server(*mechanism, users, "kafka"));
  };
  return authentication;
}

}  // namespace longhaul::sandbox
