#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "net/error.h"
#include "net/event.h"
#include "net/io.h"
#include "net/stream.h"
#include "tests/unit/net/virtual_time.h"

namespace longhaul::test {

/// One connection in memory as its server side sees it: what the client wrote, and what it will read.
struct Wire {
  explicit Wire(net::TimeSource& time) : readable(time), writable(time) {}

  /// Bytes for the client, read in pieces of at most `read_size_max`.
  void send(ConstBytes bytes) {
    to_client.insert(to_client.end(), bytes.begin(), bytes.end());
    readable.notify();
  }
  void hang_up() {
    closed_by_server = true;
    readable.notify();
    writable.notify();
  }
  void let_write() {
    writes_blocked = false;
    writable.notify();
  }

  std::string host;
  std::uint16_t port = 0;
  std::deque<std::byte> to_client;
  Bytes from_client;                      ///< everything written and not taken yet
  std::vector<std::size_t> write_pieces;  ///< number of pieces of each gather write
  std::function<void()> on_write;         ///< after each write
  std::function<void()> on_close;         ///< when the client closes, once
  std::size_t read_size_max = 1 << 30;
  std::size_t bytes_read = 0;  ///< taken by the client so far
  std::vector<std::size_t> read_sizes;
  bool writes_blocked = false;
  bool closed_by_server = false;
  bool closed_by_client = false;
  net::Event readable;
  net::Event writable;
};

class MemoryStream final : public net::Stream {
 public:
  explicit MemoryStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)), peer_(wire_->host) {}
  ~MemoryStream() override { close(); }

  [[nodiscard]] net::Async<std::size_t> read_some(MutableBytes into) override {
    const auto wire = wire_;
    while (!wire->closed_by_client && wire->to_client.empty() && !wire->closed_by_server) {
      LH_CO_TRY_VOID(co_await wire->readable.wait());
    }
    if (wire->closed_by_client) co_return fail(net::aborted());
    if (wire->to_client.empty()) co_return fail(net::NetErrc::closed_by_peer);
    const auto size = std::min({into.size(), wire->to_client.size(), wire->read_size_max});
    std::copy_n(wire->to_client.begin(), size, into.begin());
    wire->to_client.erase(wire->to_client.begin(),
                          wire->to_client.begin() + static_cast<std::ptrdiff_t>(size));
    wire->bytes_read += size;
    wire->read_sizes.push_back(size);
    co_return size;
  }

  [[nodiscard]] net::Async<void> write_all(std::span<const ConstBytes> pieces) override {
    const auto wire = wire_;
    while (wire->writes_blocked && !wire->closed_by_client && !wire->closed_by_server) {
      LH_CO_TRY_VOID(co_await wire->writable.wait());
    }
    if (wire->closed_by_client) co_return fail(net::aborted());
    if (wire->closed_by_server) co_return fail(net::NetErrc::closed_by_peer);
    wire->write_pieces.push_back(pieces.size());
    for (const auto piece : pieces)
      wire->from_client.insert(wire->from_client.end(), piece.begin(), piece.end());
    if (wire->on_write) wire->on_write();
    co_return Result<void>{};
  }

  void close() override {
    if (!std::exchange(wire_->closed_by_client, true) && wire_->on_close) wire_->on_close();
    wire_->readable.notify();
    wire_->writable.notify();
  }
  [[nodiscard]] const std::string& peer() const override { return peer_; }

 private:
  std::shared_ptr<Wire> wire_;
  std::string peer_;
};

/// Accepts connections as the test says, and keeps the server side of each.
class MemoryConnector final : public net::Connector {
 public:
  struct Attempt {
    std::string host;
    std::uint16_t port;
    SteadyTime when;
  };

  explicit MemoryConnector(net::TimeSource& time) : time_(time) {}

  [[nodiscard]] net::Async<std::unique_ptr<net::Stream>> connect(std::string host, std::uint16_t port,
                                                                 SteadyTime deadline) override {
    attempts.push_back({host, port, time_.now()});
    if (silent) {
      LH_CO_TRY_VOID(co_await time_.sleep_until(deadline));
      co_return fail(net::NetErrc::timed_out);
    }
    auto wire = std::make_shared<Wire>(time_);
    wire->host = std::move(host);
    wire->port = port;
    if (on_connect) LH_CO_TRY_VOID(on_connect(wire));
    wires.push_back(wire);
    co_return std::make_unique<MemoryStream>(std::move(wire));
  }

  bool silent = false;  ///< neither accepts nor refuses
  std::function<Result<void>(const std::shared_ptr<Wire>&)> on_connect;
  std::vector<Attempt> attempts;
  std::vector<std::shared_ptr<Wire>> wires;

 private:
  net::TimeSource& time_;
};

/// A core in memory: virtual time, connections in memory, a fixed seed.
struct MemoryCore {
  VirtualLoop loop;
  MemoryConnector connector{loop.time};
  net::Random random{42};
  net::Io io{loop.executor(), loop.time, connector, random};
};

}  // namespace longhaul::test
