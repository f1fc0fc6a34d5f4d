#pragma once

#include <optional>
#include <string>

#include "base/secret.h"

namespace longhaul::net {

/// Certificates to trust: PEM text, or a file whose content says whether it is PEM, PKCS12 or JKS. Exactly
/// one of `pem` and `path` is given.
struct TrustSource {
  std::string pem;
  std::string path;
  std::optional<Secret> password;  ///< without one, a JKS store is read without its integrity check
};

/// A private key with its certificate chain: two PEM texts, or a file whose content says whether it is PEM,
/// PKCS12 or JKS.
struct IdentitySource {
  Secret pem_key;
  std::string pem_chain;
  std::string path;
  std::optional<Secret> store_password;
  std::optional<Secret> key_password;  ///< without one, the store's password is tried
};

}  // namespace longhaul::net
