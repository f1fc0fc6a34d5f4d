#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <type_traits>

#include "base/result.h"

namespace longhaul::net {

/// Failures of byte streams that the system has no clear words for. Everything else (connection refused, no
/// route to host, ...) travels under the system's own category.
enum class NetErrc {
  closed_by_peer = 1,  ///< orderly end of the stream where more was expected
  timed_out,           ///< a deadline passed; the stream it applied to is closed
  host_not_found,      ///< the name has no address
  resolver_failed,     ///< the name could not be looked up now; it may exist
  // TLS: the handshake, or an alert after it.
  not_tls,                         ///< what answered does not speak TLS
  tls_hung_up,                     ///< the connection ended in the handshake: perhaps no TLS port
  tls_untrusted,                   ///< the certificate leads to no authority that is trusted here
  tls_expired,                     ///< a certificate of the chain has expired
  tls_not_yet_valid,               ///< a certificate of the chain is valid only later
  tls_wrong_host,                  ///< the certificate is for other names
  tls_no_common_version,           ///< no protocol version that both sides speak
  tls_no_common_cipher,            ///< no cipher suite, key exchange or signature that both sides accept
  tls_client_certificate_missing,  ///< the server demands a client certificate and got none
  tls_client_certificate_refused,  ///< the other side does not accept the certificate it was given
  tls_failed,                      ///< any other failure; the detail says which
};

/// Why a file or text with certificates and keys cannot be used. What the system says about a file (missing,
/// unreadable) travels under its own category.
enum class KeyStoreErrc {
  not_a_key_store = 1,  ///< neither PEM nor PKCS12 nor JKS
  truncated,            ///< ends before its end
  damaged,              ///< contradicts its own format
  too_large,            ///< above a limit that no real store reaches
  unsupported,          ///< a known format or algorithm that is not read here
  password_missing,     ///< it is encrypted and no password was given
  wrong_password,       ///< the store's password does not open it
  wrong_key_password,   ///< the key's password does not open it
  no_certificate,       ///< no certificate where one is needed
  no_key,               ///< no private key where one is needed
  key_mismatch,         ///< the certificate is not that of the private key
};

[[nodiscard]] const boost::system::error_category& net_category();
[[nodiscard]] const boost::system::error_category& key_store_category();
[[nodiscard]] inline boost::system::error_code make_error_code(NetErrc code) {
  return {static_cast<int>(code), net_category()};
}
[[nodiscard]] inline boost::system::error_code make_error_code(KeyStoreErrc code) {
  return {static_cast<int>(code), key_store_category()};
}

/// The code that stands for "the caller was cancelled".
[[nodiscard]] ErrorCode aborted();

/// An error code of Asio in this project's words: end of file, resolver errors and timeouts become NetErrc.
[[nodiscard]] ErrorCode from_asio(const ErrorCode& code);

}  // namespace longhaul::net

template <>
struct boost::system::is_error_code_enum<longhaul::net::NetErrc> : std::true_type {};
template <>
struct boost::system::is_error_code_enum<longhaul::net::KeyStoreErrc> : std::true_type {};
