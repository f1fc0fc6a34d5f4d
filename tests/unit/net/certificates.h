#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "net/openssl.h"
#include "net/tls.h"

namespace longhaul::test {

/// What a certificate says; times are seconds from now.
struct CertificateSpec {
  std::string name = "broker";
  std::string alternative_names;  ///< as OpenSSL writes them: "DNS:a.example,IP:192.0.2.1"
  long valid_from = -3600;
  long valid_until = 3600;
  bool authority = false;
};

/// A key and its certificate, made by OpenSSL in the test itself.
class Certificate {
 public:
  /// Signed by `issuer`, or by itself.
  explicit Certificate(const CertificateSpec& spec, const Certificate* issuer = nullptr)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    auto* certificate = certificate_.get();
    static long serial = 0;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), spec.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), spec.valid_until);
    X509_set_pubkey(certificate, key_.get());
    auto* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.name.data()),
                               static_cast<int>(spec.name.size()), -1, 0);
    X509_set_issuer_name(certificate,
                         issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate_.get()));
    if (spec.authority) add(NID_basic_constraints, "critical,CA:TRUE");
    if (!spec.alternative_names.empty()) add(NID_subject_alt_name, spec.alternative_names);
    LH_CHECK(X509_sign(certificate, issuer == nullptr ? key_.get() : issuer->key_.get(), EVP_sha256()) > 0);
  }

  [[nodiscard]] std::string pem() const {
    const net::BioPtr out(BIO_new(BIO_s_mem()));
    LH_CHECK(PEM_write_bio_X509(out.get(), certificate_.get()) == 1);
    return text_of(*out);
  }
  [[nodiscard]] std::string key_pem() const {
    const net::BioPtr out(BIO_new(BIO_s_mem()));
    LH_CHECK(PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
             1);
    return text_of(*out);
  }
  [[nodiscard]] net::IdentitySource identity() const {
    return {.pem_key = Secret(key_pem()), .pem_chain = pem()};
  }

 private:
  void add(int nid, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    LH_CHECK(extension != nullptr);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string text_of(BIO& out) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(&out, &text);
    return {text, static_cast<std::size_t>(size)};
  }

  net::KeyPtr key_;
  net::X509Ptr certificate_;
};

/// The authority that the tests trust.
inline const Certificate& authority() {
  static const Certificate made({.name = "Test Authority", .authority = true});
  return made;
}
inline net::TrustSource trust_in(const Certificate& certificate) {
  return {.pem = certificate.pem()};
}

}  // namespace longhaul::test
