#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/async.h"
#include "net/key_source.h"
#include "net/stream.h"
#include "net/timer.h"

namespace longhaul::net {

/// One side of TLS. The passwords are used while a context is made and not kept by it.
struct TlsOptions {
  std::optional<TrustSource> trust;            ///< without it, what the system trusts
  std::optional<IdentitySource> identity;      ///< a server must have one; a client for mutual TLS
  std::vector<std::string> enabled_protocols;  ///< "TLSv1.2", "TLSv1.3"; empty: both
  std::vector<std::string> cipher_suites;  ///< IANA's names as Java has them, or OpenSSL's; empty: default
  bool verify_host = true;                 ///< clients: the certificate must be for the host dialled
};

enum class ClientAuth { none, requested, required };

/// What TLS connections of one kind have in common: trusted certificates, own key, versions, and for clients
/// the sessions to resume. Immutable for its users and shared between cores; connections keep it alive. A
/// rotated certificate is a new context.
class TlsContext {
 public:
  /// Reads the key stores, which blocks. Errors: KeyStoreErrc, a system error for a file, or
  /// NetErrc::tls_failed for a version or cipher suite that does not exist; each says which option it is
  /// about, none holds a secret.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client(const TlsOptions& options);
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> server(const TlsOptions& options,
                                                                        ClientAuth client_auth);

  /// One line each, for the log: an own certificate that has expired, a version that is left out, ...
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// The client's side of a handshake over `plain`, which may be any stream; returns the encrypted stream,
/// whose `peer()` is that of `plain`. `host` is the name or address that was dialled: it is sent as SNI
/// (names only) and compared with the certificate. On failure `plain` is closed. Errors: NetErrc::not_tls,
/// tls_*, timed_out, or the plain stream's own; `detail` carries the reason in words, such as the names that
/// the certificate has.
///
/// With TLS 1.3 a server refuses a client certificate only after the client is done: that comes from the
/// first `read_some` or `write_all`, under the same codes.
[[nodiscard]] Async<std::unique_ptr<Stream>> tls_connect(std::unique_ptr<Stream> plain,
                                                         std::shared_ptr<const TlsContext> context,
                                                         std::string host, TimeSource& time,
                                                         SteadyTime deadline);

/// The server's side.
[[nodiscard]] Async<std::unique_ptr<Stream>> tls_accept(std::unique_ptr<Stream> plain,
                                                        std::shared_ptr<const TlsContext> context,
                                                        TimeSource& time, SteadyTime deadline);

/// Whether bytes received where another protocol was expected begin a TLS alert or handshake record: the
/// answer of a TLS port to plain text. Needs 3 bytes; false for fewer.
[[nodiscard]] bool looks_like_tls(ConstBytes received);

}  // namespace longhaul::net
