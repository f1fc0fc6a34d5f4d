#include "net/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "net/error.h"
#include "tests/unit/net/on_core.h"

namespace longhaul::net {
namespace {

using std::chrono::seconds;

Async<std::unique_ptr<Stream>> connect(Io& io, const Listener& listener) {
  auto deadline = io.time.now() + seconds(20);
  co_return co_await io.connector.connect("127.0.0.1", listener.port(), deadline);
}

Async<std::string> read_text(Stream& stream, std::size_t size) {
  std::string text;
  Bytes buffer(64);
  while (text.size() < size) {
    LH_CO_TRY(const auto got, co_await stream.read_some(buffer));
    text += as_text(ConstBytes(buffer).first(got));
  }
  co_return text;
}

Async<void> write_text(Stream& stream, std::string_view text) {
  const ConstBytes pieces[] = {as_bytes(text)};
  co_return co_await stream.write_all(pieces);
}

TEST(Listener, AcceptsStreamsThatCarryBytesBothWays) {
  const auto outcome = on_core([](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto listener, Listener::open(io.executor, io.time, {}));
    LH_CO_TRY(const auto client, co_await connect(io, *listener));
    LH_CO_TRY(const auto server, co_await listener->accept());
    LH_CO_TRY_VOID(co_await write_text(*client, "question"));
    LH_CO_TRY(const auto question, co_await read_text(*server, 8));
    LH_CO_TRY_VOID(co_await write_text(*server, "answer"));
    LH_CO_TRY(const auto answer, co_await read_text(*client, 6));
    if (!server->peer().starts_with("127.0.0.1:")) co_return "strange peer " + server->peer();
    co_return question + " " + answer;
  });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, "question answer");
}

TEST(Listener, SaysThatAPortIsTaken) {
  const auto outcome = on_core([](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto first, Listener::open(io.executor, io.time, {}));
    const auto second = Listener::open(io.executor, io.time, {.port = first->port()});
    if (second) co_return "both listen";
    const auto expected = fmt::format("cannot listen on 127.0.0.1:{}", first->port());
    co_return second.error().detail == expected ? second.error().code.message() : second.error().detail;
  });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, "Address already in use");
}

TEST(Listener, SaysThatAnAddressIsNone) {
  const auto outcome = on_core([](Io& io) -> Async<bool> {
    const auto listener = Listener::open(io.executor, io.time, {.address = "localhost"});
    co_return !listener && listener.error().detail == "'localhost' is no address to listen on";
  });
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(*outcome);
}

TEST(Listener, AcceptsNoMoreThanItsLimitUntilAStreamIsGone) {
  const auto outcome = on_core([](Io& io) -> Async<std::vector<std::size_t>> {
    LH_CO_TRY(const auto listener, Listener::open(io.executor, io.time, {.connections_max = 2}));
    std::vector<std::unique_ptr<Stream>> clients;
    for (int i = 0; i < 3; ++i) {
      LH_CO_TRY(auto client, co_await connect(io, *listener));
      clients.push_back(std::move(client));
    }
    std::vector<std::unique_ptr<Stream>> accepted;
    TaskGroup group(io.executor);
    Event changed(io.time);
    group.spawn([&]() -> Task {
      while (true) {
        auto stream = co_await listener->accept();
        if (!stream) co_return;
        accepted.push_back(*std::move(stream));
        changed.notify();
      }
    });
    std::vector<std::size_t> seen;
    while (accepted.size() < 2) LH_CO_TRY_VOID(co_await changed.wait());
    LH_CO_TRY_VOID(co_await io.time.sleep_for(milliseconds(50)));
    seen.push_back(accepted.size());
    accepted.erase(accepted.begin());
    while (accepted.size() < 2) LH_CO_TRY_VOID(co_await changed.wait());
    // The third client is the one that was accepted last.
    LH_CO_TRY_VOID(co_await write_text(*clients[2], "third"));
    LH_CO_TRY(const auto text, co_await read_text(*accepted[1], 5));
    if (text == "third") seen.push_back(listener->connections());
    co_await group.stop();
    accepted.clear();
    seen.push_back(listener->connections());
    co_return seen;
  });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, (std::vector<std::size_t>{2, 2, 0}));
}

TEST(Listener, CloseEndsAcceptRefusesNewcomersAndLeavesStreamsAlone) {
  const auto outcome = on_core([](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto listener, Listener::open(io.executor, io.time, {}));
    LH_CO_TRY(const auto client, co_await connect(io, *listener));
    LH_CO_TRY(const auto server, co_await listener->accept());
    const auto timer = io.time.call_at(io.time.now() + milliseconds(20), [&listener] { listener->close(); });
    const auto none = co_await listener->accept();
    io.time.cancel(timer);
    if (none || !is_aborted(none.error())) co_return "accept did not end";
    const auto refused = co_await connect(io, *listener);
    if (refused || refused.error().code != boost::system::errc::connection_refused) co_return "not refused";
    const auto again = Listener::open(io.executor, io.time, {.port = listener->port()});
    if (!again) co_return "the port is not free: " + again.error().message();
    LH_CO_TRY_VOID(co_await write_text(*server, "alive"));
    co_return co_await read_text(*client, 5);
  });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, "alive");
}

TEST(Listener, StoppingAGroupEndsItsAccept) {
  for (const std::size_t limit : {0u, 1u}) {
    const auto outcome = on_core([limit](Io& io) -> Async<bool> {
      LH_CO_TRY(const auto listener, Listener::open(io.executor, io.time, {.connections_max = limit}));
      bool ended = false;
      TaskGroup group(io.executor);
      group.spawn([&]() -> Task {
        const auto stream = co_await listener->accept();
        ended = !stream && is_aborted(stream.error());
      });
      LH_CO_TRY_VOID(co_await io.time.sleep_for(milliseconds(20)));
      co_await group.stop();
      co_return ended;
    });
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_TRUE(*outcome) << "limit " << limit;
  }
}

/// A process without free descriptors goes on accepting once there is one.
TEST(Listener, WaitsOutAShortageOfDescriptors) {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  // Its check of virtual calls opens a pipe to see whether memory can be read, and takes a failure for a
  // finding.
  GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors of its own";
#endif
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto outcome = on_core([&before](Io& io) -> Async<std::string> {
    LH_CO_TRY(const auto listener, Listener::open(io.executor, io.time, {}));
    LH_CO_TRY(const auto client, co_await connect(io, *listener));
    const int next = ::dup(0);
    ::close(next);
    // No descriptor at or above the lowest free one may be made.
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) co_return "setrlimit failed";
    bool over = false;
    const auto timer = io.time.call_at(io.time.now() + milliseconds(150), [&before, &over] {
      over = true;
      (void)::setrlimit(RLIMIT_NOFILE, &before);
    });
    const auto server = co_await listener->accept();
    io.time.cancel(timer);
    (void)::setrlimit(RLIMIT_NOFILE, &before);
    if (!server) co_return server.error().message();
    co_return over ? "waited" : "accepted during the shortage";
  });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(*outcome, "waited");
}

}  // namespace
}  // namespace longhaul::net
