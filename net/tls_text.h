#pragma once

#include <string>

#include "net/openssl.h"

namespace longhaul::net {

/// The certificate's owner in one line, as "CN = broker-1, O = Example".
[[nodiscard]] std::string subject_of(const X509& certificate);
/// The same for who signed it.
[[nodiscard]] std::string issuer_of(const X509& certificate);

/// The names and addresses that the certificate is for, comma-separated; the common name where there are
/// none, for that is what is compared then. What the peer wrote is shown as printable ASCII and not at
/// length.
[[nodiscard]] std::string names_of(const X509& certificate);

/// As "2026-01-31T12:00:00Z".
[[nodiscard]] std::string time_text(const ASN1_TIME* time);

}  // namespace longhaul::net
