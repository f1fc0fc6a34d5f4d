#include "net/sasl.h"

namespace longhaul::net {
namespace {

class SaslCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "sasl"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<SaslErrc>(code)) {
      case SaslErrc::unavailable:
        return "this SASL mechanism cannot be used here";
      case SaslErrc::unusable_credentials:
        return "the credentials cannot be used for SASL authentication";
      case SaslErrc::bad_message:
        return "SASL message that cannot be understood";
      case SaslErrc::weak_server:
        return "the server does not protect passwords as it should";
      case SaslErrc::server_not_authentic:
        return "the server could not prove that it knows the password: it may not be the one it seems to be";
      case SaslErrc::refused:
        return "SASL authentication failed";
      case SaslErrc::internal:
        return "failure of the SASL library";
    }
    return "unknown SASL error";
  }
};

}  // namespace

const boost::system::error_category& sasl_category() {
  static const SaslCategory category;
  return category;
}

std::string_view to_string(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::plain:
      return "PLAIN";
    case SaslMechanism::scram_sha_256:
      return "SCRAM-SHA-256";
    case SaslMechanism::scram_sha_512:
      return "SCRAM-SHA-512";
  }
  return "unknown";
}

std::optional<SaslMechanism> parse_sasl_mechanism(std::string_view name) {
  for (const auto mechanism :
       {SaslMechanism::plain, SaslMechanism::scram_sha_256, SaslMechanism::scram_sha_512}) {
    if (to_string(mechanism) == name) return mechanism;
  }
  return std::nullopt;
}

}  // namespace longhaul::net
