#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/key_source.h"
#include "net/openssl.h"

namespace longhaul::net {

/// A private key, the certificate of its public half, and the certificates above that in order.
struct Identity {
  KeyPtr key;
  X509Ptr certificate;
  std::vector<X509Ptr> chain;
  std::string warning;  ///< empty, or what a person should know about the choice that was made
};

/// No store that anybody uses is near this.
inline constexpr std::size_t kKeyStoreBytesMax = std::size_t{16} << 20;

/// Certificates that are trusted by `source`; at least one. As in Java, of a store with private keys the
/// keys' own certificates are trusted too. A PKCS12 store in which nothing carries Java's mark of trust, and
/// no key is, is one that another tool made: all its certificates count. Reads a file, which blocks. Errors:
/// KeyStoreErrc, or the system's for the file; `detail` names the file.
[[nodiscard]] Result<std::vector<X509Ptr>> read_trust(const TrustSource& source);

/// The first private key of `source` and its chain. Errors as above.
[[nodiscard]] Result<Identity> read_identity(const IdentitySource& source);

}  // namespace longhaul::net
