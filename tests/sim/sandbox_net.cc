#include "tests/sim/sandbox_net.h"

#include "net/error.h"

namespace longhaul::test {
namespace {

constexpr milliseconds kLatency{1};

}  // namespace

SandboxNet::SandboxNet(MemoryCore& core) : core_(core) {
  core.connector.on_connect = [this](const std::shared_ptr<Wire>& wire) { return accept(wire); };
}

sandbox::Cluster& SandboxNet::add(const std::string& name, sandbox::ClusterOptions options) {
  options.endpoints.clear();
  for (int broker = 1; broker <= options.brokers; ++broker) {
    options.endpoints.push_back({.host = name, .port = static_cast<std::uint16_t>(broker)});
  }
  auto& site = sites_[name];
  site = std::make_unique<Site>();
  site->cluster = std::make_unique<sandbox::Cluster>(std::move(options));
  return *site->cluster;
}

Result<void> SandboxNet::accept(const std::shared_ptr<Wire>& wire) {
  const auto found = sites_.find(wire->host);
  if (found == sites_.end()) return fail(net::NetErrc::host_not_found);
  auto& site = *found->second;
  ++site.traffic.connections;
  const BrokerId broker(wire->port);
  if (!site.cluster->is_up(broker)) {
    return fail(make_error_code(boost::system::errc::connection_refused));
  }
  const auto connection = next_connection_++;
  site.wires[connection] = wire;
  wire->on_write = [this, &site, connection, weak = std::weak_ptr(wire)] {
    if (const auto alive = weak.lock()) take_requests(site, connection, *alive);
  };
  wire->on_close = [this, &site, connection] {
    site.wires.erase(connection);
    site.cluster->disconnected(connection, now());
    deliver(site);
  };
  site.cluster->connected(connection, broker, now());
  deliver(site);
  return {};
}

void SandboxNet::take_requests(Site& site, sandbox::ConnectionId connection, Wire& wire) {
  auto& bytes = wire.from_client;
  while (bytes.size() >= 4) {
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(bytes));
    if (bytes.size() < 4 + size) return;
    ++site.traffic.requests;
    ++site.traffic.by_api[protocol::ApiKey{load_be<std::int16_t>(bytes, 4)}];
    auto frame = Slice::copy_of(ConstBytes(bytes).subspan(4, size));
    bytes.erase(bytes.begin(), bytes.begin() + 4 + static_cast<std::ptrdiff_t>(size));
    site.cluster->received(connection, std::move(frame), now());
    deliver(site);
  }
}

void SandboxNet::deliver(Site& site) {
  for (auto& output : site.cluster->take_outputs()) {
    const auto found = site.wires.find(output.connection);
    if (found == site.wires.end()) continue;
    const bool closes = output.kind == sandbox::Output::Kind::close;
    auto bytes = std::make_shared<const Bytes>(closes ? Bytes() : output.frame.flattened());
    if (closes) {
      site.cluster->disconnected(output.connection, now());
    }
    (void)core_.loop.time.call_at(core_.loop.time.now() + kLatency, [wire = found->second, bytes, closes] {
      const auto alive = wire.lock();
      if (alive == nullptr) return;
      if (closes) {
        alive->hang_up();
      } else {
        alive->send(*bytes);
      }
    });
    if (closes) {
      if (const auto alive = found->second.lock()) alive->on_close = nullptr;
      site.wires.erase(found);
    }
  }
  arm_timer(site);
}

void SandboxNet::arm_timer(Site& site) {
  const auto next = site.cluster->next_timer();
  if (site.timer && next && site.timer->first == *next) return;
  if (site.timer) core_.loop.time.cancel(site.timer->second);
  site.timer.reset();
  if (!next) return;
  const auto when = std::max(*next, core_.loop.time.now());
  site.timer.emplace(*next, core_.loop.time.call_at(when, [this, &site] {
    site.timer.reset();
    site.cluster->on_timer(now());
    deliver(site);
  }));
}

Bytes SandboxNet::exchange(Site& site, BrokerId broker, const Bytes& frame) {
  const auto connection = next_connection_++;
  const auto wire = std::make_shared<Wire>(core_.loop.time);
  site.wires[connection] = wire;
  site.cluster->connected(connection, broker, now());
  site.cluster->received(connection, Slice::copy_of(ConstBytes(frame).subspan(4)), now());
  deliver(site);
  core_.loop.run_for(kLatency);
  site.wires.erase(connection);
  site.cluster->disconnected(connection, now());
  LH_CHECK(wire->to_client.size() > 4);
  return {wire->to_client.begin(), wire->to_client.end()};
}

}  // namespace longhaul::test
