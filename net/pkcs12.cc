#include "net/pkcs12.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12err.h>
#include <openssl/pkcs7.h>

#include <array>
#include <memory>

#include "net/error.h"
#include "net/pbe.h"

namespace longhaul::net {
namespace {

/// Bag attribute of the JDK: this certificate is a trusted certificate entry, for the purposes it names. Java
/// takes certificates without it for parts of a key's chain.
constexpr std::string_view kTrustedKeyUsageOid = "2.16.840.1.113894.746875.1.1";
/// Bags within bags: nobody nests them, so a few levels are plenty and a crafted file ends soon.
constexpr int kDepthMax = 8;

void free_safes(STACK_OF(PKCS7) * safes) {
  sk_PKCS7_pop_free(safes, &PKCS7_free);
}
void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags) {
  sk_PKCS12_SAFEBAG_pop_free(bags, &PKCS12_SAFEBAG_free);
}

using Pkcs12Ptr = std::unique_ptr<PKCS12, OpensslFree<&PKCS12_free>>;
using SafesPtr = std::unique_ptr<STACK_OF(PKCS7), OpensslFree<&free_safes>>;
using BagsPtr = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), OpensslFree<&free_bags>>;

/// Whether the outermost DER length reaches behind the end of the file.
bool is_cut(ConstBytes file) {
  const auto* at = reinterpret_cast<const unsigned char*>(file.data());
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  const int kind = ASN1_get_object(&at, &length, &tag, &tag_class, static_cast<long>(file.size()));
  const bool too_long = (kind & 0x80) != 0 && ERR_GET_REASON(ERR_peek_error()) == ASN1_R_TOO_LONG;
  ERR_clear_error();
  return too_long;
}

std::string text_of(const ASN1_STRING& string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&string)),
          static_cast<std::size_t>(ASN1_STRING_length(&string))};
}

std::string local_key_id(const PKCS12_SAFEBAG& bag) {
  const auto* value = PKCS12_SAFEBAG_get0_attr(&bag, NID_localKeyID);
  return value == nullptr || value->type != V_ASN1_OCTET_STRING ? "" : text_of(*value->value.octet_string);
}

std::string alias_of(PKCS12_SAFEBAG& bag) {
  const std::unique_ptr<char, void (*)(char*)> name(PKCS12_get_friendlyname(&bag),
                                                    [](char* text) { OPENSSL_free(text); });
  return name == nullptr ? "" : name.get();
}

bool is_marked_trusted(const PKCS12_SAFEBAG& bag) {
  const auto* attributes = PKCS12_SAFEBAG_get0_attrs(&bag);
  for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); ++i) {
    std::array<char, 80> oid{};
    OBJ_obj2txt(oid.data(), static_cast<int>(oid.size()),
                X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(attributes, i)), 1);
    if (oid.data() == kTrustedKeyUsageOid) return true;
  }
  return false;
}

class Reader {
 public:
  Reader(const Pkcs12Passwords& passwords, Pkcs12Keys keys) : passwords_(passwords), keys_(keys) {}

  Result<Pkcs12Store> read(PKCS12& file) {
    LH_TRY_VOID(check_integrity(file));
    ERR_clear_error();
    const SafesPtr safes(PKCS12_unpack_authsafes(&file));
    if (safes == nullptr) return fail(KeyStoreErrc::damaged, "{}", openssl_reason());
    for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
      LH_TRY(const auto bags, open(*sk_PKCS7_value(safes.get(), i)));
      if (bags != nullptr) LH_TRY_VOID(take(bags.get(), 0));
    }
    return std::move(store_);
  }

 private:
  /// Settles which password opens the store: no password can have been encoded in two ways.
  Result<void> check_integrity(PKCS12& file) {
    const bool none_given = !passwords_.store;
    if (!none_given) password_ = *passwords_.store;
    if (PKCS12_mac_present(&file) == 0) return {};
    const ASN1_INTEGER* iterations = nullptr;
    PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, &file);
    // Left out where it is 1.
    const long count = iterations == nullptr ? 1 : ASN1_INTEGER_get(iterations);
    if (count < 1 || count > kIterationsMax) {
      return fail(KeyStoreErrc::unsupported, "more than {} iterations", kIterationsMax);
    }
    ERR_clear_error();
    for (const auto tried : candidates()) {
      if (PKCS12_verify_mac(&file, tried.data(), static_cast<int>(tried.size())) == 1) {
        password_ = tried;
        return {};
      }
    }
    if (ERR_GET_REASON(ERR_peek_error()) == PKCS12_R_UNKNOWN_DIGEST_ALGORITHM) {
      return fail(KeyStoreErrc::unsupported, "integrity check: {}", openssl_reason());
    }
    ERR_clear_error();
    if (none_given) return {};  // As in Java: not checked, and what is encrypted stays closed.
    return fail(KeyStoreErrc::wrong_password);
  }

  /// The password as given; an empty one in both encodings that are in use, as nothing and as two zero bytes.
  [[nodiscard]] std::vector<std::string_view> candidates() const {
    if (password_ && !password_->empty()) return {*password_};
    return {std::string_view(""), std::string_view()};
  }

  /// The bags of one part; null for a part of a kind that holds nothing for us.
  Result<BagsPtr> open(PKCS7& part) {
    const int kind = OBJ_obj2nid(part.type);
    ERR_clear_error();
    if (kind == NID_pkcs7_data) {
      BagsPtr bags(PKCS12_unpack_p7data(&part));
      if (bags == nullptr) return fail(KeyStoreErrc::damaged, "{}", openssl_reason());
      return bags;
    }
    if (kind == NID_pkcs7_enveloped) return fail(KeyStoreErrc::unsupported, "store encrypted by public key");
    if (kind != NID_pkcs7_encrypted) return BagsPtr();
    const auto* encrypted = part.d.encrypted == nullptr ? nullptr : part.d.encrypted->enc_data;
    if (encrypted == nullptr || encrypted->enc_data == nullptr) return fail(KeyStoreErrc::damaged);
    if (!password_) return fail(KeyStoreErrc::password_missing);
    LH_TRY_VOID(check_iterations(*encrypted->algorithm));
    ERR_clear_error();
    BagsPtr bags(static_cast<STACK_OF(PKCS12_SAFEBAG)*>(PKCS12_item_decrypt_d2i_ex(
        encrypted->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS), password_->data(),
        static_cast<int>(password_->size()), encrypted->enc_data, 1, library_.context(), nullptr)));
    if (bags != nullptr) return bags;
    if (ERR_GET_REASON(ERR_peek_error()) == ERR_R_UNSUPPORTED) {
      return fail(KeyStoreErrc::unsupported, "encryption of the certificates: {}", openssl_reason());
    }
    ERR_clear_error();
    return fail(KeyStoreErrc::wrong_password);
  }

  Result<void> take(const STACK_OF(PKCS12_SAFEBAG) * bags, int depth) {
    if (depth > kDepthMax) return fail(KeyStoreErrc::damaged, "bags nested too deeply");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
      auto& bag = *sk_PKCS12_SAFEBAG_value(bags, i);
      switch (PKCS12_SAFEBAG_get_nid(&bag)) {
        case NID_certBag:
          LH_TRY_VOID(take_certificate(bag));
          break;
        case NID_keyBag:
        case NID_pkcs8ShroudedKeyBag:
          LH_TRY_VOID(take_key(bag));
          break;
        case NID_safeContentsBag:
          LH_TRY_VOID(take(PKCS12_SAFEBAG_get0_safes(&bag), depth + 1));
          break;
        default:
          break;  // CRLs and secrets.
      }
    }
    return {};
  }

  Result<void> take_certificate(const PKCS12_SAFEBAG& bag) {
    if (PKCS12_SAFEBAG_get_bag_nid(&bag) != NID_x509Certificate) return {};
    ERR_clear_error();
    X509Ptr certificate(PKCS12_SAFEBAG_get1_cert(&bag));
    if (certificate == nullptr) return fail(KeyStoreErrc::damaged, "certificate: {}", openssl_reason());
    store_.certificates.push_back({std::move(certificate), local_key_id(bag), is_marked_trusted(bag)});
    return {};
  }

  Result<void> take_key(PKCS12_SAFEBAG& bag) {
    Pkcs12Key key{nullptr, alias_of(bag), local_key_id(bag)};
    if (keys_ == Pkcs12Keys::decrypt_first && store_.keys.empty()) {
      if (PKCS12_SAFEBAG_get_nid(&bag) == NID_keyBag) {
        LH_TRY(key.key, key_of(*PKCS12_SAFEBAG_get0_p8inf(&bag)));
      } else {
        const auto password = passwords_.key ? passwords_.key : password_;
        LH_TRY(const auto info, decrypt_key(*PKCS12_SAFEBAG_get0_pkcs8(&bag), password, library_));
        LH_TRY(key.key, key_of(*info));
      }
    }
    store_.keys.push_back(std::move(key));
    return {};
  }

  Pkcs12Passwords passwords_;
  Pkcs12Keys keys_;
  std::optional<std::string_view> password_;
  ReadingLibrary library_;
  Pkcs12Store store_;
};

}  // namespace

Result<Pkcs12Store> read_pkcs12(ConstBytes file, const Pkcs12Passwords& passwords, Pkcs12Keys keys) {
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(file.data());
  const Pkcs12Ptr store(d2i_PKCS12(nullptr, &at, static_cast<long>(file.size())));
  if (store == nullptr) {
    ERR_clear_error();
    return is_cut(file) ? fail(KeyStoreErrc::truncated) : fail(KeyStoreErrc::not_a_key_store);
  }
  return Reader(passwords, keys).read(*store);
}

}  // namespace longhaul::net
