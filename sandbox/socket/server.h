#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/event.h"
#include "net/io.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "sandbox/cluster.h"

namespace longhaul::sandbox {

struct ServerOptions {
  /// Of the cluster, for the log.
  std::string name = "sandbox";
  /// Where all brokers listen, as a number, and what clients are told.
  std::string address = "127.0.0.1";
  /// One per broker; 0 takes a free one.
  std::vector<std::uint16_t> ports = {0};
  /// Number of brokers and endpoints are filled in from the ports.
  ClusterOptions cluster;
  /// Null: plain text.
  std::shared_ptr<const net::TlsContext> tls;
  /// Per broker.
  std::size_t connections_max = 1000;
  /// Kafka's socket.request.max.bytes.
  std::size_t request_bytes_max = 104'857'600;
  /// Kafka's connections.max.idle.ms.
  milliseconds idle_max{600'000};
};

/// A cluster behind sockets: one listener per broker, each request handed to the cluster, its answers
/// written, its timers kept. Lives on one core; opened, started and stopped by whoever owns the core.
class Server {
 public:
  /// Takes the ports, so that clients may connect; nobody is served before `start`.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(net::Io& io, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// On the core.
  void start();
  /// Closes everything and returns when nothing runs any more. Ignores cancellation.
  [[nodiscard]] net::Task stop();

  /// One line of administration: a fault rule, a leader move, ... as sandbox/faults.h has them. On the core.
  [[nodiscard]] Result<std::string> control(std::string_view line);

  [[nodiscard]] const std::string& name() const { return options_.name; }
  /// "127.0.0.1:9092,127.0.0.1:9093": what clients have as bootstrap.servers.
  [[nodiscard]] std::string bootstrap() const;

 private:
  struct Connection;
  struct Broker {
    BrokerId id;
    std::uint16_t port = 0;
    /// Null while the broker is down.
    std::shared_ptr<net::Listener> listener;
  };

  Server(net::Io& io, ServerOptions options, std::vector<Broker> brokers);
  [[nodiscard]] static Result<std::shared_ptr<net::Listener>> listen(net::Io& io,
                                                                     const ServerOptions& options,
                                                                     std::uint16_t port);
  [[nodiscard]] net::Task accept_loop(BrokerId broker, std::shared_ptr<net::Listener> listener);
  [[nodiscard]] net::Task run_connection(BrokerId broker, std::unique_ptr<net::Stream> stream);
  [[nodiscard]] net::Async<void> read_requests(Connection& connection);
  [[nodiscard]] net::Task write_answers(std::shared_ptr<Connection> connection);
  [[nodiscard]] Now now() const;
  void pump();
  void follow_brokers();
  void arm_timer();

  net::Io& io_;
  ServerOptions options_;
  std::vector<Broker> brokers_;
  std::unique_ptr<Cluster> cluster_;
  std::map<ConnectionId, std::shared_ptr<Connection>> connections_;
  ConnectionId last_connection_ = 0;
  net::TimerId timer_;
  net::TaskGroup group_;
};

}  // namespace longhaul::sandbox
