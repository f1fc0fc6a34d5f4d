#include "net/listener.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "net/error.h"
#include "net/event.h"
#include "net/tcp_stream.h"

namespace longhaul::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
namespace errc = boost::system::errc;

/// How long to leave the system alone when it has no descriptor or memory for another connection.
constexpr milliseconds kShortageWait{100};

bool is_of_one_connection(const ErrorCode& ec) {
  // accept(2) passes on what happened to a connection while it waited in the queue.
  return ec == errc::connection_aborted || ec == errc::connection_reset || ec == errc::protocol_error ||
         ec == errc::network_down || ec == errc::network_unreachable || ec == errc::host_unreachable ||
         ec == errc::timed_out || ec == errc::interrupted;
}

bool is_shortage(const ErrorCode& ec) {
  return ec == errc::too_many_files_open || ec == errc::too_many_files_open_in_system ||
         ec == errc::no_buffer_space || ec == errc::not_enough_memory;
}

}  // namespace

struct Listener::State {
  State(const Executor& executor, TimeSource& t) : acceptor(executor), time(t), changed(t) {}

  tcp::acceptor acceptor;
  TimeSource& time;
  Event changed;
  std::uint16_t port = 0;
  std::size_t connections_max = 0;
  std::size_t connections = 0;
  bool closed = false;
};

Result<std::unique_ptr<Listener>> Listener::open(Executor executor, TimeSource& time,
                                                 const ListenerOptions& options) {
  ErrorCode ec;
  const auto address = asio::ip::make_address(options.address, ec);
  if (ec) return fail(ec, "'{}' is no address to listen on", options.address);
  const tcp::endpoint wanted(address, options.port);
  auto state = std::make_shared<State>(executor, time);
  state->connections_max = options.connections_max;
  auto& acceptor = state->acceptor;
  acceptor.open(wanted.protocol(), ec);
  // Without it the port of a listener that was closed stays taken while its old connections time out.
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(wanted, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) state->port = acceptor.local_endpoint(ec).port();
  if (ec) return fail(ec, "cannot listen on {}", to_text(wanted));
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::~Listener() {
  close();
}

Async<std::unique_ptr<Stream>> Listener::accept() {
  const auto state = state_;
  while (true) {
    if (state->closed || co_await cancelled()) co_return fail(aborted());
    if (state->connections >= state->connections_max) {
      LH_CO_TRY_VOID(co_await state->changed.wait());
      continue;
    }
    tcp::socket socket(state->acceptor.get_executor());
    tcp::endpoint peer;
    const auto [ec] = co_await state->acceptor.async_accept(socket, peer, kAsResult);
    if (state->closed) co_return fail(aborted());
    if (ec && is_shortage(ec)) {
      const auto until = saturating_add(state->time.now(), kShortageWait);
      const auto waited = co_await state->changed.wait_until(until);
      if (!waited && is_aborted(waited.error())) co_return fail(aborted());
      continue;
    }
    if (ec && is_of_one_connection(ec)) continue;
    if (ec) co_return fail(from_asio(ec));
    // The peer may have gone already; then the options fail and there is nothing to serve.
    if (!set_stream_options(socket)) continue;
    ++state->connections;
    std::shared_ptr<const void> token(state.get(), [state](const void*) {
      --state->connections;
      state->changed.notify();
    });
    co_return std::make_unique<TcpStream>(std::move(socket), to_text(peer), std::move(token));
  }
}

void Listener::close() {
  if (std::exchange(state_->closed, true)) return;
  ErrorCode ignored;
  state_->acceptor.close(ignored);
  state_->changed.notify();
}

std::uint16_t Listener::port() const {
  return state_->port;
}

std::size_t Listener::connections() const {
  return state_->connections;
}

}  // namespace longhaul::net
