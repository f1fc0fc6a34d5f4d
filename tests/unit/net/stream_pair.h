#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "net/error.h"
#include "net/event.h"
#include "net/stream.h"

namespace longhaul::test {

/// One direction of a connection in memory: holds `capacity` bytes and gives them in pieces of `read_max`.
struct Pipe {
  explicit Pipe(net::TimeSource& time) : changed_reader(time), changed_writer(time) {}

  void end() {
    ended = true;
    changed_reader.notify();
    changed_writer.notify();
  }

  std::string bytes;
  std::size_t begin = 0;
  std::size_t capacity = std::size_t{1} << 20;
  std::size_t read_max = std::size_t{1} << 30;
  std::size_t writes = 0;         ///< calls of write_all
  std::size_t bytes_written = 0;  ///< ever
  bool ended = false;             ///< the writer has gone
  net::Event changed_reader;
  net::Event changed_writer;
};

/// One end of a pair of streams in memory.
class PairedStream final : public net::Stream {
 public:
  PairedStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, std::string peer)
      : in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)) {}
  ~PairedStream() override { close(); }

  [[nodiscard]] net::Async<std::size_t> read_some(MutableBytes into) override {
    const auto in = in_;
    const auto closed = closed_;
    while (!*closed && in->bytes.size() == in->begin && !in->ended) {
      LH_CO_TRY_VOID(co_await in->changed_reader.wait());
    }
    if (*closed) co_return fail(net::aborted());
    const auto size = std::min({into.size(), in->bytes.size() - in->begin, in->read_max});
    if (size == 0) co_return fail(net::NetErrc::closed_by_peer);
    std::copy_n(as_bytes(in->bytes).begin() + static_cast<std::ptrdiff_t>(in->begin), size, into.begin());
    in->begin += size;
    if (in->begin == in->bytes.size()) {
      in->bytes.clear();
      in->begin = 0;
    }
    in->changed_writer.notify();
    co_return size;
  }

  [[nodiscard]] net::Async<void> write_all(std::span<const ConstBytes> pieces) override {
    const auto out = out_;
    const auto closed = closed_;
    ++out->writes;
    for (auto piece : pieces) {
      while (!piece.empty()) {
        while (!*closed && !out->ended && out->bytes.size() - out->begin >= out->capacity) {
          LH_CO_TRY_VOID(co_await out->changed_writer.wait());
        }
        if (*closed) co_return fail(net::aborted());
        if (out->ended) co_return fail(make_error_code(boost::system::errc::broken_pipe));
        const auto size = std::min(piece.size(), out->capacity - (out->bytes.size() - out->begin));
        out->bytes.append(as_text(piece.first(size)));
        out->bytes_written += size;
        piece = piece.subspan(size);
        out->changed_reader.notify();
      }
    }
    co_return Result<void>{};
  }

  void close() override {
    *closed_ = true;
    in_->end();
    out_->end();
  }
  [[nodiscard]] const std::string& peer() const override { return peer_; }

 private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  std::string peer_;
  std::shared_ptr<bool> closed_ = std::make_shared<bool>(false);
};

/// A connection in memory with both its ends; each end is taken once.
struct StreamPair {
  explicit StreamPair(net::TimeSource& time)
      : to_server(std::make_shared<Pipe>(time)),
        to_client(std::make_shared<Pipe>(time)),
        client(std::make_unique<PairedStream>(to_client, to_server, "192.0.2.1:9093")),
        server(std::make_unique<PairedStream>(to_server, to_client, "192.0.2.2:40000")) {}

  std::shared_ptr<Pipe> to_server;
  std::shared_ptr<Pipe> to_client;
  std::unique_ptr<net::Stream> client;
  std::unique_ptr<net::Stream> server;
};

}  // namespace longhaul::test
