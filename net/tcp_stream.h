#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "net/stream.h"

namespace longhaul::net {

/// "192.0.2.7:9092", "[2001:db8::1]:9092".
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

/// Sets what every TCP stream of this project has: no delay, because requests and responses are written whole
/// and holding the last segment back only adds latency; keep-alive, to notice peers that vanished.
[[nodiscard]] Result<void> set_stream_options(boost::asio::ip::tcp::socket& socket);

/// One connected TCP socket as a Stream. Made by TcpConnector and Listener.
class TcpStream final : public Stream {
 public:
  /// `token` is kept as long as the stream: the listener counts its streams with it. May be null.
  TcpStream(boost::asio::ip::tcp::socket socket, std::string peer, std::shared_ptr<const void> token = {})
      : token_(std::move(token)), socket_(std::move(socket)), peer_(std::move(peer)) {}

  [[nodiscard]] Async<std::size_t> read_some(MutableBytes into) override;
  [[nodiscard]] Async<void> write_all(std::span<const ConstBytes> pieces) override;
  void close() override;
  [[nodiscard]] const std::string& peer() const override { return peer_; }

 private:
  // First, so that it goes last: the place of this stream is free once its socket is.
  std::shared_ptr<const void> token_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_;
  bool closed_ = false;
};

}  // namespace longhaul::net
