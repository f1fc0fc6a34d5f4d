#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/event.h"
#include "net/stream.h"
#include "protocol/header.h"
#include "sandbox/cluster.h"
#include "tests/sim/chance.h"
#include "tests/sim/trace.h"

namespace longhaul::sim {

struct Site;

/// One connection: two pipes in which bytes take their time, and what each end knows of the other.
struct Link {
  explicit Link(net::TimeSource& time) : readable(time), writable(time) {}

  struct Chunk {
    SteadyTime when;
    Bytes bytes;
    bool ends = false;  ///< the sender's end was closed behind it
  };
  struct Pipe {
    std::deque<Chunk> chunks;
    std::size_t bytes = 0;
    SteadyTime held_until{};
    std::optional<std::size_t> cut_after;
    net::TimerId timer;
    bool armed = false;
  };

  std::uint64_t id = 0;
  int instance = 0;
  Site* site = nullptr;
  BrokerId broker;
  std::string peer;
  Pipe to_broker;
  Pipe to_client;
  Bytes inbox;     ///< at the broker: a frame that is not whole yet
  Bytes received;  ///< at the client
  std::size_t taken = 0;
  std::size_t read_max = SIZE_MAX;
  bool client_gone = false;   ///< the client closed its end, or died
  bool client_knows = false;  ///< the client sees that the connection has ended
  bool broker_gone = false;   ///< the broker has forgotten the connection
  net::Event readable;
  net::Event writable;
};

/// A cluster and how it can be reached.
struct Site {
  std::string name;
  std::unique_ptr<sandbox::Cluster> cluster;
  std::optional<std::pair<SteadyTime, net::TimerId>> timer;
  std::int64_t wall_ahead_ms = 0;
  std::map<BrokerId, SteadyTime> paused_until;
};

/// The road between one instance and one cluster.
struct Road {
  std::chrono::microseconds latency{500};
  std::chrono::microseconds extra{0};
  SteadyTime blocked_until{};
  SteadyTime refused_until{};
  /// The process at its beginning was killed: nothing comes from there any more.
  bool is_dead = false;
};

/// What a client, whose process is gone or whose connection was cut, had written and the broker had not read.
enum class Leftovers {
  dropped,   ///< is lost
  delivered  ///< arrives later
};

/// Sandbox clusters behind streams in memory on which everything can go wrong that goes wrong on networks.
class SimNet {
 public:
  SimNet(net::TimeSource& time, Trace& trace, Tally& tally, std::uint64_t seed);

  /// `options.endpoints` is filled in: a cluster's brokers listen on the host that is its name, at the ports
  /// 1, 2, ...
  Site& add(const std::string& name, sandbox::ClusterOptions options);
  [[nodiscard]] Site& site(const std::string& name) { return *sites_.at(name); }
  [[nodiscard]] Road& road(int instance, const std::string& site) { return roads_[{instance, site}]; }
  [[nodiscard]] std::unique_ptr<net::Connector> connector(int instance);

  /// Some connection of `instance` (any for -1) to `site`, if there is one.
  [[nodiscard]] std::shared_ptr<Link> some_link(int instance, const std::string& site);
  /// Whether something is on its way to the site's brokers.
  [[nodiscard]] bool has_requests_under_way(const std::string& site) const;
  /// Ends a connection now: the client learns it, the broker learns it when it has read what is left over.
  void reset(Link& link, Leftovers leftovers, milliseconds later);
  /// The broker forgets the connection and the client is not told.
  void go_silent(Link& link);
  /// The process of `instance` is gone.
  void kill(int instance, Leftovers leftovers, milliseconds later_max);
  /// Ends everything that holds traffic up.
  void heal();
  /// To be called when a road, a broker or a link was held up or let go.
  void rearm();
  /// To be called after the cluster was changed from outside, so that those who wait hear of it.
  void deliver(Site& site);

  [[nodiscard]] sandbox::Now now(const Site& site) const {
    return {.steady = time_.now(), .wall_ms = time_.wall_ms() + site.wall_ahead_ms};
  }

  template <class Response>
  struct Answer {
    std::unique_ptr<Bytes> frame;  ///< what the response points into
    Response body;
  };
  /// One request past the network, served at once. Nothing when the broker is down or does not answer at
  /// once.
  template <class Request>
  std::optional<Answer<typename Request::Response>> call(Site& site, std::int32_t broker,
                                                         const Request& request, std::int16_t version) {
    const auto frame = protocol::encode_request(request, version, 1, "sim");
    LH_CHECK(frame.has_value());
    auto bytes = exchange(site, BrokerId(broker), frame->flattened());
    if (bytes == nullptr) return std::nullopt;
    const auto parts = protocol::split_response(ConstBytes(*bytes).subspan(4), Request::kApi, version);
    LH_CHECK(parts.has_value());
    auto body = protocol::decode<typename Request::Response>(parts->body, version);
    LH_CHECK(body.has_value());
    return Answer<typename Request::Response>{std::move(bytes), *std::move(body)};
  }

  std::int64_t connects = 0;
  std::int64_t requests = 0;

 private:
  friend class SimConnector;
  friend class SimStream;
  [[nodiscard]] net::Async<std::unique_ptr<net::Stream>> connect(int instance, std::string host,
                                                                 std::uint16_t port, SteadyTime deadline);
  void write(Link& link, Bytes bytes);
  void close(Link& link);

  [[nodiscard]] SteadyTime held_until(const Link& link, const Link::Pipe& pipe);
  void push(Link& link, Link::Pipe& pipe, Bytes bytes, bool ends);
  void arm(Link& link, Link::Pipe& pipe);
  void run(Link& link, Link::Pipe& pipe);
  void arrive_at_broker(Link& link, Link::Chunk chunk);
  void arrive_at_client(Link& link, Link::Chunk chunk);
  void forget_at_broker(Link& link);
  void take_requests(Link& link);
  void arm_timer(Site& site);
  [[nodiscard]] std::unique_ptr<Bytes> exchange(Site& site, BrokerId broker, const Bytes& frame);

  net::TimeSource& time_;
  Trace& trace_;
  Tally& tally_;
  Chance chance_;
  std::map<std::string, std::unique_ptr<Site>> sites_;
  std::map<std::pair<int, std::string>, Road> roads_;
  std::map<std::uint64_t, std::shared_ptr<Link>> links_;
  std::uint64_t next_link_ = 1;
  /// The connection of exchange() and what came back on it.
  std::uint64_t asking_ = 0;
  std::unique_ptr<Bytes> asked_;
};

}  // namespace longhaul::sim
