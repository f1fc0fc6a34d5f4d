#include "net/tcp.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "net/deadline.h"
#include "net/error.h"
#include "net/event.h"
#include "net/tcp_stream.h"

namespace longhaul::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A name lookup under way. Asio cannot interrupt one: its thread sits in getaddrinfo, so whoever waits
/// leaves at its deadline and the answer comes to a shared state that nobody reads.
struct Lookup {
  Lookup(const Executor& executor, TimeSource& time) : resolver(executor), done(time) {}
  tcp::resolver resolver;
  Event done;
  std::optional<ErrorCode> outcome;
  std::vector<tcp::endpoint> endpoints;
};

Async<std::vector<tcp::endpoint>> resolve(Executor executor, TimeSource& time, std::string host,
                                          std::uint16_t port, SteadyTime deadline) {
  ErrorCode not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(executor, time);
  // The port is a number: without a service there is nothing more to look up.
  lookup->resolver.async_resolve(
      host, "", [lookup, port](const ErrorCode& ec, const tcp::resolver::results_type& found) {
        lookup->outcome = ec;
        for (const auto& entry : found) lookup->endpoints.emplace_back(entry.endpoint().address(), port);
        lookup->done.notify();
      });
  while (!lookup->outcome) LH_CO_TRY_VOID(co_await lookup->done.wait_until(deadline));
  if (*lookup->outcome) co_return fail(from_asio(*lookup->outcome));
  if (lookup->endpoints.empty()) co_return fail(NetErrc::host_not_found);
  co_return lookup->endpoints;
}

Async<std::unique_ptr<Stream>> connect_to(Executor executor, TimeSource& time, tcp::endpoint endpoint,
                                          SteadyTime deadline) {
  tcp::socket socket(executor);
  ErrorCode ec;
  socket.open(endpoint.protocol(), ec);
  if (ec) co_return fail(ec);
  {
    const Deadline limit(time, deadline, [&socket] {
      ErrorCode ignored;
      socket.close(ignored);
    });
    const auto [connect_ec] = co_await socket.async_connect(endpoint, kAsResult);
    if (limit.expired()) co_return fail(NetErrc::timed_out);
    if (connect_ec) co_return fail(from_asio(connect_ec));
  }
  LH_CO_TRY_VOID(set_stream_options(socket));
  co_return std::make_unique<TcpStream>(std::move(socket), to_text(endpoint));
}

}  // namespace

Async<std::unique_ptr<Stream>> TcpConnector::connect(std::string host, std::uint16_t port,
                                                     SteadyTime deadline) {
  if (co_await cancelled()) co_return fail(aborted());
  LH_CO_TRY(const auto endpoints, co_await resolve(executor_, time_, host, port, deadline));
  Error last{NetErrc::timed_out, {}};
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // An address that does not answer must not use up the time of those behind it.
    const auto now = time_.now();
    if (now >= deadline) break;
    const auto left = static_cast<SteadyTime::rep>(endpoints.size() - i);
    const auto share = deadline == SteadyTime::max() ? deadline : now + (deadline - now) / left;
    auto stream = co_await connect_to(executor_, time_, endpoints[i], share);
    if (stream) co_return stream;
    last = std::move(stream).error();
    if (co_await cancelled()) co_return fail(aborted());
  }
  co_return fail(std::move(last));
}

}  // namespace longhaul::net
