#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <random>

#include "net/error.h"
#include "net/tls_context.h"
#include "net/tls_records.h"
#include "tests/unit/net/tls_peers.h"

namespace longhaul::net {
namespace {

using std::chrono::seconds;
using test::TlsPeers;
using test::usual_client;
using test::usual_server;

std::string random_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (auto& c : text) c = static_cast<char>(random());
  return text;
}

/// `text` cut into pieces of random sizes, among them empty, tiny and huge ones.
std::vector<ConstBytes> cut(std::string_view text, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<ConstBytes> pieces;
  while (!text.empty()) {
    constexpr std::array<std::size_t, 8> kSizes{0, 1, 7, 61, 1000, 16 * 1024, 16 * 1024 + 1, 300'000};
    const auto size = std::min(text.size(), kSizes[random() % kSizes.size()] + random() % 3);
    pieces.push_back(as_bytes(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return pieces;
}

Async<void> write_cut(Stream& stream, const std::string& text, unsigned seed) {
  // Several writes, each of many pieces, as responses and requests leave in a row.
  const auto pieces = cut(text, seed);
  for (std::size_t at = 0; at < pieces.size();) {
    const auto count = std::min(pieces.size() - at, std::size_t{1} + seed++ % 9);
    LH_CO_TRY_VOID(co_await stream.write_all(std::span(pieces).subspan(at, count)));
    at += count;
  }
  co_return Result<void>{};
}

/// Reads `size` bytes with buffers of changing sizes.
Async<std::string> read_oddly(Stream& stream, std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  std::string buffer(400'000, '\0');
  while (text.size() < size) {
    constexpr std::array<std::size_t, 6> kSizes{1, 4, 999, 16 * 1024, 16 * 1024 + 5, 400'000};
    const auto room = std::min(kSizes[random() % kSizes.size()], size - text.size());
    LH_CO_TRY(const auto got,
              co_await stream.read_some(std::as_writable_bytes(std::span(buffer)).first(room)));
    text.append(buffer, 0, got);
  }
  co_return text;
}

/// Both directions at once; whether each side got what the other sent.
void exchange(TlsPeers& peers, std::size_t size, unsigned seed) {
  const auto up = random_text(size, seed);
  const auto down = random_text(size, seed + 1);
  Result<std::string> at_server;
  Result<std::string> at_client;
  TaskGroup group(peers.loop.executor());
  group.spawn([&]() -> Task { EXPECT_TRUE(co_await write_cut(peers.client_stream(), up, seed)); });
  group.spawn([&]() -> Task { EXPECT_TRUE(co_await write_cut(peers.server_stream(), down, seed + 1)); });
  group.spawn([&]() -> Task { at_server = co_await read_oddly(peers.server_stream(), size, seed); });
  group.spawn([&]() -> Task { at_client = co_await read_oddly(peers.client_stream(), size, seed + 1); });
  ASSERT_TRUE(peers.loop.run_until([&] { return group.size() == 0; })) << "stuck, seed " << seed;
  ASSERT_TRUE(at_server) << at_server.error().message();
  ASSERT_TRUE(at_client) << at_client.error().message();
  EXPECT_TRUE(*at_server == up) << seed;
  EXPECT_TRUE(*at_client == down) << seed;
}

TEST(TlsStream, CarriesBothDirectionsInPiecesOfAllSizes) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    TlsPeers peers;
    constexpr std::array<std::size_t, 3> kReads{1 << 30, 1400, 77};
    peers.pair.to_client->read_max = kReads[seed % 3];
    peers.pair.to_server->read_max = kReads[(seed + 1) % 3];
    peers.pair.to_client->capacity = seed < 3 ? 5000 : 1 << 20;
    ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
    exchange(peers, 1'500'000, seed);
  }
}

TEST(TlsStream, ShakesHandsByteByByte) {
  TlsPeers peers;
  peers.pair.to_client->read_max = 1;
  peers.pair.to_server->read_max = 1;
  peers.pair.to_server->capacity = 10;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  exchange(peers, 2000, 7);
}

TEST(TlsStream, WritesLargeDataInFewCallsAndFullRecords) {
  TlsPeers peers;
  peers.pair.to_server->capacity = std::size_t{8} << 20;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  const auto text = random_text(std::size_t{4} << 20, 1);
  std::vector<ConstBytes> pieces;
  for (std::size_t at = 0; at < text.size(); at += 512) pieces.push_back(as_bytes(text).subspan(at, 512));
  const auto writes = peers.pair.to_server->writes;
  const auto bytes = peers.pair.to_server->bytes_written;
  EXPECT_TRUE(peers.loop.run(peers.client_stream().write_all(pieces)));
  EXPECT_LE(peers.pair.to_server->writes - writes, 33u);
  // 22 bytes of framing and tag per record of 16 KB.
  EXPECT_EQ(peers.pair.to_server->bytes_written - bytes, text.size() + 256 * 22);
}

TEST(TlsStream, AnswersKeyUpdatesWhileDataFlows) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  for (unsigned round = 0; round < 5; ++round) {
    auto* server = test::ssl_of(peers.server_stream());
    ASSERT_EQ(SSL_key_update(server, SSL_KEY_UPDATE_REQUESTED), 1);
    exchange(peers, 200'000, 20 + round);
  }
}

TEST(TlsStream, WritesWhileATicketArrivesInPieces) {
  // A ticket that holds the client's certificate, in records far smaller than itself, byte by byte: the
  // client is asked to write while OpenSSL is in the middle of reading it.
  const test::Certificate known({.name = std::string(60, 'c')}, &test::authority());
  auto options = test::usual_server_options();
  options.trust = test::trust_in(test::authority());
  const auto server = test::server_context(options, ClientAuth::required);
  SSL_CTX_set_max_send_fragment(server->impl().context.get(), 512);
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(
      test::client_context({.trust = test::trust_in(test::authority()), .identity = known.identity()}),
      server));
  auto& pipe = *peers.pair.to_client;
  const auto tickets = std::exchange(pipe.bytes, {}).substr(std::exchange(pipe.begin, 0));
  ASSERT_GT(tickets.size(), 1024u);

  TaskGroup group(peers.loop.executor());
  Result<std::string> answer;
  bool answered = false;
  bool writing = false;
  std::size_t written = 0;
  std::size_t held_up = 0;
  group.spawn([&]() -> Task {
    answer = co_await test::read_text(peers.client_stream(), 4);
    answered = true;
  });
  for (const char c : tickets) {
    pipe.bytes.push_back(c);
    pipe.changed_reader.notify();
    peers.loop.settle();
    if (!writing) {
      writing = true;
      group.spawn([&]() -> Task {
        const auto outcome = co_await test::write_text(peers.client_stream(), "x");
        EXPECT_TRUE(outcome) << outcome.error().message();
        writing = false;
        ++written;
      });
    }
    peers.loop.settle();
    if (writing) ++held_up;
  }
  EXPECT_FALSE(writing);
  EXPECT_GT(held_up, 0u);  // Or the test would not be about what it says.
  const auto arrived = peers.loop.run(test::read_text(peers.server_stream(), written));
  ASSERT_TRUE(arrived);
  EXPECT_EQ(*arrived, std::string(written, 'x'));
  EXPECT_TRUE(peers.loop.run(test::write_text(peers.server_stream(), "pong")));
  ASSERT_TRUE(peers.loop.run_until([&] { return answered && group.size() == 0; }));
  EXPECT_EQ(*answer, "pong");
}

// --- ends ---

TEST(TlsStream, EndsWithWhatCameBeforeTheFarewell) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  EXPECT_TRUE(peers.loop.run(test::write_text(peers.server_stream(), "last words")));
  SSL_shutdown(test::ssl_of(peers.server_stream()));
  EXPECT_TRUE(peers.loop.run(test::write_text(peers.server_stream(), "")));
  std::string buffer(100, '\0');
  const auto into = std::as_writable_bytes(std::span(buffer));
  const auto got = peers.loop.run(peers.client_stream().read_some(into));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(buffer.substr(0, *got), "last words");
  for (int i = 0; i < 2; ++i) {
    const auto end = peers.loop.run(peers.client_stream().read_some(into));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, NetErrc::closed_by_peer);
    EXPECT_EQ(end.error().detail, "");
  }
}

TEST(TlsStream, SaysWhenItIsCutOff) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  EXPECT_TRUE(peers.loop.run(test::write_text(peers.server_stream(), "half of")));
  peers.server_stream().close();
  const auto got = peers.loop.run(test::read_text(peers.client_stream(), 8));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, NetErrc::closed_by_peer);
  EXPECT_EQ(got.error().detail, "TLS stream cut off");
}

TEST(TlsStream, DamagedDataIsNeverGivenOut) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  EXPECT_TRUE(peers.loop.run(test::write_text(peers.server_stream(), "payload")));
  peers.pair.to_client->bytes.back() = static_cast<char>(peers.pair.to_client->bytes.back() ^ 1);
  for (int i = 0; i < 2; ++i) {
    const auto got = peers.loop.run(test::read_text(peers.client_stream(), 7));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, NetErrc::tls_failed);
  }
  const auto written = peers.loop.run(test::write_text(peers.client_stream(), "x"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, NetErrc::tls_failed);
}

TEST(TlsStream, CloseEndsBothDirections) {
  TlsPeers peers;
  peers.pair.to_server->capacity = 1000;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  Result<std::string> read;
  Result<void> written;
  TaskGroup group(peers.loop.executor());
  group.spawn([&]() -> Task { read = co_await test::read_text(peers.client_stream(), 1); });
  group.spawn([&]() -> Task {
    written = co_await test::write_text(peers.client_stream(), std::string(1'000'000, 'x'));
  });
  peers.loop.settle();
  EXPECT_EQ(group.size(), 2u);
  peers.client_stream().close();
  ASSERT_TRUE(peers.loop.run_until([&] { return group.size() == 0; }));
  ASSERT_FALSE(read);
  ASSERT_FALSE(written);
  EXPECT_TRUE(is_aborted(read.error()));
  EXPECT_TRUE(is_aborted(written.error()));
}

TEST(TlsStream, CancelledReaderLeaves) {
  TlsPeers peers;
  ASSERT_TRUE(peers.connect(usual_client(), usual_server()));
  Result<std::string> read;
  TaskGroup group(peers.loop.executor());
  group.spawn([&]() -> Task { read = co_await test::read_text(peers.client_stream(), 1); });
  peers.loop.settle();
  peers.loop.run(group.stop());
  ASSERT_FALSE(read);
  EXPECT_TRUE(is_aborted(read.error()));
}

// --- peers that do not speak TLS, or not to the end ---

/// The client's error when the other side sends `answer` and then hangs up.
Error error_after(std::string answer) {
  TlsPeers peers;
  peers.spawn_client(usual_client(), "broker.example");
  peers.loop.settle();
  if (!answer.empty()) EXPECT_TRUE(peers.loop.run(test::write_text(*peers.pair.server, std::move(answer))));
  peers.loop.settle();
  peers.pair.server->close();
  EXPECT_TRUE(peers.loop.run_until([&] { return peers.client.has_value(); }));
  EXPECT_FALSE(*peers.client);
  return peers.client->error();
}

TEST(TlsPlainPeer, IsRecognisedByItsFirstBytes) {
  for (const auto* answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "x"}) {
    const auto error = error_after(answer);
    EXPECT_EQ(error.code, NetErrc::not_tls) << answer;
    EXPECT_EQ(error.message(), "the other side does not speak TLS on this port");
  }
  EXPECT_EQ(error_after(std::string("\0\0\0\x10", 4)).code, NetErrc::not_tls);
}

TEST(TlsPlainPeer, ThatHangsUpAsAKafkaListenerDoesIsSuspected) {
  // A plain listener takes the first bytes of a ClientHello for a request of 369 MB and closes.
  const auto error = error_after("");
  EXPECT_EQ(error.code, NetErrc::tls_hung_up);
  EXPECT_EQ(error.message(),
            "no answer to the first TLS message: connection closed in the TLS handshake, the port may be one "
            "without "
            "TLS");
}

TEST(TlsPlainPeer, ThatSendsGarbageInRecordsFails) {
  EXPECT_EQ(error_after(std::string("\x16\x03\x03\x00\x04garb", 9)).code, NetErrc::tls_failed);
  EXPECT_EQ(error_after(std::string("\x16\x03\x03\xff\xffgarb", 9)).code, NetErrc::tls_failed);
  EXPECT_EQ(error_after(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)).code, NetErrc::tls_no_common_cipher);
  EXPECT_EQ(error_after(std::string("\x15\x03\x03\x00\x02\x02\x46", 7)).code, NetErrc::tls_no_common_version);
  EXPECT_EQ(error_after(std::string("\x16\x03\x03\x00\x40\x02", 6)).code, NetErrc::tls_hung_up);
}

TEST(TlsPlainPeer, DialingATlsServerIsRefusedThere) {
  TlsPeers peers;
  peers.spawn_server(usual_server());
  EXPECT_TRUE(peers.loop.run(test::write_text(*peers.pair.client, std::string("\0\0\0\x20\0\x12\0\x03", 8))));
  EXPECT_TRUE(peers.loop.run_until([&] { return peers.server.has_value(); }));
  ASSERT_FALSE(*peers.server);
  EXPECT_EQ(peers.server->error().code, NetErrc::not_tls);
}

TEST(TlsPlainPeer, GettingATlsAnswerIsTold) {
  EXPECT_TRUE(looks_like_tls(as_bytes(std::string_view("\x15\x03\x03\x00\x02\x02\x28", 7))));
  EXPECT_TRUE(looks_like_tls(as_bytes(std::string_view("\x16\x03\x01", 3))));
  EXPECT_FALSE(looks_like_tls(as_bytes(std::string_view("\x15\x03", 2))));
  EXPECT_FALSE(looks_like_tls(as_bytes(std::string_view("\0\0\0\x10", 4))));
}

TEST(TlsHandshake, EndsAtItsDeadline) {
  TlsPeers peers;
  peers.patience = seconds(5);
  const auto begin = peers.loop.time.now();
  peers.spawn_client(usual_client(), "broker.example");
  ASSERT_TRUE(peers.loop.run_until([&] { return peers.client.has_value(); }));
  EXPECT_EQ(peers.loop.time.now(), begin + seconds(5));
  ASSERT_FALSE(*peers.client);
  EXPECT_EQ(peers.client->error().message(), "no answer to the first TLS message: timed out");
  EXPECT_TRUE(peers.pair.to_server->ended);
}

TEST(TlsHandshake, EndsAtItsDeadlineWhenTheAnswerTrickles) {
  TlsPeers peers;
  peers.patience = seconds(5);
  peers.spawn_client(usual_client(), "broker.example");
  peers.tasks.spawn([&]() -> Task {
    std::string next("\x16\x03\x03\x40\x00\x02", 6);
    while (co_await test::write_text(*peers.pair.server, next) &&
           co_await peers.loop.time.sleep_for(milliseconds(100))) {
      next = "x";
    }
  });
  ASSERT_TRUE(peers.loop.run_until([&] { return peers.client.has_value(); }));
  ASSERT_FALSE(*peers.client);
  EXPECT_EQ(peers.client->error().message(), "in the TLS handshake: timed out");
}

TEST(TlsHandshake, ThatIsCancelledEnds) {
  TlsPeers peers;
  peers.spawn_client(usual_client(), "broker.example");
  peers.loop.settle();
  peers.loop.run(peers.tasks.stop());
  ASSERT_TRUE(peers.client.has_value());
  ASSERT_FALSE(*peers.client);
  EXPECT_TRUE(is_aborted(peers.client->error()));
}

// --- records ---

TEST(TlsRecordPlan, GivesTheSameBytesInFullRecords) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    const auto text = random_text(100'000 + seed * 1000, seed);
    const auto pieces = cut(text, seed);
    TlsRecordPlan plan(pieces);
    std::string got;
    std::size_t odd = 0;
    for (auto run = plan.next(); !run.empty(); run = plan.next()) {
      EXPECT_LE(run.size(), TlsRecordPlan::kRun);
      if (run.size() % TlsRecordPlan::kRecord != 0) ++odd;
      got += as_text(run);
    }
    EXPECT_TRUE(got == text) << seed;
    EXPECT_LE(odd, 1u) << seed;
  }
}

}  // namespace
}  // namespace longhaul::net
