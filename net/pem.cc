#include "net/pem.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "net/error.h"
#include "net/pbe.h"

namespace longhaul::net {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

struct Block {
  std::string_view label;
  std::string_view body;
  std::string_view whole;
};

/// The next block at or after `at`, which moves behind it; nullopt at the end of the text.
Result<std::optional<Block>> next_block(std::string_view text, std::size_t& at) {
  const auto begin = text.find(kBegin, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto label_at = begin + kBegin.size();
  const auto label_end = text.find(kDashes, label_at);
  if (label_end == std::string_view::npos) return fail(KeyStoreErrc::truncated, "PEM block");
  const auto label = text.substr(label_at, label_end - label_at);
  const auto body_at = label_end + kDashes.size();
  const auto end_line = std::string(kEnd) + std::string(label) + std::string(kDashes);
  const auto end = text.find(end_line, body_at);
  if (end == std::string_view::npos) return fail(KeyStoreErrc::truncated, "PEM block {}", label);
  at = end + end_line.size();
  return Block{label, text.substr(body_at, end - body_at), text.substr(begin, at - begin)};
}

/// Decoded content of a block, wiped at the end: it may be a key.
class Content {
 public:
  explicit Content(Bytes bytes) : bytes_(std::move(bytes)) {}
  Content(Content&&) = default;
  ~Content() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  /// The content as one DER structure, read by `d2i`; null when it is none.
  template <class Pointer, class Decode>
  [[nodiscard]] Pointer decode(Decode d2i) const {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes_.data());
    return Pointer(d2i(nullptr, &at, static_cast<long>(bytes_.size())));
  }

 private:
  Bytes bytes_;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Result<Content> decode(const Block& block) {
  std::string digits(block.body);
  std::erase_if(digits, is_blank);
  Bytes bytes(digits.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(digits.data()), static_cast<int>(digits.size()));
  const auto padding = static_cast<int>(digits.ends_with("==") ? 2 : digits.ends_with('=') ? 1 : 0);
  OPENSSL_cleanse(digits.data(), digits.size());
  if (size <= padding) return fail(KeyStoreErrc::damaged, "PEM block {}", block.label);
  bytes.resize(static_cast<std::size_t>(size - padding));
  return Content(std::move(bytes));
}

struct GivenPassword {
  std::optional<std::string_view> text;
  bool asked = false;
};

int give_password(char* buffer, int size, int /*writing*/, void* user) {
  auto& given = *static_cast<GivenPassword*>(user);
  given.asked = true;
  if (!given.text || given.text->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, given.text->data(), given.text->size());
  return static_cast<int>(given.text->size());
}

/// OpenSSL's own forms ("RSA PRIVATE KEY"), possibly encrypted, which their header lines say.
Result<KeyPtr> traditional_key(const Block& block, std::optional<std::string_view> password) {
  if (block.body.find(':') == std::string_view::npos) {
    LH_TRY(const auto content, decode(block));
    auto key = content.decode<KeyPtr>(&d2i_AutoPrivateKey);
    if (key == nullptr) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
    return key;
  }
  GivenPassword given{password};
  const BioPtr source(BIO_new_mem_buf(block.whole.data(), static_cast<int>(block.whole.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(source.get(), nullptr, &give_password, &given));
  if (key != nullptr) return key;
  if (!given.asked) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
  ERR_clear_error();
  if (!password) return fail(KeyStoreErrc::password_missing, "private key");
  return fail(KeyStoreErrc::wrong_key_password);
}

Result<KeyPtr> key_in(const Block& block, std::optional<std::string_view> password) {
  ERR_clear_error();
  const bool encrypted = block.label == "ENCRYPTED PRIVATE KEY";
  if (!encrypted && block.label != "PRIVATE KEY") return traditional_key(block, password);
  LH_TRY(const auto content, decode(block));
  Pkcs8Ptr info;
  if (encrypted) {
    const auto sealed = content.decode<EncryptedPtr>(&d2i_X509_SIG);
    if (sealed == nullptr) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
    const ReadingLibrary library;
    LH_TRY(info, decrypt_key(*sealed, password, library));
  } else {
    info = content.decode<Pkcs8Ptr>(&d2i_PKCS8_PRIV_KEY_INFO);
    if (info == nullptr) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
  }
  return key_of(*info);
}

}  // namespace

bool is_pem(ConstBytes file) {
  return as_text(file).find(kBegin) != std::string_view::npos;
}

Result<std::vector<X509Ptr>> pem_certificates(std::string_view text) {
  std::vector<X509Ptr> certificates;
  std::size_t at = 0;
  while (true) {
    LH_TRY(const auto block, next_block(text, at));
    if (!block) break;
    const bool with_trust = block->label == "TRUSTED CERTIFICATE";
    if (!with_trust && block->label != "CERTIFICATE" && block->label != "X509 CERTIFICATE") continue;
    LH_TRY(const auto content, decode(*block));
    ERR_clear_error();
    auto certificate =
        with_trust ? content.decode<X509Ptr>(&d2i_X509_AUX) : content.decode<X509Ptr>(&d2i_X509);
    if (certificate == nullptr) return fail(KeyStoreErrc::damaged, "certificate: {}", openssl_reason());
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty()) return fail(KeyStoreErrc::no_certificate);
  return certificates;
}

Result<KeyPtr> pem_key(std::string_view text, std::optional<std::string_view> password) {
  std::size_t at = 0;
  while (true) {
    LH_TRY(const auto block, next_block(text, at));
    if (!block) return fail(KeyStoreErrc::no_key);
    if (block->label.ends_with("PRIVATE KEY")) return key_in(*block, password);
  }
}

}  // namespace longhaul::net
