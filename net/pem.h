#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/openssl.h"

namespace longhaul::net {

/// Whether there is a PEM block in it.
[[nodiscard]] bool is_pem(ConstBytes file);

/// All certificates of a PEM text in its order; other blocks and text between them are skipped. Line breaks
/// inside a block may be missing or blanks, as they are where properties files hold a block in one line.
/// Errors: KeyStoreErrc::truncated (a block without its end), damaged, no_certificate.
[[nodiscard]] Result<std::vector<X509Ptr>> pem_certificates(std::string_view text);

/// The first private key of a PEM text: PKCS8, encrypted PKCS8 or the traditional forms of OpenSSL. Errors:
/// KeyStoreErrc::no_key, truncated, damaged, unsupported, password_missing, wrong_key_password.
[[nodiscard]] Result<KeyPtr> pem_key(std::string_view text, std::optional<std::string_view> password);

}  // namespace longhaul::net
