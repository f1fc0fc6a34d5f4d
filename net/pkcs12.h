#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/openssl.h"

namespace longhaul::net {

struct Pkcs12Certificate {
  X509Ptr certificate;
  std::string local_key_id;  ///< pairs a certificate with its key; empty for none
  bool trusted = false;      ///< carries Java's mark of a trusted certificate entry
};

struct Pkcs12Key {
  KeyPtr key;  ///< null where it was not to be decrypted
  std::string alias;
  std::string local_key_id;
};

/// What a PKCS12 store holds, in the file's order.
struct Pkcs12Store {
  std::vector<Pkcs12Certificate> certificates;
  std::vector<Pkcs12Key> keys;
};

struct Pkcs12Passwords {
  std::optional<std::string_view> store;
  std::optional<std::string_view> key;  ///< without one, the store's
};

enum class Pkcs12Keys { skip, decrypt_first };

/// Reads a PKCS12 store (RFC 7292), whoever made it: keytool, openssl, Windows. Without a password only what
/// is not encrypted can be read, and the integrity check is left out. Errors: KeyStoreErrc::not_a_key_store,
/// truncated, damaged, unsupported, password_missing, wrong_password, wrong_key_password.
[[nodiscard]] Result<Pkcs12Store> read_pkcs12(ConstBytes file, const Pkcs12Passwords& passwords,
                                              Pkcs12Keys keys);

}  // namespace longhaul::net
