#include "sandbox/socket/server.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/log.h"
#include "net/deadline.h"
#include "net/error.h"
#include "sandbox/socket/request_reader.h"

namespace longhaul::sandbox {
namespace {

constexpr milliseconds kHandshakeMax{10'000};
/// Answers that wait for a client that does not read them; above it no more of its requests are read.
constexpr std::size_t kUnwrittenMax = 64 * 1024 * 1024;
/// Requests that wait behind one that is being served; more are left to the socket's buffers. Far above what
/// clients pipeline, so that the end of a connection is noticed while a fault holds its requests up.
constexpr std::size_t kUnansweredMax = 128;

}  // namespace

struct Server::Connection {
  Connection(ConnectionId n, std::unique_ptr<net::Stream> s, net::TimeSource& time)
      : id(n), stream(std::move(s)), changed(time), written(time) {}

  ConnectionId id;
  std::unique_ptr<net::Stream> stream;
  std::deque<Output> outgoing;
  std::size_t unwritten = 0;
  /// The reader is done: nothing more will come.
  bool ended = false;
  /// Nothing more can be written.
  bool broken = false;
  net::Event changed;
  net::Event written;
};

Result<std::shared_ptr<net::Listener>> Server::listen(net::Io& io, const ServerOptions& options,
                                                      std::uint16_t port) {
  return net::Listener::open(
      io.executor, io.time,
      {.address = options.address, .port = port, .connections_max = options.connections_max});
}

Result<std::unique_ptr<Server>> Server::open(net::Io& io, ServerOptions options) {
  std::vector<Broker> brokers;
  options.cluster.brokers = static_cast<int>(options.ports.size());
  options.cluster.endpoints.clear();
  for (const auto port : options.ports) {
    LH_TRY(auto listener,
           net::Listener::open(
               io.executor, io.time,
               {.address = options.address, .port = port, .connections_max = options.connections_max}));
    const auto id = BrokerId(static_cast<std::int32_t>(brokers.size()) + 1);
    options.cluster.endpoints.push_back({.host = options.address, .port = listener->port()});
    brokers.push_back({.id = id, .port = listener->port(), .listener = std::move(listener)});
  }
  return std::unique_ptr<Server>(new Server(io, std::move(options), std::move(brokers)));
}

Server::Server(net::Io& io, ServerOptions options, std::vector<Broker> brokers)
    : io_(io),
      options_(std::move(options)),
      brokers_(std::move(brokers)),
      cluster_(std::make_unique<Cluster>(options_.cluster)),
      group_(io.executor) {}

Server::~Server() = default;

void Server::start() {
  for (const auto& broker : brokers_) {
    group_.spawn([this, id = broker.id, listener = broker.listener] { return accept_loop(id, listener); });
  }
  pump();
}

net::Task Server::stop() {
  for (auto& broker : brokers_) broker.listener.reset();
  io_.time.cancel(timer_);
  co_await group_.stop();
  io_.time.cancel(timer_);
}

Result<std::string> Server::control(std::string_view line) {
  auto answer = cluster_->control(line, now());
  pump();
  return answer;
}

std::string Server::bootstrap() const {
  std::string text;
  for (const auto& broker : brokers_) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}:{}", options_.address, broker.port);
  }
  return text;
}

Now Server::now() const {
  return {.steady = io_.time.now(), .wall_ms = io_.time.wall_ms()};
}

net::Task Server::accept_loop(BrokerId broker, std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto stream = co_await listener->accept();
    if (!stream) {
      if (!net::is_aborted(stream.error())) {
        log::error(
            "a broker accepts no more connections",
            {{"cluster", options_.name}, {"broker", broker.value()}, {"reason", stream.error().message()}});
      }
      co_return;
    }
    group_.spawn([this, broker, accepted = *std::move(stream)]() mutable {
      return run_connection(broker, std::move(accepted));
    });
  }
}

net::Task Server::run_connection(BrokerId broker, std::unique_ptr<net::Stream> stream) {
  if (options_.tls) {
    const auto deadline = net::saturating_add(io_.time.now(), kHandshakeMax);
    const auto peer = stream->peer();
    auto secured = co_await net::tls_accept(std::move(stream), options_.tls, io_.time, deadline);
    if (!secured) {
      if (!net::is_aborted(secured.error())) {
        log::info("TLS handshake failed",
                  {{"cluster", options_.name}, {"peer", peer}, {"reason", secured.error().message()}});
      }
      co_return;
    }
    stream = *std::move(secured);
  }
  const auto connection = std::make_shared<Connection>(++last_connection_, std::move(stream), io_.time);
  connections_.emplace(connection->id, connection);
  cluster_->connected(connection->id, broker, now());
  pump();
  group_.spawn([this, connection] { return write_answers(connection); });
  const auto read = co_await read_requests(*connection);
  if (!read && !net::is_aborted(read.error()) && read.error().code != net::NetErrc::closed_by_peer) {
    log::info("connection closed", {{"cluster", options_.name},
                                    {"broker", broker.value()},
                                    {"peer", connection->stream->peer()},
                                    {"reason", read.error().message()}});
  }
  connection->ended = true;
  connection->stream->close();
  connection->changed.notify();
  connections_.erase(connection->id);
  cluster_->disconnected(connection->id, now());
  pump();
}

net::Async<void> Server::read_requests(Connection& connection) {
  RequestReader reader(*connection.stream, options_.request_bytes_max);
  while (true) {
    const auto idle_until = net::saturating_add(io_.time.now(), options_.idle_max);
    const net::Deadline idle(io_.time, idle_until, [&connection] { connection.stream->close(); });
    LH_CO_TRY(auto request, co_await reader.next());
    cluster_->received(connection.id, std::move(request), now());
    pump();
    while (connection.unwritten > kUnwrittenMax || cluster_->unanswered(connection.id) > kUnansweredMax) {
      if (connection.broken) co_return fail(net::NetErrc::closed_by_peer);
      LH_CO_TRY_VOID(co_await connection.written.wait());
    }
  }
}

net::Task Server::write_answers(std::shared_ptr<Connection> connection) {
  while (true) {
    while (connection->outgoing.empty()) {
      if (connection->ended) co_return;
      const auto changed = co_await connection->changed.wait();
      if (!changed) co_return;
    }
    // All that waits goes in one gathered write.
    const auto outputs = std::exchange(connection->outgoing, {});
    std::vector<ConstBytes> pieces;
    bool closes = false;
    for (const auto& output : outputs) {
      closes = output.kind == Output::Kind::close;
      if (closes) break;
      const auto more = output.frame.pieces();
      pieces.insert(pieces.end(), more.begin(), more.end());
    }
    if (!pieces.empty()) {
      const auto idle_until = net::saturating_add(io_.time.now(), options_.idle_max);
      const net::Deadline idle(io_.time, idle_until, [&connection] { connection->stream->close(); });
      const auto written = co_await connection->stream->write_all(pieces);
      closes = closes || !written;
    }
    for (const auto& output : outputs) connection->unwritten -= output.frame.size();
    connection->broken = closes;
    connection->written.notify();
    // The reader notices and cleans up.
    if (closes) connection->stream->close();
    if (closes) co_return;
  }
}

/// To be called after everything that happened to the cluster.
void Server::pump() {
  for (auto& output : cluster_->take_outputs()) {
    const auto found = connections_.find(output.connection);
    if (found == connections_.end()) continue;
    auto& connection = *found->second;
    connection.unwritten += output.frame.size();
    connection.outgoing.push_back(std::move(output));
    connection.changed.notify();
  }
  if (group_.stopping()) return;
  follow_brokers();
  arm_timer();
}

/// A broker that is down refuses connections; one that comes back listens where it did.
void Server::follow_brokers() {
  for (auto& broker : brokers_) {
    const bool is_up = cluster_->is_up(broker.id);
    if (is_up == (broker.listener != nullptr)) continue;
    if (!is_up) {
      broker.listener->close();
      broker.listener.reset();
      continue;
    }
    auto listener = listen(io_, options_, broker.port);
    if (!listener) {
      log::error("a broker cannot come back",
                 {{"cluster", options_.name}, {"reason", listener.error().message()}});
      continue;
    }
    broker.listener = *std::move(listener);
    group_.spawn([this, id = broker.id, accepting = broker.listener] { return accept_loop(id, accepting); });
  }
}

void Server::arm_timer() {
  const auto next = cluster_->next_timer().value_or(SteadyTime::max());
  if (timer_.when == next) return;
  io_.time.cancel(timer_);
  timer_ = {};
  if (next == SteadyTime::max()) return;
  timer_ = io_.time.call_at(next, [this] {
    timer_ = {};
    cluster_->on_timer(now());
    pump();
  });
}

}  // namespace longhaul::sandbox
