#pragma once

#include "base/result.h"
#include "net/openssl.h"
#include "net/tls_context.h"

namespace longhaul::net {

/// Why OpenSSL gave up, from its queue of this thread (which is emptied) and what the connection noted: a
/// NetErrc of TLS with the reason in words.
[[nodiscard]] Error tls_failure(const SSL& ssl, const TlsNotes& notes);

/// The plain stream ended or failed with `error` before the other side had sent any data: what that means
/// while TLS is being agreed on. `answered` is whether it had sent anything at all.
[[nodiscard]] Error failure_before_data(Error error, const TlsNotes& notes, bool handshake_done,
                                        bool answered);

}  // namespace longhaul::net
