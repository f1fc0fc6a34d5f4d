#include "net/key_store.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "net/error.h"
#include "net/jks.h"
#include "net/pem.h"
#include "net/pkcs12.h"

namespace longhaul::net {
namespace {

using X509List = std::vector<X509Ptr>;

std::optional<std::string_view> text_of(const std::optional<Secret>& secret) {
  return secret ? std::optional(secret->reveal()) : std::nullopt;
}

/// The file's content, as a secret because there may be a key in it.
Result<Secret> read_file(const std::string& path) {
  const auto system_error = [] { return ErrorCode(errno, boost::system::system_category()); };
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return fail(system_error());
  std::string content;
  std::string piece(64 * 1024, '\0');
  while (const auto size = std::fread(piece.data(), 1, piece.size(), file.get())) {
    if (content.size() + size > kKeyStoreBytesMax) return fail(KeyStoreErrc::too_large);
    content.append(piece, 0, size);
  }
  const auto ec = system_error();
  const bool failed = std::ferror(file.get()) != 0;
  Secret::wipe(piece);
  if (failed) return fail(ec);
  if (content.empty()) return fail(KeyStoreErrc::not_a_key_store, "empty file");
  return Secret(std::move(content));
}

enum class Format { pem, pkcs12, jks };

Result<Format> format_of(ConstBytes file) {
  constexpr auto kDerSequence = std::byte{0x30};
  if (is_jks(file)) return Format::jks;
  if (is_jceks(file)) {
    return fail(KeyStoreErrc::unsupported, "JCEKS store (keytool -importkeystore makes a PKCS12 of it)");
  }
  if (is_pem(file)) return Format::pem;
  if (file.front() == kDerSequence) return Format::pkcs12;
  return fail(KeyStoreErrc::not_a_key_store);
}

Result<X509Ptr> parse_certificate(ConstBytes der) {
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) return fail(KeyStoreErrc::damaged, "certificate: {}", openssl_reason());
  return certificate;
}

/// The certificate of `key` among `candidates`, and those that lead on from it, in order.
Result<Identity> assemble(KeyPtr key, X509List candidates) {
  const auto own = std::ranges::find_if(candidates, [&key](const X509Ptr& certificate) {
    return X509_check_private_key(certificate.get(), key.get()) == 1;
  });
  ERR_clear_error();
  if (own == candidates.end()) {
    return fail(candidates.empty() ? KeyStoreErrc::no_certificate : KeyStoreErrc::key_mismatch);
  }
  Identity identity{std::move(key), std::move(*own), {}, {}};
  candidates.erase(own);
  X509* last = identity.certificate.get();
  // The end is a certificate that signed itself, whose copies would follow it for ever.
  while (X509_check_issued(last, last) != X509_V_OK) {
    const auto issuer = std::ranges::find_if(candidates, [last](const X509Ptr& candidate) {
      return X509_check_issued(candidate.get(), last) == X509_V_OK;
    });
    if (issuer == candidates.end()) break;
    last = issuer->get();
    identity.chain.push_back(std::move(*issuer));
    candidates.erase(issuer);
  }
  return identity;
}

std::string several_keys(std::size_t count, std::string_view chosen) {
  return count < 2 ? "" : fmt::format("{} private keys in it, '{}' is used", count, chosen);
}

// --- trust ---

Result<X509List> trust_of_jks(ConstBytes file, std::optional<std::string_view> password) {
  LH_TRY(const auto store, read_jks(file, password));
  X509List trusted;
  for (const auto der : store.trusted) {
    LH_TRY(auto certificate, parse_certificate(der));
    trusted.push_back(std::move(certificate));
  }
  for (const auto& key : store.keys) {
    if (key.chain.empty()) continue;
    LH_TRY(auto certificate, parse_certificate(key.chain.front()));
    trusted.push_back(std::move(certificate));
  }
  return trusted;
}

Result<X509List> trust_of_pkcs12(ConstBytes file, std::optional<std::string_view> password) {
  LH_TRY(auto store, read_pkcs12(file, {.store = password}, Pkcs12Keys::skip));
  const auto is_of_a_key = [&store](const Pkcs12Certificate& entry) {
    return std::ranges::any_of(store.keys, [&entry](const Pkcs12Key& key) {
      return !entry.local_key_id.empty() && key.local_key_id == entry.local_key_id;
    });
  };
  const bool marks = std::ranges::any_of(store.certificates, &Pkcs12Certificate::trusted);
  const bool all = !marks && store.keys.empty();
  X509List trusted;
  for (auto& entry : store.certificates) {
    if (all || entry.trusted || is_of_a_key(entry)) trusted.push_back(std::move(entry.certificate));
  }
  return trusted;
}

Result<X509List> trust_of(ConstBytes file, std::optional<std::string_view> password) {
  LH_TRY(const auto format, format_of(file));
  switch (format) {
    case Format::pem:
      return pem_certificates(as_text(file));
    case Format::pkcs12:
      return trust_of_pkcs12(file, password);
    case Format::jks:
      break;
  }
  return trust_of_jks(file, password);
}

// --- identity ---

struct Passwords {
  std::optional<std::string_view> store;
  std::optional<std::string_view> key;
};

Result<Identity> identity_of_pem(std::string_view key_text, std::string_view chain_text,
                                 const Passwords& passwords) {
  LH_TRY(auto key, pem_key(key_text, passwords.key ? passwords.key : passwords.store));
  LH_TRY(auto certificates, pem_certificates(chain_text));
  return assemble(std::move(key), std::move(certificates));
}

Result<Identity> identity_of_jks(ConstBytes file, const Passwords& passwords) {
  LH_TRY(const auto store, read_jks(file, passwords.store));
  if (store.keys.empty()) return fail(KeyStoreErrc::no_key);
  const auto& entry = store.keys.front();
  const auto password = passwords.key ? passwords.key : passwords.store;
  if (!password) return fail(KeyStoreErrc::password_missing, "private key");
  LH_TRY(auto plain, unprotect_jks_key(entry.protected_key, *password));
  const auto* at = reinterpret_cast<const unsigned char*>(plain.data());
  ERR_clear_error();
  KeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(plain.size())));
  OPENSSL_cleanse(plain.data(), plain.size());
  if (key == nullptr) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
  X509List chain;
  for (const auto der : entry.chain) {
    LH_TRY(auto certificate, parse_certificate(der));
    chain.push_back(std::move(certificate));
  }
  LH_TRY(auto identity, assemble(std::move(key), std::move(chain)));
  identity.warning = several_keys(store.keys.size(), entry.alias);
  return identity;
}

Result<Identity> identity_of_pkcs12(ConstBytes file, const Passwords& passwords) {
  LH_TRY(auto store,
         read_pkcs12(file, {.store = passwords.store, .key = passwords.key}, Pkcs12Keys::decrypt_first));
  if (store.keys.empty()) return fail(KeyStoreErrc::no_key);
  X509List certificates;
  for (auto& entry : store.certificates) certificates.push_back(std::move(entry.certificate));
  auto& first = store.keys.front();
  LH_TRY(auto identity, assemble(std::move(first.key), std::move(certificates)));
  identity.warning = several_keys(store.keys.size(), first.alias);
  return identity;
}

Result<Identity> identity_of(ConstBytes file, const Passwords& passwords) {
  LH_TRY(const auto format, format_of(file));
  switch (format) {
    case Format::pem:
      return identity_of_pem(as_text(file), as_text(file), passwords);
    case Format::pkcs12:
      return identity_of_pkcs12(file, passwords);
    case Format::jks:
      break;
  }
  return identity_of_jks(file, passwords);
}

template <class T>
Result<T> named(Result<T> result, std::string_view what, const std::string& path) {
  if (result) return result;
  if (path.empty()) return in_context(std::move(result).error(), "{}", what);
  return in_context(std::move(result).error(), "{} {}", what, path);
}

}  // namespace

Result<std::vector<X509Ptr>> read_trust(const TrustSource& source) {
  constexpr std::string_view kWhat = "trusted certificates";
  if (source.path.empty()) return named(pem_certificates(source.pem), kWhat, "");
  auto content = read_file(source.path);
  if (!content) return named<X509List>(std::unexpected(std::move(content).error()), kWhat, source.path);
  auto trusted = trust_of(as_bytes(content->reveal()), text_of(source.password));
  if (trusted && trusted->empty()) trusted = fail(KeyStoreErrc::no_certificate);
  return named(std::move(trusted), kWhat, source.path);
}

Result<Identity> read_identity(const IdentitySource& source) {
  constexpr std::string_view kWhat = "key store";
  const Passwords passwords{text_of(source.store_password), text_of(source.key_password)};
  if (source.path.empty()) {
    return named(identity_of_pem(source.pem_key.reveal(), source.pem_chain, passwords), kWhat, "");
  }
  auto content = read_file(source.path);
  if (!content) return named<Identity>(std::unexpected(std::move(content).error()), kWhat, source.path);
  return named(identity_of(as_bytes(content->reveal()), passwords), kWhat, source.path);
}

}  // namespace longhaul::net
