#include "tests/sim/sim_net.h"

#include <algorithm>

#include "net/error.h"

namespace longhaul::sim {
namespace {

/// Bytes under way to a broker above which a writer waits, as a socket buffer makes it.
constexpr std::size_t kPipeMax = std::size_t{1} << 20U;

}  // namespace

class SimStream final : public net::Stream {
 public:
  SimStream(SimNet& net, std::shared_ptr<Link> link) : net_(net), link_(std::move(link)) {}
  ~SimStream() override { close(); }

  [[nodiscard]] net::Async<std::size_t> read_some(MutableBytes into) override {
    const auto link = link_;
    while (!link->client_gone && link->taken == link->received.size() && !link->client_knows) {
      LH_CO_TRY_VOID(co_await link->readable.wait());
    }
    if (link->client_gone) co_return fail(net::aborted());
    const auto left = link->received.size() - link->taken;
    if (left == 0) co_return fail(net::NetErrc::closed_by_peer);
    const auto size = std::min({into.size(), left, link->read_max});
    std::copy_n(link->received.begin() + static_cast<std::ptrdiff_t>(link->taken), size, into.begin());
    link->taken += size;
    if (link->taken == link->received.size()) {
      link->received.clear();
      link->taken = 0;
    }
    co_return size;
  }

  [[nodiscard]] net::Async<void> write_all(std::span<const ConstBytes> pieces) override {
    const auto link = link_;
    while (link->to_broker.bytes > kPipeMax && !link->client_gone && !link->client_knows) {
      LH_CO_TRY_VOID(co_await link->writable.wait());
    }
    if (link->client_gone) co_return fail(net::aborted());
    if (link->client_knows) co_return fail(net::NetErrc::closed_by_peer);
    Bytes bytes;
    for (const auto piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
    net_.write(*link, std::move(bytes));
    co_return Result<void>{};
  }

  void close() override { net_.close(*link_); }
  [[nodiscard]] const std::string& peer() const override { return link_->peer; }

 private:
  SimNet& net_;
  std::shared_ptr<Link> link_;
};

class SimConnector final : public net::Connector {
 public:
  SimConnector(SimNet& net, int instance) : net_(net), instance_(instance) {}
  [[nodiscard]] net::Async<std::unique_ptr<net::Stream>> connect(std::string host, std::uint16_t port,
                                                                 SteadyTime deadline) override {
    return net_.connect(instance_, std::move(host), port, deadline);
  }

 private:
  SimNet& net_;
  int instance_;
};

SimNet::SimNet(net::TimeSource& time, Trace& trace, Tally& tally, std::uint64_t seed)
    : time_(time), trace_(trace), tally_(tally), chance_(seed, 0x6E6574) {}

Site& SimNet::add(const std::string& name, sandbox::ClusterOptions options) {
  options.endpoints.clear();
  for (int broker = 1; broker <= options.brokers; ++broker) {
    options.endpoints.push_back({.host = name, .port = static_cast<std::uint16_t>(broker)});
  }
  auto& site = sites_[name];
  site = std::make_unique<Site>();
  site->name = name;
  site->cluster = std::make_unique<sandbox::Cluster>(std::move(options));
  return *site;
}

std::unique_ptr<net::Connector> SimNet::connector(int instance) {
  return std::make_unique<SimConnector>(*this, instance);
}

net::Async<std::unique_ptr<net::Stream>> SimNet::connect(int instance, std::string host, std::uint16_t port,
                                                         SteadyTime deadline) {
  ++connects;
  const auto found = sites_.find(host);
  if (found == sites_.end()) co_return fail(net::NetErrc::host_not_found);
  auto& site = *found->second;
  auto& road = roads_[{instance, host}];
  const BrokerId broker(port);
  for (;;) {
    const auto until = std::max(road.blocked_until, site.paused_until[broker]);
    if (until <= time_.now()) break;
    LH_CO_TRY_VOID(co_await time_.sleep_until(std::min(until, deadline)));
    if (time_.now() >= deadline) co_return fail(net::NetErrc::timed_out);
  }
  LH_CO_TRY_VOID(co_await time_.sleep_until(time_.now() + road.latency + road.extra));
  if (road.is_dead) co_return fail(make_error_code(boost::system::errc::connection_refused));
  if (time_.now() < road.refused_until) {
    ++tally_["connect refused"];
    co_return fail(make_error_code(boost::system::errc::connection_refused));
  }
  if (!site.cluster->is_up(broker)) co_return fail(make_error_code(boost::system::errc::connection_refused));
  const auto link = std::make_shared<Link>(time_);
  link->id = next_link_++;
  link->instance = instance;
  link->site = &site;
  link->broker = broker;
  link->peer = fmt::format("{}:{}", host, port);
  if (chance_.one_in(20)) link->read_max = static_cast<std::size_t>(chance_.between(1, 400));
  links_[link->id] = link;
  site.cluster->connected(link->id, broker, now(site));
  deliver(site);
  co_return std::make_unique<SimStream>(*this, link);
}

void SimNet::write(Link& link, Bytes bytes) {
  if (!link.broker_gone) push(link, link.to_broker, std::move(bytes), false);
}

void SimNet::close(Link& link) {
  if (std::exchange(link.client_gone, true)) return;
  link.to_client.chunks.clear();
  link.readable.notify();
  link.writable.notify();
  // What was written before is still on its way.
  if (!link.broker_gone) {
    push(link, link.to_broker, {}, true);
  } else {
    links_.erase(link.id);
  }
}

std::shared_ptr<Link> SimNet::some_link(int instance, const std::string& site) {
  std::vector<std::shared_ptr<Link>> found;
  for (const auto& [id, link] : links_) {
    const bool fits = link->site->name == site && (instance < 0 || link->instance == instance);
    if (fits && !link->client_gone && !link->broker_gone) found.push_back(link);
  }
  return found.empty() ? nullptr : chance_.pick(found);
}

bool SimNet::has_requests_under_way(const std::string& site) const {
  return std::ranges::any_of(links_, [&](const auto& entry) {
    const auto& link = *entry.second;
    return link.site->name == site && !link.broker_gone && !link.to_broker.chunks.empty();
  });
}

void SimNet::reset(Link& link, Leftovers leftovers, milliseconds later) {
  link.to_client.chunks.clear();
  link.client_knows = true;
  link.readable.notify();
  link.writable.notify();
  if (link.broker_gone) return;
  if (leftovers == Leftovers::dropped || link.to_broker.chunks.empty()) {
    link.to_broker.chunks.clear();
    forget_at_broker(link);
    return;
  }
  link.to_broker.held_until = time_.now() + later;
  push(link, link.to_broker, {}, true);
}

void SimNet::go_silent(Link& link) {
  link.to_client.chunks.clear();
  link.to_broker.chunks.clear();
  if (!link.broker_gone) forget_at_broker(link);
}

void SimNet::kill(int instance, Leftovers leftovers, milliseconds later_max) {
  std::vector<std::shared_ptr<Link>> mine;
  for (const auto& [id, link] : links_) {
    if (link->instance == instance) mine.push_back(link);
  }
  for (const auto& link : mine) {
    const milliseconds later(chance_.between(0, later_max.count()));
    reset(*link, leftovers, later);
    link->client_gone = true;
  }
  for (const auto& [name, site] : sites_) roads_[{instance, name}].is_dead = true;
}

void SimNet::heal() {
  for (auto& [key, road] : roads_) {
    road.blocked_until = {};
    road.refused_until = {};
    road.extra = {};
  }
  for (auto& [name, site] : sites_) site->paused_until.clear();
  for (auto& [id, link] : links_) {
    link->to_broker.held_until = {};
    link->to_client.held_until = {};
    link->to_broker.cut_after.reset();
    link->to_client.cut_after.reset();
    // A network that works tells who writes to a connection that is gone.
    if (link->broker_gone && !link->client_gone && link->to_client.chunks.empty())
      reset(*link, Leftovers::dropped, milliseconds(0));
  }
  rearm();
}

void SimNet::rearm() {
  for (auto& [id, link] : links_) {
    arm(*link, link->to_broker);
    arm(*link, link->to_client);
  }
}

SteadyTime SimNet::held_until(const Link& link, const Link::Pipe& pipe) {
  const auto& road = roads_[{link.instance, link.site->name}];
  return std::max({pipe.held_until, road.blocked_until, link.site->paused_until[link.broker]});
}

void SimNet::push(Link& link, Link::Pipe& pipe, Bytes bytes, bool ends) {
  const auto& road = roads_[{link.instance, link.site->name}];
  auto when = time_.now() + road.latency + road.extra;
  if (!pipe.chunks.empty()) when = std::max(when, pipe.chunks.back().when);
  pipe.bytes += bytes.size();
  pipe.chunks.push_back({when, std::move(bytes), ends});
  if (!pipe.armed) arm(link, pipe);
}

void SimNet::arm(Link& link, Link::Pipe& pipe) {
  if (pipe.armed) time_.cancel(pipe.timer);
  pipe.armed = !pipe.chunks.empty();
  if (!pipe.armed) return;
  const auto when = std::max(pipe.chunks.front().when, held_until(link, pipe));
  const bool to_broker = &pipe == &link.to_broker;
  pipe.timer = time_.call_at(when, [this, id = link.id, to_broker] {
    const auto found = links_.find(id);
    if (found == links_.end()) return;
    const auto kept = found->second;
    run(*kept, to_broker ? kept->to_broker : kept->to_client);
  });
}

void SimNet::run(Link& link, Link::Pipe& pipe) {
  pipe.armed = false;
  const bool to_broker = &pipe == &link.to_broker;
  while (!pipe.chunks.empty() && pipe.chunks.front().when <= time_.now() &&
         held_until(link, pipe) <= time_.now()) {
    auto chunk = std::move(pipe.chunks.front());
    pipe.chunks.pop_front();
    pipe.bytes -= std::min(pipe.bytes, chunk.bytes.size());
    const bool cut = pipe.cut_after && chunk.bytes.size() > *pipe.cut_after;
    if (cut) chunk.bytes.resize(*pipe.cut_after);
    if (pipe.cut_after) *pipe.cut_after -= chunk.bytes.size();
    if (to_broker) {
      arrive_at_broker(link, std::move(chunk));
    } else {
      arrive_at_client(link, std::move(chunk));
    }
    if (cut) {
      ++tally_[to_broker ? "cut on the way to the broker" : "cut on the way to the client"];
      trace_.event("cut link {}", link.id);
      pipe.cut_after.reset();
      reset(link, Leftovers::dropped, milliseconds(0));
    }
  }
  if (!pipe.chunks.empty()) arm(link, pipe);
  const bool over = link.broker_gone && (link.client_gone || (link.client_knows && !link.to_client.armed));
  if (over) links_.erase(link.id);
}

void SimNet::arrive_at_broker(Link& link, Link::Chunk chunk) {
  link.writable.notify();
  if (link.broker_gone) return;
  if (chunk.ends) {
    forget_at_broker(link);
    return;
  }
  link.inbox.insert(link.inbox.end(), chunk.bytes.begin(), chunk.bytes.end());
  take_requests(link);
}

void SimNet::take_requests(Link& link) {
  std::size_t at = 0;
  while (!link.broker_gone && link.inbox.size() - at >= 4) {
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(link.inbox, at));
    if (link.inbox.size() - at < 4 + size) break;
    const auto frame = ConstBytes(link.inbox).subspan(at + 4, size);
    at += 4 + size;
    ++requests;
    const auto api = protocol::ApiKey{load_be<std::int16_t>(frame)};
    trace_.frame(link.id * 2, frame);
    const bool late = link.client_gone || link.client_knows;
    if (late && api == protocol::ApiKey::produce) ++tally_["Produce executed after its sender was gone"];
    if (trace_.prints()) {
      trace_.note(fmt::format("i{} > {} link {} {} {} bytes{}", link.instance, link.peer, link.id,
                              protocol::find_api(api) ? protocol::api_info(api).name : "?", size,
                              late ? ", its sender is gone" : ""));
    }
    link.site->cluster->received(link.id, Slice::copy_of(frame), now(*link.site));
    deliver(*link.site);
  }
  link.inbox.erase(link.inbox.begin(), link.inbox.begin() + static_cast<std::ptrdiff_t>(at));
}

void SimNet::arrive_at_client(Link& link, Link::Chunk chunk) {
  if (link.client_gone || link.client_knows) return;
  trace_.frame(link.id * 2 + 1, chunk.bytes);
  if (trace_.prints()) {
    trace_.note(fmt::format("i{} < {} link {} {} bytes{}", link.instance, link.peer, link.id,
                            chunk.bytes.size(), chunk.ends ? ", closed" : ""));
  }
  link.received.insert(link.received.end(), chunk.bytes.begin(), chunk.bytes.end());
  if (chunk.ends) {
    link.client_knows = true;
    link.writable.notify();
  }
  link.readable.notify();
}

void SimNet::forget_at_broker(Link& link) {
  link.broker_gone = true;
  link.site->cluster->disconnected(link.id, now(*link.site));
  deliver(*link.site);
}

void SimNet::deliver(Site& site) {
  for (auto& output : site.cluster->take_outputs()) {
    const bool closes = output.kind == sandbox::Output::Kind::close;
    auto bytes = closes ? Bytes() : output.frame.flattened();
    if (output.connection == asking_) {
      if (!closes) asked_ = std::make_unique<Bytes>(std::move(bytes));
      continue;
    }
    const auto found = links_.find(output.connection);
    if (found == links_.end()) continue;
    const auto link = found->second;
    if (closes) {
      link->broker_gone = true;
      link->to_broker.chunks.clear();
      site.cluster->disconnected(link->id, now(site));
    }
    push(*link, link->to_client, std::move(bytes), closes);
  }
  arm_timer(site);
}

void SimNet::arm_timer(Site& site) {
  const auto next = site.cluster->next_timer();
  if (site.timer && next && site.timer->first == *next) return;
  if (site.timer) time_.cancel(site.timer->second);
  site.timer.reset();
  if (!next) return;
  site.timer.emplace(*next, time_.call_at(std::max(*next, time_.now()), [this, &site] {
    site.timer.reset();
    site.cluster->on_timer(now(site));
    deliver(site);
  }));
}

std::unique_ptr<Bytes> SimNet::exchange(Site& site, BrokerId broker, const Bytes& frame) {
  if (!site.cluster->is_up(broker)) return nullptr;
  const auto connection = next_link_++;
  asking_ = connection;
  asked_.reset();
  site.cluster->connected(connection, broker, now(site));
  site.cluster->received(connection, Slice::copy_of(ConstBytes(frame).subspan(4)), now(site));
  deliver(site);
  asking_ = 0;
  site.cluster->disconnected(connection, now(site));
  deliver(site);
  return std::exchange(asked_, nullptr);
}

}  // namespace longhaul::sim
