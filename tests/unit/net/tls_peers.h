#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/tls.h"
#include "net/tls_stream.h"
#include "tests/unit/net/certificates.h"
#include "tests/unit/net/stream_pair.h"
#include "tests/unit/net/virtual_time.h"

namespace longhaul::test {

using ContextPtr = std::shared_ptr<const net::TlsContext>;

inline ContextPtr client_context(const net::TlsOptions& options) {
  auto context = net::TlsContext::client(options);
  EXPECT_TRUE(context) << context.error().message();
  return context ? *context : nullptr;
}
inline ContextPtr server_context(const net::TlsOptions& options,
                                 net::ClientAuth client_auth = net::ClientAuth::none) {
  auto context = net::TlsContext::server(options, client_auth);
  EXPECT_TRUE(context) << context.error().message();
  return context ? *context : nullptr;
}

/// A client that trusts the tests' authority, and a server with a certificate of it for broker.example.
inline ContextPtr usual_client() {
  return client_context({.trust = trust_in(authority())});
}
inline net::TlsOptions usual_server_options() {
  static const Certificate made({.name = "broker", .alternative_names = "DNS:broker.example"}, &authority());
  return {.identity = made.identity()};
}
inline ContextPtr usual_server() {
  return server_context(usual_server_options());
}

inline net::Async<void> write_text(net::Stream& stream, std::string text) {
  const auto piece = as_bytes(text);
  co_return co_await stream.write_all(std::span(&piece, 1));
}
/// Reads exactly `size` bytes.
inline net::Async<std::string> read_text(net::Stream& stream, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const auto room = std::as_writable_bytes(std::span(text)).subspan(at);
    LH_CO_TRY(const auto got, co_await stream.read_some(room));
    at += got;
  }
  co_return text;
}

/// OpenSSL's side of a stream, to make it do what our code never asks for.
inline SSL* ssl_of(net::Stream& stream) {
  auto* tls = dynamic_cast<net::TlsStream*>(&stream);
  LH_CHECK(tls != nullptr);
  return tls->ssl();
}

/// A client and a server over a connection in memory.
struct TlsPeers {
  VirtualLoop loop;
  StreamPair pair{loop.time};
  std::optional<Result<std::unique_ptr<net::Stream>>> client;
  std::optional<Result<std::unique_ptr<net::Stream>>> server;
  SteadyTime::duration patience = std::chrono::seconds(30);
  net::TaskGroup tasks{loop.executor()};

  ~TlsPeers() { loop.run(tasks.stop()); }

  void spawn_client(ContextPtr context, const std::string& host) {
    tasks.spawn([this, context, host]() -> net::Task {
      client = co_await net::tls_connect(std::move(pair.client), context, host, loop.time,
                                         loop.time.now() + patience);
    });
  }
  void spawn_server(ContextPtr context) {
    tasks.spawn([this, context]() -> net::Task {
      server =
          co_await net::tls_accept(std::move(pair.server), context, loop.time, loop.time.now() + patience);
    });
  }
  /// Both handshakes, to their ends.
  void shake_hands(const ContextPtr& client_side, const ContextPtr& server_side,
                   const std::string& host = "broker.example") {
    spawn_client(client_side, host);
    spawn_server(server_side);
    EXPECT_TRUE(loop.run_until([this] { return client.has_value() && server.has_value(); }));
  }
  /// Handshakes that must succeed; whether they did.
  [[nodiscard]] bool connect(const ContextPtr& client_side, const ContextPtr& server_side,
                             const std::string& host = "broker.example") {
    shake_hands(client_side, server_side, host);
    EXPECT_TRUE(*client) << client->error().message();
    EXPECT_TRUE(*server) << server->error().message();
    return client->has_value() && server->has_value();
  }
  [[nodiscard]] net::Stream& client_stream() { return ***client; }
  [[nodiscard]] net::Stream& server_stream() { return ***server; }

  /// "ping" there and "pong" back; what went wrong, or nothing.
  [[nodiscard]] std::optional<Error> ping() {
    std::optional<Error> client_error;
    std::optional<Error> server_error;
    net::TaskGroup group(loop.executor());
    group.spawn([&]() -> net::Task {
      auto asked = co_await read_text(server_stream(), 4);
      if (asked) EXPECT_EQ(*asked, "ping");
      auto answered = asked ? co_await write_text(server_stream(), "pong") : Result<void>{};
      if (!asked) server_error = asked.error();
      if (!answered) server_error = answered.error();
      if (server_error) server_stream().close();
    });
    group.spawn([&]() -> net::Task {
      auto asked = co_await write_text(client_stream(), "ping");
      auto answer = co_await read_text(client_stream(), 4);
      if (answer) EXPECT_EQ(*answer, "pong");
      if (!answer) client_error = answer.error();
      if (!asked && !client_error) client_error = asked.error();
    });
    EXPECT_TRUE(loop.run_until([&] { return group.size() == 0; }));
    return client_error ? client_error : server_error;
  }
};

}  // namespace longhaul::test
