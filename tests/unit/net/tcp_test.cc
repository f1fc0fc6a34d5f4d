#include "net/tcp.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "net/error.h"
#include "tests/unit/net/on_core.h"

namespace longhaul::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A listener on loopback that uses the system's calls directly, so that nothing of ours is tested against
/// itself.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int accept() const { return ::accept(fd_, nullptr, nullptr); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 4093);
  return bytes;
}

TEST(Tcp, WritesGatheredPiecesAndReadsAnAnswer) {
  const Listener listener;
  const auto sent = pattern(3'000'000);
  Bytes received;
  std::thread server([&] {
    const int fd = listener.accept();
    Bytes buffer(100'000);
    while (received.size() < sent.size()) {
      const auto size = ::read(fd, buffer.data(), buffer.size());
      ASSERT_GT(size, 0);
      received.insert(received.end(), buffer.begin(), buffer.begin() + size);
    }
    ASSERT_EQ(::write(fd, "answer", 6), 6);
    ::close(fd);
  });
  const auto outcome = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("127.0.0.1", listener.port(), io.time.now() + seconds(10)));
    std::vector<ConstBytes> pieces;
    for (std::size_t at = 0, step = 1; at < sent.size(); step = step * 3 % 70'001 + 1) {
      const auto size = std::min(step, sent.size() - at);
      pieces.push_back(ConstBytes(sent).subspan(at, size));
      at += size;
    }
    LH_CO_TRY_VOID(co_await stream->write_all(pieces));
    std::string answer;
    Bytes buffer(64);
    while (true) {
      const auto size = co_await stream->read_some(buffer);
      if (!size && size.error().code == NetErrc::closed_by_peer) co_return answer;
      if (!size) co_return fail(size.error());
      answer += as_text(ConstBytes(buffer).first(*size));
    }
  });
  server.join();
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, "answer");
  EXPECT_EQ(received, sent);
}

TEST(Tcp, ResolvesNamesAndTriesAllAddresses) {
  // "localhost" may be ::1 first, where nobody listens.
  const Listener listener;
  const auto peer = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("localhost", listener.port(), io.time.now() + seconds(10)));
    co_return stream->peer();
  });
  ASSERT_TRUE(peer) << peer.error().message();
  EXPECT_EQ(*peer, fmt::format("127.0.0.1:{}", listener.port()));
}

ErrorCode connect_error(const std::string& host, std::uint16_t port) {
  const auto outcome = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream, co_await io.connector.connect(host, port, io.time.now() + seconds(20)));
    co_return stream->peer();
  });
  return outcome ? ErrorCode{} : outcome.error().code;
}

TEST(Tcp, SaysThatAConnectionIsRefused) {
  Listener listener;
  const auto port = listener.port();
  listener.close();
  EXPECT_EQ(connect_error("127.0.0.1", port), boost::system::errc::connection_refused);
}

TEST(Tcp, SaysThatAHostDoesNotExist) {
  // RFC 6761: names under "invalid" never exist. Without a name server the lookup itself fails.
  const auto code = connect_error("no-such-host.invalid", 9092);
  EXPECT_TRUE(code == NetErrc::host_not_found || code == NetErrc::resolver_failed) << code.message();
}

TEST(Tcp, ConnectingEndsAtItsDeadline) {
  // A listener whose queue is full answers nothing.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(fd, 0), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    const int filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)::connect(filler, reinterpret_cast<sockaddr*>(&address), length);
    fillers.push_back(filler);
  }
  const auto waited = on_core([&](Io& io) -> Async<SteadyTime::duration> {
    const auto begin = io.time.now();
    const auto stream =
        co_await io.connector.connect("127.0.0.1", ntohs(address.sin_port), begin + milliseconds(200));
    if (stream) co_return fail(boost::system::errc::make_error_code(boost::system::errc::already_connected));
    if (stream.error().code != NetErrc::timed_out) co_return fail(stream.error());
    co_return io.time.now() - begin;
  });
  for (const int filler : fillers) ::close(filler);
  ::close(fd);
  ASSERT_TRUE(waited) << waited.error().message();
  EXPECT_GE(*waited, milliseconds(200));
  EXPECT_LT(*waited, seconds(5));
}

/// close() while an operation is under way: it ends with `aborted`, and its buffer is not touched afterwards.
TEST(Tcp, CloseEndsAReadUnderWay) {
  const Listener listener;
  const auto outcome = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("127.0.0.1", listener.port(), io.time.now() + seconds(10)));
    const auto timer = io.time.call_at(io.time.now() + milliseconds(50), [&stream] { stream->close(); });
    Bytes buffer(1000);
    const auto size = co_await stream->read_some(buffer);
    io.time.cancel(timer);
    if (size) co_return "read something";
    if (!is_aborted(size.error())) co_return size.error().message();
    const auto again = co_await stream->read_some(buffer);
    if (again || !is_aborted(again.error())) co_return "a later read did not fail";
    co_return "aborted";
  });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, "aborted");
}

TEST(Tcp, CloseEndsAWriteUnderWay) {
  const Listener listener;
  std::promise<void> done;
  std::thread server([&] {
    // Accepts and reads nothing until the client is gone.
    const int fd = listener.accept();
    done.get_future().get();
    ::close(fd);
  });
  // More than the socket buffers of both ends hold.
  const Bytes bytes(64 << 20);
  const auto outcome = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("127.0.0.1", listener.port(), io.time.now() + seconds(10)));
    const auto timer = io.time.call_at(io.time.now() + milliseconds(100), [&stream] { stream->close(); });
    const ConstBytes pieces[] = {bytes};
    const auto written = co_await stream->write_all(pieces);
    io.time.cancel(timer);
    if (written) co_return "written";
    co_return is_aborted(written.error()) ? "aborted" : written.error().message();
  });
  done.set_value();
  server.join();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, "aborted");
}

TEST(Tcp, StoppingAGroupEndsItsReads) {
  const Listener listener;
  const auto outcome = on_core([&](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("127.0.0.1", listener.port(), io.time.now() + seconds(10)));
    std::string seen = "nothing";
    TaskGroup group(io.executor);
    group.spawn([&]() -> Task {
      Bytes buffer(1000);
      const auto size = co_await stream->read_some(buffer);
      seen = size ? "read something" : is_aborted(size.error()) ? "aborted" : size.error().message();
    });
    LH_CO_TRY_VOID(co_await io.time.sleep_for(milliseconds(50)));
    co_await group.stop();
    co_return seen;
  });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, "aborted");
}

TEST(Tcp, AResetByThePeerIsAnError) {
  const Listener listener;
  std::thread server([&] {
    const int fd = listener.accept();
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(fd);
  });
  const auto outcome = on_core([&](Io& io) -> Async<std::size_t> {
    LH_CO_TRY(const auto stream,
              co_await io.connector.connect("127.0.0.1", listener.port(), io.time.now() + seconds(10)));
    Bytes buffer(10);
    co_return co_await stream->read_some(buffer);
  });
  server.join();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, boost::system::errc::connection_reset);
}

TEST(SystemTime, TimersFireInOrderAndNotEarly) {
  const auto late = on_core([](Io& io) -> Async<std::vector<int>> {
    std::vector<int> fired;
    const auto begin = io.time.now();
    const auto note = [&fired](int number) { return [&fired, number] { fired.push_back(number); }; };
    (void)io.time.call_at(begin + milliseconds(60), note(3));
    (void)io.time.call_at(begin + milliseconds(20), note(1));
    const auto cancelled_timer = io.time.call_at(begin + milliseconds(30), note(99));
    (void)io.time.call_at(begin + milliseconds(40), note(2));
    (void)io.time.call_at(begin - milliseconds(5), note(0));
    io.time.cancel(cancelled_timer);
    LH_CO_TRY_VOID(co_await io.time.sleep_until(begin + milliseconds(70)));
    if (io.time.now() < begin + milliseconds(70)) fired.push_back(-1);
    co_return fired;
  });
  ASSERT_TRUE(late);
  EXPECT_EQ(*late, (std::vector{0, 1, 2, 3}));
}

TEST(IoThreads, RunsPostedWorkOnItsOwnThreadInOrder) {
  IoThreads threads({.cores = 2, .seed = 3, .pinning = Pinning::one_cpu_each});
  threads.start();
  std::vector<int> order;
  std::promise<std::thread::id> first;
  std::promise<std::thread::id> second;
  for (int i = 0; i < 100; ++i) threads.post(0, [&order, i] { order.push_back(i); });
  threads.post(0, [&] { first.set_value(std::this_thread::get_id()); });
  threads.post(1, [&, moved = std::make_unique<int>(1)] { second.set_value(std::this_thread::get_id()); });
  const auto id0 = first.get_future().get();
  const auto id1 = second.get_future().get();
  EXPECT_NE(id0, id1);
  EXPECT_NE(id0, std::this_thread::get_id());
  threads.stop();
  threads.join();
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(IoThreads, CoresHaveDifferentChanceThatASeedRepeats) {
  IoThreads once({.cores = 2, .seed = 5});
  IoThreads twice({.cores = 2, .seed = 5});
  const auto a0 = once.core(0).random();
  const auto a1 = once.core(1).random();
  EXPECT_NE(a0, a1);
  EXPECT_EQ(a0, twice.core(0).random());
  EXPECT_EQ(a1, twice.core(1).random());
}

}  // namespace
}  // namespace longhaul::net
