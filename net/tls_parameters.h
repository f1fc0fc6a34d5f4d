#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/openssl.h"

namespace longhaul::net {

/// Versions and cipher suites of a context. Versions are "TLSv1.2" and "TLSv1.3"; older ones are left out
/// with a line in `warnings`. Cipher suites carry IANA's names, as in Java, or OpenSSL's; a version none of
/// whose suites is listed is switched off, as it is in Java. Errors: NetErrc::tls_failed for a name that does
/// not exist, or when nothing remains.
[[nodiscard]] Result<void> set_parameters(SSL_CTX& context, const std::vector<std::string>& protocols,
                                          const std::vector<std::string>& cipher_suites,
                                          std::vector<std::string>& warnings);

}  // namespace longhaul::net
