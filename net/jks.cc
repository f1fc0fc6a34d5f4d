#include "net/jks.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "net/error.h"
#include "net/openssl.h"

namespace longhaul::net {
namespace {

constexpr std::uint32_t kMagic = 0xfeedfeed;
constexpr std::uint32_t kMagicJceks = 0xcececece;
constexpr std::uint32_t kKeyEntry = 1;
constexpr std::uint32_t kCertificateEntry = 2;
constexpr std::size_t kHashSize = 20;
/// Java mixes this into the digest of the store, so that it differs from one made by a plain SHA-1.
constexpr std::string_view kWhitener = "Mighty Aphrodite";
/// Sun's key protector, an OID below the company's own arc; the only algorithm that JKS stores use.
constexpr std::string_view kKeyProtectorOid = "1.3.6.1.4.1.42.2.17.1.1";

using Hash = std::array<std::byte, kHashSize>;

bool begins_with(ConstBytes file, std::uint32_t magic) {
  return file.size() >= sizeof magic && load_be<std::uint32_t>(file) == magic;
}

/// SHA-1 over all parts. It is broken as a signature; here it is what the format says.
Hash sha1(std::initializer_list<ConstBytes> parts) {
  const std::unique_ptr<EVP_MD_CTX, OpensslFree<&EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  Hash hash;
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr) == 1;
  for (const auto part : parts) ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  ok = ok && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr) == 1;
  LH_CHECK(ok);
  return hash;
}

void append_utf16(Bytes& out, std::uint32_t unit) {
  out.push_back(static_cast<std::byte>(unit >> 8));
  out.push_back(static_cast<std::byte>(unit));
}

/// The password as Java hashes it: UTF-16, big endian. A byte that is no UTF-8 counts as U+FFFD, as Java
/// would have read it.
Bytes utf16_of(std::string_view text) {
  constexpr std::uint32_t kReplacement = 0xfffd;
  constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  Bytes out;
  out.reserve(2 * text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    std::uint32_t code = length < 2 ? lead : lead & (0x7fU >> length);
    bool valid = length > 0 && at + length <= text.size();
    for (std::size_t i = 1; valid && i < length; ++i) {
      const auto next = static_cast<std::uint8_t>(text[at + i]);
      valid = next >> 6 == 2;
      code = code << 6 | (next & 0x3fU);
    }
    valid = valid && code >= kSmallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    if (!valid) {
      code = kReplacement;
      length = 1;
    }
    if (code < 0x10000) {
      append_utf16(out, code);
    } else {
      append_utf16(out, 0xd800 + ((code - 0x10000) >> 10));
      append_utf16(out, 0xdc00 + (code & 0x3ff));
    }
    at += length;
  }
  return out;
}

/// Reads the store's fields in order; after the first one that is not all there, everything is empty and
/// `ok()` false.
class FieldReader {
 public:
  explicit FieldReader(ConstBytes in) : in_(in) {}

  template <std::unsigned_integral T>
  T number() {
    const auto bytes = take(sizeof(T));
    return bytes.empty() ? T{0} : load_be<T>(bytes);
  }
  /// Bytes behind their 4-byte length.
  ConstBytes blob() { return take(number<std::uint32_t>()); }
  /// Text behind its 2-byte length, in Java's modified UTF-8.
  std::string text() { return std::string(as_text(take(number<std::uint16_t>()))); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] ConstBytes rest() const { return in_.subspan(at_); }

 private:
  ConstBytes take(std::size_t size) {
    if (!ok_ || size > in_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return in_.subspan(at_ - size, size);
  }

  ConstBytes in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// One certificate; version 1 of the format had nothing but X.509 and did not say so.
Result<ConstBytes> read_certificate(FieldReader& in, std::uint32_t version) {
  if (version == 2) {
    const auto type = in.text();
    if (in.ok() && type != "X.509") return fail(KeyStoreErrc::unsupported, "certificate type in JKS");
  }
  return in.blob();
}

Result<void> read_entry(FieldReader& in, std::uint32_t version, JksStore& store) {
  const auto tag = in.number<std::uint32_t>();
  if (in.ok() && tag != kKeyEntry && tag != kCertificateEntry) {
    return fail(KeyStoreErrc::damaged, "JKS entry of unknown kind {}", tag);
  }
  auto alias = in.text();
  [[maybe_unused]] const auto created_ms = in.number<std::uint64_t>();
  if (tag == kCertificateEntry) {
    LH_TRY(const auto certificate, read_certificate(in, version));
    if (in.ok()) store.trusted.push_back(certificate);
    return {};
  }
  JksKey key{std::move(alias), in.blob(), {}};
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    LH_TRY(const auto certificate, read_certificate(in, version));
    if (in.ok()) key.chain.push_back(certificate);
  }
  if (in.ok()) store.keys.push_back(std::move(key));
  return {};
}

/// The octets that the key protector made, out of their EncryptedPrivateKeyInfo.
Result<ConstBytes> protected_octets(const X509_SIG& info) {
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* octets = nullptr;
  X509_SIG_get0(&info, &algorithm, &octets);
  const ASN1_OBJECT* oid = nullptr;
  X509_ALGOR_get0(&oid, nullptr, nullptr, algorithm);
  std::array<char, 80> name{};
  OBJ_obj2txt(name.data(), static_cast<int>(name.size()), oid, 1);
  if (name.data() != kKeyProtectorOid) {
    return fail(KeyStoreErrc::unsupported, "key protection {}", name.data());
  }
  return std::as_bytes(
      std::span(ASN1_STRING_get0_data(octets), static_cast<std::size_t>(ASN1_STRING_length(octets))));
}

}  // namespace

bool is_jks(ConstBytes file) {
  return begins_with(file, kMagic);
}

bool is_jceks(ConstBytes file) {
  return begins_with(file, kMagicJceks);
}

Result<JksStore> read_jks(ConstBytes file, std::optional<std::string_view> password) {
  FieldReader in(file);
  if (in.number<std::uint32_t>() != kMagic) return fail(KeyStoreErrc::not_a_key_store);
  const auto version = in.number<std::uint32_t>();
  if (in.ok() && version != 1 && version != 2) {
    return fail(KeyStoreErrc::unsupported, "JKS version {}", version);
  }
  JksStore store;
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) LH_TRY_VOID(read_entry(in, version, store));
  if (!in.ok() || in.rest().size() < kHashSize) return fail(KeyStoreErrc::truncated);
  if (!password) return store;

  auto secret = utf16_of(*password);
  const auto digest = sha1({secret, as_bytes(kWhitener), file.first(in.position())});
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!std::ranges::equal(digest, in.rest().first(kHashSize))) return fail(KeyStoreErrc::wrong_password);
  return store;
}

Result<Bytes> unprotect_jks_key(ConstBytes protected_key, std::string_view password) {
  const auto* at = reinterpret_cast<const unsigned char*>(protected_key.data());
  const EncryptedPtr info(d2i_X509_SIG(nullptr, &at, static_cast<long>(protected_key.size())));
  if (info == nullptr) return fail(KeyStoreErrc::damaged, "private key in JKS: {}", openssl_reason());
  LH_TRY(const auto octets, protected_octets(*info));
  if (octets.size() < 2 * kHashSize) return fail(KeyStoreErrc::damaged, "private key in JKS");

  // Salt, the key under a stream of chained hashes that begins with the salt, and a hash of the plain key.
  auto secret = utf16_of(password);
  auto plain = Bytes(octets.begin() + kHashSize, octets.end() - kHashSize);
  Hash mask;
  std::copy_n(octets.begin(), kHashSize, mask.begin());
  for (std::size_t at_byte = 0; at_byte < plain.size(); ++at_byte) {
    if (at_byte % kHashSize == 0) mask = sha1({secret, mask});
    plain[at_byte] ^= mask[at_byte % kHashSize];
  }
  const auto check = sha1({secret, plain});
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!std::ranges::equal(check, octets.last(kHashSize))) {
    OPENSSL_cleanse(plain.data(), plain.size());
    return fail(KeyStoreErrc::wrong_key_password);
  }
  return plain;
}

}  // namespace longhaul::net
