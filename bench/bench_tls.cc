// TLS over a stream in memory, both ends on one core: bytes per second through encryption and decryption
// together. `openssl_alone` moves the same bytes through OpenSSL without our streams, as the bound.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "tests/unit/net/tls_peers.h"

namespace longhaul {
namespace {

constexpr std::size_t kTransfer = std::size_t{4} << 20;

std::vector<ConstBytes> pieces_of(const std::string& data, std::size_t piece) {
  std::vector<ConstBytes> pieces;
  const auto bytes = as_bytes(data);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    pieces.push_back(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  }
  return pieces;
}

net::Async<void> read_all(net::Stream& stream, std::size_t size, std::string& buffer) {
  const auto into = std::as_writable_bytes(std::span(buffer));
  for (std::size_t got = 0; got < size;) {
    LH_CO_TRY(const auto count, co_await stream.read_some(into));
    got += count;
  }
  co_return Result<void>{};
}

/// Moves kTransfer bytes per iteration in pieces of the benchmark's argument.
void move(benchmark::State& state, test::VirtualLoop& loop, net::Stream& from, net::Stream& to) {
  const std::string data(kTransfer, 'x');
  std::string buffer(std::size_t{1} << 20, '\0');
  const auto pieces = pieces_of(data, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    net::TaskGroup group(loop.executor());
    group.spawn([&]() -> net::Task { LH_CHECK((co_await from.write_all(pieces)).has_value()); });
    group.spawn([&]() -> net::Task { LH_CHECK((co_await read_all(to, kTransfer, buffer)).has_value()); });
    LH_CHECK(loop.run_until([&] { return group.size() == 0; }));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kTransfer));
}

void plain(benchmark::State& state) {
  test::VirtualLoop loop;
  test::StreamPair pair(loop.time);
  move(state, loop, *pair.client, *pair.server);
}
BENCHMARK(plain)->Arg(100)->Arg(1 << 20);

void tls(benchmark::State& state) {
  test::TlsPeers peers;
  LH_CHECK(peers.connect(test::usual_client(), test::usual_server()));
  move(state, peers.loop, peers.client_stream(), peers.server_stream());
}
BENCHMARK(tls)->Arg(100)->Arg(16 << 10)->Arg(1 << 20);

/// The same two contexts over OpenSSL's own pair of memory BIOs.
void openssl_alone(benchmark::State& state) {
  const auto client_context = test::usual_client();
  const auto server_context = test::usual_server();
  net::TlsNotes notes{.context = &client_context->impl()};
  net::TlsNotes server_notes{.context = &server_context->impl()};
  const auto client = net::new_ssl(client_context->impl(), notes);
  const auto server = net::new_ssl(server_context->impl(), server_notes);
  BIO* near = nullptr;
  BIO* far = nullptr;
  LH_CHECK(BIO_new_bio_pair(&near, 256 << 10, &far, 256 << 10) == 1);
  SSL_set_bio(client.get(), near, near);
  SSL_set_bio(server.get(), far, far);
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  for (int done = 0; done < 2;) {
    done = SSL_do_handshake(client.get()) == 1 ? 1 : 0;
    done += SSL_do_handshake(server.get()) == 1 ? 1 : 0;
  }
  constexpr std::size_t kAtOnce = std::size_t{128} << 10;
  const std::string data(kAtOnce, 'x');
  std::string buffer(kAtOnce, '\0');
  for (auto _ : state) {
    for (std::size_t moved = 0; moved < kTransfer; moved += kAtOnce) {
      std::size_t written = 0;
      LH_CHECK(SSL_write_ex(client.get(), data.data(), data.size(), &written) == 1);
      std::size_t got = 0;
      for (std::size_t at = 0; at < written; at += got) {
        LH_CHECK(SSL_read_ex(server.get(), buffer.data(), buffer.size(), &got) == 1);
      }
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kTransfer));
}
BENCHMARK(openssl_alone);

}  // namespace
}  // namespace longhaul
