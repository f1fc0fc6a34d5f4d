#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::net {

/// A private key of a JKS store, still protected, and its certificate chain, own certificate first (DER).
struct JksKey {
  std::string alias;
  ConstBytes protected_key;
  std::vector<ConstBytes> chain;
};

/// What a JKS store holds, in the file's order. The views live as long as the file's bytes.
struct JksStore {
  std::vector<ConstBytes> trusted;  ///< trusted certificates (DER)
  std::vector<JksKey> keys;
};

/// Whether the bytes begin as a JKS store does.
[[nodiscard]] bool is_jks(ConstBytes file);
/// The same for JCEKS, its relative with secret keys, which is not read here.
[[nodiscard]] bool is_jceks(ConstBytes file);

/// Reads Java's own store format, versions 1 and 2. Certificates in it are not encrypted; the password only
/// guards against changes, and without one nothing is checked, as in Java. Certificates and keys are not
/// parsed. Errors: KeyStoreErrc::truncated, damaged, unsupported, wrong_password.
/// Source: the JDK's sun.security.provider.JavaKeyStore.
[[nodiscard]] Result<JksStore> read_jks(ConstBytes file, std::optional<std::string_view> password);

/// The key inside `protected_key`: PKCS8, DER. Errors: KeyStoreErrc::damaged, unsupported,
/// wrong_key_password. Source: the JDK's sun.security.provider.KeyProtector.
[[nodiscard]] Result<Bytes> unprotect_jks_key(ConstBytes protected_key, std::string_view password);

}  // namespace longhaul::net
