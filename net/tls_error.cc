#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <utility>

#include "net/error.h"
#include "net/tls_text.h"

namespace longhaul::net {
namespace {

constexpr std::string_view kNoneConfigured = "none is configured here";

Error failure(NetErrc code, std::string detail) {
  return {code, std::move(detail)};
}

/// The other side's certificate was not accepted by us.
Error verification_failure(const SSL& ssl, const TlsNotes& notes) {
  const long verdict = SSL_get_verify_result(&ssl);
  if (notes.failed_certificate == nullptr) {
    return failure(NetErrc::tls_untrusted, X509_verify_cert_error_string(verdict));
  }
  const auto& certificate = *notes.failed_certificate;
  const auto subject = subject_of(certificate);
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return failure(NetErrc::tls_expired, fmt::format("{} was valid until {}", subject,
                                                       time_text(X509_get0_notAfter(&certificate))));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return failure(NetErrc::tls_not_yet_valid, fmt::format("{} is valid from {}", subject,
                                                             time_text(X509_get0_notBefore(&certificate))));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return failure(NetErrc::tls_wrong_host,
                     fmt::format("dialled {}, the certificate names {}", notes.host, names_of(certificate)));
    default:
      return failure(NetErrc::tls_untrusted,
                     fmt::format("{}, issued by {}: {}", subject, issuer_of(certificate),
                                 X509_verify_cert_error_string(verdict)));
  }
}

/// Whether an alert is about the certificate that its receiver sent.
bool is_about_certificate(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

/// The other side gave up and says why by an alert.
Error alert_failure(int alert, const TlsNotes& notes) {
  const auto said = fmt::format("the other side says '{}'", SSL_alert_desc_string_long(alert));
  const bool client = notes.context->role == TlsRole::client;
  if (alert == SSL_AD_PROTOCOL_VERSION) return failure(NetErrc::tls_no_common_version, said);
  if (!client) {
    return failure(NetErrc::tls_failed,
                   is_about_certificate(alert) ? fmt::format("our certificate is refused, {}", said) : said);
  }
  const bool without_certificate = notes.certificate_requested && !notes.context->has_identity;
  if (alert == SSL_AD_CERTIFICATE_REQUIRED ||
      (without_certificate && (is_about_certificate(alert) || alert == SSL_AD_HANDSHAKE_FAILURE))) {
    return failure(NetErrc::tls_client_certificate_missing, fmt::format("{}, {}", kNoneConfigured, said));
  }
  if (is_about_certificate(alert)) return failure(NetErrc::tls_client_certificate_refused, said);
  if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_INSUFFICIENT_SECURITY) {
    return failure(NetErrc::tls_no_common_cipher, said);
  }
  return failure(NetErrc::tls_failed, said);
}

bool is_end(const ErrorCode& code) {
  namespace errc = boost::system::errc;
  return code == NetErrc::closed_by_peer || code == errc::connection_reset || code == errc::broken_pipe ||
         code == errc::connection_aborted;
}

}  // namespace

Error tls_failure(const SSL& ssl, const TlsNotes& notes) {
  const auto code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return failure(NetErrc::tls_failed, openssl_reason());
  if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255) {
    ERR_clear_error();
    return alert_failure(reason - SSL_AD_REASON_OFFSET, notes);
  }
  const auto words = openssl_reason();
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return verification_failure(ssl, notes);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return failure(NetErrc::tls_client_certificate_missing, "");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
      return failure(NetErrc::tls_no_common_version, "");
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
      return failure(NetErrc::tls_no_common_cipher, words);
    default:
      return failure(NetErrc::tls_failed, words);
  }
}

Error failure_before_data(Error error, const TlsNotes& notes, bool handshake_done, bool answered) {
  if (!is_end(error.code)) return error;
  if (notes.certificate_requested && !notes.context->has_identity) {
    return failure(NetErrc::tls_client_certificate_missing,
                   fmt::format("{}, and the other side hung up", kNoneConfigured));
  }
  if (handshake_done) return error;
  const bool client = notes.context->role == TlsRole::client;
  if (!client) return failure(NetErrc::closed_by_peer, "in the TLS handshake");
  return failure(NetErrc::tls_hung_up, answered ? "" : "no answer to the first TLS message");
}

}  // namespace longhaul::net
