#include "net/pbe.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/provider.h>

#include "net/error.h"

namespace longhaul::net {
namespace {

/// The algorithm's parameters as `item` describes them; null when they are something else.
template <class T>
std::unique_ptr<T, void (*)(T*)> parameters(const X509_ALGOR& algorithm, const ASN1_ITEM* item,
                                            void (*free)(T*)) {
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, &algorithm);
  T* parsed = nullptr;
  if (type == V_ASN1_SEQUENCE) {
    parsed = static_cast<T*>(ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), item));
  }
  return {parsed, free};
}

bool too_many(const ASN1_INTEGER* iterations) {
  if (iterations == nullptr) return false;
  const long count = ASN1_INTEGER_get(iterations);  // -1 when it is too large even for that.
  return count < 0 || count > kIterationsMax;
}

/// Whether OpenSSL's last failure was that it does not have an algorithm, not that the outcome made no sense.
bool algorithm_is_missing() {
  const auto code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  return (ERR_GET_LIB(code) == ERR_LIB_EVP &&
          (reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == EVP_R_UNSUPPORTED_ALGORITHM ||
           reason == EVP_R_UNKNOWN_CIPHER || reason == EVP_R_UNSUPPORTED_PRF)) ||
         reason == ERR_R_UNSUPPORTED;
}

}  // namespace

ReadingLibrary::ReadingLibrary() : context_(OSSL_LIB_CTX_new()) {
  usual_ = OSSL_PROVIDER_load(context_, "default");
  legacy_ = OSSL_PROVIDER_load(context_, "legacy");
  ERR_clear_error();
}

ReadingLibrary::~ReadingLibrary() {
  if (legacy_ != nullptr) OSSL_PROVIDER_unload(legacy_);
  if (usual_ != nullptr) OSSL_PROVIDER_unload(usual_);
  OSSL_LIB_CTX_free(context_);
}

Result<void> check_iterations(const X509_ALGOR& algorithm) {
  const ASN1_OBJECT* oid = nullptr;
  X509_ALGOR_get0(&oid, nullptr, nullptr, &algorithm);
  bool excessive = false;
  if (OBJ_obj2nid(oid) != NID_pbes2) {
    const auto simple = parameters<PBEPARAM>(algorithm, ASN1_ITEM_rptr(PBEPARAM), &PBEPARAM_free);
    excessive = simple != nullptr && too_many(simple->iter);
  } else if (const auto pbes2 =
                 parameters<PBE2PARAM>(algorithm, ASN1_ITEM_rptr(PBE2PARAM), &PBE2PARAM_free)) {
    // The other key derivation, scrypt, has OpenSSL's own limit on memory.
    const auto pbkdf2 =
        parameters<PBKDF2PARAM>(*pbes2->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM), &PBKDF2PARAM_free);
    excessive = pbkdf2 != nullptr && too_many(pbkdf2->iter);
  }
  ERR_clear_error();
  if (excessive) return fail(KeyStoreErrc::unsupported, "more than {} iterations", kIterationsMax);
  return {};
}

Result<Pkcs8Ptr> decrypt_key(const X509_SIG& encrypted, std::optional<std::string_view> password,
                             const ReadingLibrary& library) {
  if (!password) return fail(KeyStoreErrc::password_missing, "private key");
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(&encrypted, &algorithm, nullptr);
  LH_TRY_VOID(check_iterations(*algorithm));
  ERR_clear_error();
  Pkcs8Ptr info(PKCS8_decrypt_ex(&encrypted, password->data(), static_cast<int>(password->size()),
                                 library.context(), nullptr));
  if (info != nullptr) return info;
  if (algorithm_is_missing()) {
    return fail(KeyStoreErrc::unsupported, "encryption of the private key: {}", openssl_reason());
  }
  ERR_clear_error();
  return fail(KeyStoreErrc::wrong_key_password);
}

Result<KeyPtr> key_of(const PKCS8_PRIV_KEY_INFO& info) {
  ERR_clear_error();
  KeyPtr key(EVP_PKCS82PKEY(&info));
  if (key == nullptr) return fail(KeyStoreErrc::damaged, "private key: {}", openssl_reason());
  return key;
}

}  // namespace longhaul::net
