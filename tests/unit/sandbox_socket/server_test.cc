#include "sandbox/socket/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "net/error.h"
#include "net/io_threads.h"
#include "protocol/frame.h"
#include "protocol/message.h"
#include "protocol/messages/all.h"

namespace longhaul::sandbox {
namespace {

using protocol::ApiKey;
using std::chrono::seconds;

constexpr std::int16_t kVersion = 0;

/// Runs `test` beside a started server on one core, then stops the server.
template <class Test>
auto with_server(ServerOptions options, Test test) {
  net::IoThreads threads({.cores = 1, .seed = 1});
  auto& io = threads.core(0);
  using T = typename decltype(test(io, std::declval<Server&>()))::value_type;
  auto server = Server::open(io, std::move(options));
  if (!server) return T(std::unexpected(server.error()));
  std::optional<T> result;
  net::TaskGroup group(io.executor);
  group.spawn([&]() -> net::Task {
    (*server)->start();
    result = co_await test(io, **server);
    co_await (*server)->stop();
  });
  threads.start();
  std::atomic<bool> ended = false;
  while (!ended) {
    threads.post(0, [&] { ended = group.size() == 0; });
    std::this_thread::sleep_for(milliseconds(1));
  }
  threads.stop();
  threads.join();
  return *std::move(result);
}

std::uint16_t port_of(const Server& server, std::size_t broker = 0) {
  auto list = server.bootstrap();
  for (; broker > 0; --broker) list = list.substr(list.find(',') + 1);
  list = list.substr(0, list.find(','));
  return static_cast<std::uint16_t>(std::stoi(list.substr(list.find(':') + 1)));
}

net::Async<std::unique_ptr<net::Stream>> connect(net::Io& io, const Server& server, std::size_t broker = 0) {
  const auto deadline = io.time.now() + seconds(20);
  co_return co_await io.connector.connect("127.0.0.1", port_of(server, broker), deadline);
}

/// An ApiVersions request of version 0, with its size.
Bytes api_versions(std::int32_t correlation_id) {
  Bytes request(4 + 10);
  store_be(request, 0, std::int32_t{10});
  store_be(request, 4, std::int16_t{18});
  store_be(request, 6, kVersion);
  store_be(request, 8, correlation_id);
  store_be(request, 12, std::int16_t{-1});
  return request;
}

net::Async<void> send(net::Stream& stream, ConstBytes bytes) {
  const ConstBytes pieces[] = {bytes};
  co_return co_await stream.write_all(pieces);
}

net::Async<Bytes> receive(net::Stream& stream, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size;) {
    const auto room = MutableBytes(bytes).subspan(at);
    LH_CO_TRY(const auto more, co_await stream.read_some(room));
    at += more;
  }
  co_return bytes;
}

/// The correlation id of the next answer, whose rest is read and forgotten.
net::Async<std::int32_t> next_answer(net::Stream& stream) {
  LH_CO_TRY(const auto prefix, co_await receive(stream, 4));
  LH_CO_TRY(const auto size, protocol::frame_size(prefix, 1 << 20));
  LH_CO_TRY(const auto frame, co_await receive(stream, size));
  co_return load_be<std::int32_t>(frame);
}

/// How the stream ends: "closed", or what went wrong instead.
net::Async<std::string> end_of(net::Stream& stream) {
  Bytes byte(1);
  const auto size = co_await stream.read_some(byte);
  if (size) co_return "more bytes";
  const bool is_closed = size.error().code == net::NetErrc::closed_by_peer ||
                         size.error().code == boost::system::errc::connection_reset;
  co_return is_closed ? "closed" : size.error().message();
}

TEST(Server, AnswersRequestsInOrderOnEachConnection) {
  const auto seen = with_server({}, [](net::Io& io, Server& server) -> net::Async<std::vector<std::int32_t>> {
    LH_CO_TRY(const auto one, co_await connect(io, server));
    LH_CO_TRY(const auto two, co_await connect(io, server));
    Bytes pipelined;
    for (const std::int32_t id : {1, 2, 3}) {
      const auto request = api_versions(id);
      pipelined.insert(pipelined.end(), request.begin(), request.end());
    }
    const auto single = api_versions(9);
    LH_CO_TRY_VOID(co_await send(*one, pipelined));
    LH_CO_TRY_VOID(co_await send(*two, single));
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 3; ++i) {
      LH_CO_TRY(const auto id, co_await next_answer(*one));
      ids.push_back(id);
    }
    LH_CO_TRY(const auto id, co_await next_answer(*two));
    ids.push_back(id);
    co_return ids;
  });
  ASSERT_TRUE(seen) << seen.error().message();
  EXPECT_EQ(*seen, (std::vector{1, 2, 3, 9}));
}

TEST(Server, TakesARequestThatComesByteByByte) {
  const auto id = with_server({}, [](net::Io& io, Server& server) -> net::Async<std::int32_t> {
    LH_CO_TRY(const auto stream, co_await connect(io, server));
    const auto request = api_versions(7);
    for (std::size_t i = 0; i < request.size(); ++i) {
      const auto byte = ConstBytes(request).subspan(i, 1);
      LH_CO_TRY_VOID(co_await send(*stream, byte));
      LH_CO_TRY_VOID(co_await io.time.sleep_for(milliseconds(1)));
    }
    co_return co_await next_answer(*stream);
  });
  ASSERT_TRUE(id) << id.error().message();
  EXPECT_EQ(*id, 7);
}

TEST(Server, ClosesConnectionsWhoseFramesAreNone) {
  ServerOptions options;
  options.request_bytes_max = 1000;
  for (const std::int32_t size : {1001, -1, 0, 3}) {
    const auto end = with_server(options, [size](net::Io& io, Server& server) -> net::Async<std::string> {
      LH_CO_TRY(const auto stream, co_await connect(io, server));
      Bytes prefix(4);
      store_be(prefix, 0, size);
      LH_CO_TRY_VOID(co_await send(*stream, prefix));
      co_return co_await end_of(*stream);
    });
    ASSERT_TRUE(end) << end.error().message();
    EXPECT_EQ(*end, "closed") << "size " << size;
  }
}

TEST(Server, ABrokerThatIsDownRefusesConnectionsAndComesBackOnItsPort) {
  ServerOptions options;
  options.ports = {0, 0};
  const auto told = with_server(options, [](net::Io& io, Server& server) -> net::Async<std::string> {
    LH_CO_TRY(const auto before, co_await connect(io, server, 1));
    const auto down = server.control("broker id=2 state=down");
    if (!down) co_return "no broker went down: " + down.error().message();
    LH_CO_TRY(const auto end, co_await end_of(*before));
    if (end != "closed") co_return "the old connection: " + end;
    const auto refused = co_await connect(io, server, 1);
    if (refused || refused.error().code != boost::system::errc::connection_refused) co_return "not refused";
    LH_CO_TRY(const auto other, co_await connect(io, server, 0));
    const auto up = server.control("broker id=2 state=up");
    if (!up) co_return "it did not come back: " + up.error().message();
    LH_CO_TRY(const auto after, co_await connect(io, server, 1));
    const auto request = api_versions(5);
    LH_CO_TRY_VOID(co_await send(*after, request));
    LH_CO_TRY(const auto id, co_await next_answer(*after));
    co_return id == 5 ? "back" : "a strange answer";
  });
  ASSERT_TRUE(told) << told.error().message();
  EXPECT_EQ(*told, "back");
}

TEST(Server, FaultsReachTheirClients) {
  const auto told = with_server({}, [](net::Io& io, Server& server) -> net::Async<std::string> {
    const auto added = server.control("fault action=truncate api=ApiVersions count=1");
    if (!added) co_return added.error().message();
    LH_CO_TRY(const auto stream, co_await connect(io, server));
    const auto request = api_versions(5);
    LH_CO_TRY_VOID(co_await send(*stream, request));
    LH_CO_TRY(const auto prefix, co_await receive(*stream, 4));
    LH_CO_TRY(const auto size, protocol::frame_size(prefix, 1 << 20));
    std::size_t got = 0;
    Bytes buffer(1 << 16);
    while (true) {
      const auto more = co_await stream->read_some(buffer);
      if (!more) break;
      got += *more;
    }
    LH_CO_TRY(const auto again, co_await connect(io, server));
    LH_CO_TRY_VOID(co_await send(*again, request));
    LH_CO_TRY(const auto id, co_await next_answer(*again));
    co_return got > 0 && got < size&& id == 5 ? "cut once" : fmt::format("{} of {} bytes", got, size);
  });
  ASSERT_TRUE(told) << told.error().message();
  EXPECT_EQ(*told, "cut once");
}

TEST(Server, TimersOfTheClusterAreKept) {
  const auto told = with_server({}, [](net::Io& io, Server& server) -> net::Async<std::string> {
    const auto added = server.control("fault action=delay delay_ms=80 api=ApiVersions");
    if (!added) co_return added.error().message();
    LH_CO_TRY(const auto stream, co_await connect(io, server));
    const auto begin = io.time.now();
    const auto request = api_versions(5);
    LH_CO_TRY_VOID(co_await send(*stream, request));
    LH_CO_TRY(const auto id, co_await next_answer(*stream));
    co_return id == 5 && io.time.now() - begin >= milliseconds(80) ? "late" : "early";
  });
  ASSERT_TRUE(told) << told.error().message();
  EXPECT_EQ(*told, "late");
}

TEST(Server, StopsWithConnectionsOpenAndRequestsUnanswered) {
  const auto told = with_server({}, [](net::Io& io, Server& server) -> net::Async<std::string> {
    const auto added = server.control("fault action=stall");
    if (!added) co_return added.error().message();
    LH_CO_TRY(const auto stream, co_await connect(io, server));
    const auto request = api_versions(5);
    for (int i = 0; i < 300; ++i) LH_CO_TRY_VOID(co_await send(*stream, request));
    LH_CO_TRY(const auto idle, co_await connect(io, server));
    LH_CO_TRY_VOID(co_await io.time.sleep_for(milliseconds(50)));
    co_await server.stop();
    co_return co_await end_of(*stream);
  });
  ASSERT_TRUE(told) << told.error().message();
  EXPECT_EQ(*told, "closed");
}

TEST(Server, SaysWhichPortIsTaken) {
  net::IoThreads threads({.cores = 1, .seed = 1});
  const auto first = Server::open(threads.core(0), {});
  ASSERT_TRUE(first);
  ServerOptions options;
  options.ports = {0, port_of(**first)};
  const auto second = Server::open(threads.core(0), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            fmt::format("cannot listen on 127.0.0.1:{}: Address already in use", port_of(**first)));
}

}  // namespace
}  // namespace longhaul::sandbox
