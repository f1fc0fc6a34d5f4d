#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <utility>

#include "base/check.h"
#include "net/error.h"
#include "net/key_store.h"
#include "net/tls_parameters.h"
#include "net/tls_text.h"

namespace longhaul::net {
namespace {

TlsNotes& notes_of(const SSL* ssl) {
  auto* notes = static_cast<TlsNotes*>(SSL_get_app_data(ssl));
  LH_CHECK(notes != nullptr);
  return *notes;
}

/// Called for every certificate of the chain; keeps the one that fails. The verdict stays OpenSSL's.
int on_verified(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return accepted;
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate != nullptr && X509_up_ref(certificate) == 1) {
    notes_of(ssl).failed_certificate.reset(certificate);
  }
  return accepted;
}

/// Called when the other side asks for our certificate, whether we have one or not.
int on_certificate_wanted(SSL* ssl, void* /*argument*/) {
  notes_of(ssl).certificate_requested = true;
  return 1;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto& notes = notes_of(ssl);
  if (SSL_SESSION_is_resumable(session) != 1) return 0;
  notes.context->sessions.put(notes.server, SessionPtr(session));
  return 1;  // The session is ours.
}

Result<void> set_trust(TlsContext::Impl& impl, const std::optional<TrustSource>& source) {
  auto* context = impl.context.get();
  auto* store = SSL_CTX_get_cert_store(context);
  // A certificate that is trusted ends the chain, whoever signed it: trust stores hold single brokers' and
  // intermediate certificates too, and Java takes them.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!source) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail(NetErrc::tls_failed, "the system's trusted certificates: {}", openssl_reason());
  }
  LH_TRY(const auto trusted, read_trust(*source));
  for (const auto& certificate : trusted) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      return fail(NetErrc::tls_failed, "trusted certificate {}: {}", subject_of(*certificate),
                  openssl_reason());
    }
    // A server tells its clients which authorities it takes certificates from.
    if (impl.role == TlsRole::server) SSL_CTX_add_client_CA(context, certificate.get());
  }
  return {};
}

void warn_of_dates(const X509& certificate, std::vector<std::string>& warnings) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    warnings.push_back(fmt::format("own certificate {} expired at {}", subject_of(certificate),
                                   time_text(X509_get0_notAfter(&certificate))));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    warnings.push_back(fmt::format("own certificate {} is valid only from {}", subject_of(certificate),
                                   time_text(X509_get0_notBefore(&certificate))));
  }
}

Result<void> set_identity(TlsContext::Impl& impl, const IdentitySource& source) {
  LH_TRY(const auto identity, read_identity(source));
  if (!identity.warning.empty()) impl.warnings.push_back(source.path + ": " + identity.warning);
  warn_of_dates(*identity.certificate, impl.warnings);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> chain(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (const auto& certificate : identity.chain) sk_X509_push(chain.get(), certificate.get());
  if (SSL_CTX_use_cert_and_key(impl.context.get(), identity.certificate.get(), identity.key.get(),
                               chain.get(), 1) != 1) {
    return fail(NetErrc::tls_failed, "own certificate {}: {}", subject_of(*identity.certificate),
                openssl_reason());
  }
  impl.has_identity = true;
  return {};
}

Result<std::unique_ptr<TlsContext::Impl>> make_impl(const TlsOptions& options, TlsRole role) {
  ERR_clear_error();
  auto impl = std::make_unique<TlsContext::Impl>();
  impl->role = role;
  impl->verify_host = options.verify_host;
  impl->context.reset(SSL_CTX_new(role == TlsRole::client ? TLS_client_method() : TLS_server_method()));
  auto* context = impl->context.get();
  if (context == nullptr) return fail(NetErrc::tls_failed, "{}", openssl_reason());
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  LH_TRY_VOID(set_parameters(*context, options.enabled_protocols, options.cipher_suites, impl->warnings));
  if (role == TlsRole::client || options.trust) LH_TRY_VOID(set_trust(*impl, options.trust));
  if (options.identity) LH_TRY_VOID(set_identity(*impl, *options.identity));
  ERR_clear_error();
  return impl;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

const std::vector<std::string>& TlsContext::warnings() const {
  return impl_->warnings;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsOptions& options) {
  LH_TRY(auto impl, make_impl(options, TlsRole::client));
  auto* context = impl->context.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &on_verified);
  SSL_CTX_set_cert_cb(context, &on_certificate_wanted, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &on_new_session);
  if (!options.verify_host)
    impl->warnings.push_back("host names of servers are not compared with their certificates");
  return std::make_shared<const TlsContext>(std::move(impl));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsOptions& options,
                                                             ClientAuth client_auth) {
  LH_TRY(auto impl, make_impl(options, TlsRole::server));
  if (!impl->has_identity) return fail(KeyStoreErrc::no_key, "a TLS server needs a key and a certificate");
  auto* context = impl->context.get();
  if (client_auth != ClientAuth::none) {
    if (!options.trust) LH_TRY_VOID(set_trust(*impl, std::nullopt));
    const int demand = client_auth == ClientAuth::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | demand, &on_verified);
  }
  // Sessions are resumed by tickets; OpenSSL insists on a name for the place where they are valid.
  constexpr unsigned char kIdContext[] = "longhaul";
  SSL_CTX_set_session_id_context(context, kIdContext, sizeof kIdContext);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return std::make_shared<const TlsContext>(std::move(impl));
}

SslPtr new_ssl(const TlsContext::Impl& context, TlsNotes& notes) {
  SslPtr ssl(SSL_new(context.context.get()));
  if (ssl != nullptr) SSL_set_app_data(ssl.get(), &notes);
  return ssl;
}

}  // namespace longhaul::net
