#include "net/sasl.h"

namespace longhaul::net {

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
