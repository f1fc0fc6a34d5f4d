#include "net/tls.h"

namespace longhaul::net {

bool looks_like_tls(ConstBytes received) {
  constexpr auto kAlert = std::byte{21};
  constexpr auto kHandshake = std::byte{22};
  constexpr auto kMajorVersion = std::byte{3};  // Of every version from SSL 3.0 to TLS 1.3.
  return received.size() >= 3 && (received[0] == kAlert || received[0] == kHandshake) &&
         received[1] == kMajorVersion && received[2] <= std::byte{4};
}

}  // namespace longhaul::net
