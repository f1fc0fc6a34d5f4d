#include "net/tls.h"

#include <utility>

#include "base/check.h"
#include "net/deadline.h"
#include "net/error.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace longhaul::net {
namespace {

Async<std::unique_ptr<Stream>> shake_hands(std::unique_ptr<Stream> plain,
                                           std::shared_ptr<const TlsContext> context, std::string host,
                                           TimeSource& time, SteadyTime when) {
  if (co_await cancelled()) co_return fail(aborted());
  LH_CO_TRY(auto stream, TlsStream::make(std::move(plain), std::move(context), std::move(host)));
  const Deadline limit(time, when, [&stream] { stream->close(); });
  const auto outcome = co_await stream->handshake();
  if (limit.expired()) {
    co_return fail(NetErrc::timed_out, "{}",
                   stream->answered() ? "in the TLS handshake" : "no answer to the first TLS message");
  }
  if (!outcome) {
    stream->close();
    co_return std::unexpected(outcome.error());
  }
  co_return std::move(stream);
}

}  // namespace

Async<std::unique_ptr<Stream>> tls_connect(std::unique_ptr<Stream> plain,
                                           std::shared_ptr<const TlsContext> context, std::string host,
                                           TimeSource& time, SteadyTime deadline) {
  LH_CHECK(context->impl().role == TlsRole::client);
  return shake_hands(std::move(plain), std::move(context), std::move(host), time, deadline);
}

Async<std::unique_ptr<Stream>> tls_accept(std::unique_ptr<Stream> plain,
                                          std::shared_ptr<const TlsContext> context, TimeSource& time,
                                          SteadyTime deadline) {
  LH_CHECK(context->impl().role == TlsRole::server);
  return shake_hands(std::move(plain), std::move(context), "", time, deadline);
}

bool looks_like_tls(ConstBytes received) {
  constexpr auto kAlert = std::byte{21};
  constexpr auto kHandshake = std::byte{22};
  constexpr auto kMajorVersion = std::byte{3};  // Of every version from SSL 3.0 to TLS 1.3.
  return received.size() >= 3 && (received[0] == kAlert || received[0] == kHandshake) &&
         received[1] == kMajorVersion && received[2] <= std::byte{4};
}

}  // namespace longhaul::net
