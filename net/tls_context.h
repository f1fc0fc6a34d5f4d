#pragma once

#include <string>
#include <vector>

#include "net/openssl.h"
#include "net/tls.h"
#include "net/tls_sessions.h"

namespace longhaul::net {

enum class TlsRole { client, server };

struct TlsContext::Impl {
  SslContextPtr context;
  TlsRole role = TlsRole::client;
  bool verify_host = true;
  bool has_identity = false;
  std::vector<std::string> warnings;
  TlsSessions sessions;  ///< clients only; the one part that changes, under its own lock
};

/// What is found out about one connection while OpenSSL runs, for the words of an error. Belongs to the
/// connection, which OpenSSL's callbacks know it by.
struct TlsNotes {
  TlsContext::Impl* context = nullptr;
  std::string host;                    ///< dialled; empty on the server's side
  std::string server;                  ///< key of the sessions to resume
  bool certificate_requested = false;  ///< the server asked for a client certificate
  X509Ptr failed_certificate;          ///< the one that was not accepted
};

/// A new connection of `context`, which reports to `notes` for as long as it lives.
[[nodiscard]] SslPtr new_ssl(const TlsContext::Impl& context, TlsNotes& notes);

}  // namespace longhaul::net
