#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "net/openssl.h"

namespace longhaul::net {

/// What key material is read with: OpenSSL's algorithms and, where they are installed, the legacy ones that
/// old tools encrypted stores with (RC2, single DES). A library context of its own, so that nothing legacy
/// becomes available to connections.
class ReadingLibrary {
 public:
  ReadingLibrary();
  ~ReadingLibrary();
  ReadingLibrary(const ReadingLibrary&) = delete;
  ReadingLibrary& operator=(const ReadingLibrary&) = delete;

  [[nodiscard]] OSSL_LIB_CTX* context() const { return context_; }

 private:
  OSSL_LIB_CTX* context_;
  OSSL_PROVIDER* usual_ = nullptr;
  OSSL_PROVIDER* legacy_ = nullptr;
};

/// More rounds of hashing a password than this are refused, as Java refuses them: a file must not be able to
/// keep a core busy for hours.
inline constexpr long kIterationsMax = 5'000'000;

/// KeyStoreErrc::unsupported when the algorithm asks for more than kIterationsMax rounds.
[[nodiscard]] Result<void> check_iterations(const X509_ALGOR& algorithm);

/// An encrypted PKCS8 key. Errors: KeyStoreErrc::password_missing, wrong_key_password, unsupported.
[[nodiscard]] Result<Pkcs8Ptr> decrypt_key(const X509_SIG& encrypted,
                                           std::optional<std::string_view> password,
                                           const ReadingLibrary& library);

/// The key in `info`, for the library that connections use. Errors: KeyStoreErrc::damaged.
[[nodiscard]] Result<KeyPtr> key_of(const PKCS8_PRIV_KEY_INFO& info);

}  // namespace longhaul::net
