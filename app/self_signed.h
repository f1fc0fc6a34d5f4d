#pragma once

#include <string>

#include "base/result.h"

namespace longhaul::app {

/// Certificates for trying TLS out on this machine, made anew with each call, as PEM files of one directory.
struct SelfSignedFiles {
  std::string authority;  ///< ca.pem: what both sides trust
  std::string server;     ///< server.pem: key and certificate for localhost, 127.0.0.1 and ::1
  std::string client;     ///< client.pem: key and certificate, for mutual TLS
};

/// Makes an authority, whose key is forgotten at once, and a server's and a client's certificate of it; valid
/// from yesterday on for a year. Creates `directory` where it is missing; only the owner may read the keys.
[[nodiscard]] Result<SelfSignedFiles> make_self_signed(const std::string& directory);

}  // namespace longhaul::app
