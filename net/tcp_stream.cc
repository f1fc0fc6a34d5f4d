#include "net/tcp_stream.h"

#include <boost/asio/buffer.hpp>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/error.h"
#include "net/gather.h"

namespace longhaul::net {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

Result<void> set_stream_options(tcp::socket& socket) {
  ErrorCode ec;
  socket.set_option(tcp::no_delay(true), ec);
  if (!ec) socket.set_option(asio::socket_base::keep_alive(true), ec);
  if (ec) return fail(ec);
  return {};
}

Async<std::size_t> TcpStream::read_some(MutableBytes into) {
  LH_CHECK(!into.empty());
  if (closed_ || co_await cancelled()) co_return fail(aborted());
  const auto buffer = asio::buffer(into.data(), into.size());
  const auto [ec, size] = co_await socket_.async_read_some(buffer, kAsResult);
  if (closed_) co_return fail(aborted());
  if (ec) co_return fail(from_asio(ec));
  co_return size;
}

Async<void> TcpStream::write_all(std::span<const ConstBytes> pieces) {
  if (co_await cancelled()) co_return fail(aborted());
  GatherPlan plan(pieces);
  std::vector<asio::const_buffer> buffers;
  for (auto ready = plan.next(); !ready.empty(); ready = plan.next()) {
    if (closed_) co_return fail(aborted());
    buffers.clear();
    for (const auto piece : ready) buffers.emplace_back(piece.data(), piece.size());
    const auto [ec, size] = co_await socket_.async_write_some(buffers, kAsResult);
    if (closed_) co_return fail(aborted());
    if (ec) co_return fail(from_asio(ec));
    plan.written(size);
  }
  co_return Result<void>{};
}

void TcpStream::close() {
  if (std::exchange(closed_, true)) return;
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace longhaul::net
