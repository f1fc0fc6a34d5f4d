#include "net/error.h"

#include <boost/asio/error.hpp>
#include <string>

namespace longhaul::net {
namespace {

class NetCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "net"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<NetErrc>(code)) {
      case NetErrc::closed_by_peer:
        return "connection closed by the other side";
      case NetErrc::timed_out:
        return "timed out";
      case NetErrc::host_not_found:
        return "host name not found";
      case NetErrc::resolver_failed:
        return "host name lookup failed, the name server may be unreachable";
      case NetErrc::not_tls:
        return "the other side does not speak TLS on this port";
      case NetErrc::tls_hung_up:
        return "connection closed in the TLS handshake, the port may be one without TLS";
      case NetErrc::tls_untrusted:
        return "certificate not trusted";
      case NetErrc::tls_expired:
        return "certificate expired";
      case NetErrc::tls_not_yet_valid:
        return "certificate not valid yet";
      case NetErrc::tls_wrong_host:
        return "certificate is for another host";
      case NetErrc::tls_no_common_version:
        return "no TLS version in common with the other side";
      case NetErrc::tls_no_common_cipher:
        return "no cipher suite in common with the other side";
      case NetErrc::tls_client_certificate_missing:
        return "client certificate demanded and none given";
      case NetErrc::tls_client_certificate_refused:
        return "client certificate refused";
      case NetErrc::tls_failed:
        return "TLS failed";
    }
    return "unknown network error";
  }
};

class KeyStoreCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "key store"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<KeyStoreErrc>(code)) {
      case KeyStoreErrc::not_a_key_store:
        return "neither PEM nor PKCS12 nor JKS";
      case KeyStoreErrc::truncated:
        return "truncated";
      case KeyStoreErrc::damaged:
        return "damaged";
      case KeyStoreErrc::too_large:
        return "too large";
      case KeyStoreErrc::unsupported:
        return "not supported";
      case KeyStoreErrc::password_missing:
        return "encrypted, and no password is given";
      case KeyStoreErrc::wrong_password:
        return "wrong store password, or the file was changed";
      case KeyStoreErrc::wrong_key_password:
        return "wrong key password";
      case KeyStoreErrc::no_certificate:
        return "no certificate in it";
      case KeyStoreErrc::no_key:
        return "no private key in it";
      case KeyStoreErrc::key_mismatch:
        return "the certificate does not belong to the private key";
    }
    return "unknown key store error";
  }
};

}  // namespace

const boost::system::error_category& net_category() {
  static const NetCategory category;
  return category;
}

const boost::system::error_category& key_store_category() {
  static const KeyStoreCategory category;
  return category;
}

ErrorCode aborted() {
  return boost::asio::error::operation_aborted;
}

ErrorCode from_asio(const ErrorCode& code) {
  namespace error = boost::asio::error;
  if (code == error::eof) return NetErrc::closed_by_peer;
  if (code == error::timed_out) return NetErrc::timed_out;
  if (code == error::host_not_found || code == error::no_data || code == error::service_not_found) {
    return NetErrc::host_not_found;
  }
  if (code == error::host_not_found_try_again || code == error::no_recovery) return NetErrc::resolver_failed;
  return code;
}

}  // namespace longhaul::net
