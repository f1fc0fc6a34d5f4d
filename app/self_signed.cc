#include "app/self_signed.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "net/openssl.h"

namespace longhaul::app {
namespace {

using net::BioPtr;
using net::KeyPtr;
using net::X509Ptr;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, net::OpensslFree<&X509_EXTENSION_free>>;

constexpr long kDay = 24 * 60 * 60;

struct Identity {
  KeyPtr key;
  X509Ptr certificate;
};

/// What one certificate says.
struct Request {
  const char* common_name;
  std::vector<std::pair<int, const char*>> extensions;
};

std::unexpected<Error> refused(std::string_view what) {
  return std::unexpected(Error{{}, fmt::format("cannot make a {}: {}", what, net::openssl_reason())});
}

bool add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  std::memset(&context, 0, sizeof context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

/// Signed by `issuer`, or by itself without one.
Result<Identity> make_identity(const Request& request, const Identity* issuer) {
  Identity identity{KeyPtr(EVP_EC_gen("P-256")), X509Ptr(X509_new())};
  if (!identity.key || !identity.certificate) return refused("key");
  auto* certificate = identity.certificate.get();
  auto* subject = X509_get_subject_name(certificate);
  auto* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  auto* signing_key = issuer != nullptr ? issuer->key.get() : identity.key.get();
  std::uint32_t serial = 0;
  bool ok = RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1 &&
            X509_set_version(certificate, X509_VERSION_3) == 1 &&
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), std::uint64_t{serial} + 1) == 1 &&
            X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) != nullptr &&
            X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * kDay) != nullptr &&
            X509_set_pubkey(certificate, identity.key.get()) == 1 &&
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(request.common_name), -1, -1,
                                       0) == 1 &&
            X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1;
  for (const auto& [nid, value] : request.extensions)
    ok = ok && add_extension(*certificate, *signer, nid, value);
  if (!ok || X509_sign(certificate, signing_key, EVP_sha256()) == 0) return refused("certificate");
  return identity;
}

/// PEM text: the key, where wanted, and the certificate.
Result<std::string> pem_of(const Identity& identity, bool with_key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  bool ok = bio != nullptr;
  if (with_key) {
    ok = ok && PEM_write_bio_PKCS8PrivateKey(bio.get(), identity.key.get(), nullptr, nullptr, 0, nullptr,
                                             nullptr) == 1;
  }
  ok = ok && PEM_write_bio_X509(bio.get(), identity.certificate.get()) == 1;
  char* data = nullptr;
  const auto size = ok ? BIO_get_mem_data(bio.get(), &data) : 0;
  if (size <= 0) return refused("PEM file");
  return std::string(data, static_cast<std::size_t>(size));
}

Result<void> write_private(const std::string& path, std::string_view text) {
  const auto failure = [&path] {
    return fail(ErrorCode(errno, boost::system::system_category()), "cannot write {}", path);
  };
  // An older file may be readable by others; its replacement never is.
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure();
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      const auto result = failure();
      ::close(fd);
      return result;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(fd) != 0) return failure();
  return {};
}

}  // namespace

Result<SelfSignedFiles> make_self_signed(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(Error{ErrorCode(error.value(), boost::system::system_category()), directory});
  const Request authority_request{.common_name = "Longhaul sandbox authority",
                                  .extensions = {{NID_basic_constraints, "critical,CA:TRUE"},
                                                 {NID_key_usage, "critical,keyCertSign,cRLSign"}}};
  const Request server_request{.common_name = "localhost",
                               .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                              {NID_ext_key_usage, "serverAuth"},
                                              {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"}}};
  const Request client_request{
      .common_name = "sandbox client",
      .extensions = {{NID_basic_constraints, "critical,CA:FALSE"}, {NID_ext_key_usage, "clientAuth"}}};
  LH_TRY(const auto authority, make_identity(authority_request, nullptr));
  LH_TRY(const auto server, make_identity(server_request, &authority));
  LH_TRY(const auto client, make_identity(client_request, &authority));
  LH_TRY(const auto authority_pem, pem_of(authority, false));
  LH_TRY(const auto server_pem, pem_of(server, true));
  LH_TRY(const auto client_pem, pem_of(client, true));
  const SelfSignedFiles files{.authority = directory + "/ca.pem",
                              .server = directory + "/server.pem",
                              .client = directory + "/client.pem"};
  LH_TRY_VOID(write_private(files.authority, authority_pem));
  LH_TRY_VOID(write_private(files.server, server_pem));
  LH_TRY_VOID(write_private(files.client, client_pem));
  return files;
}

}  // namespace longhaul::app
