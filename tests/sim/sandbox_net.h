#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "protocol/header.h"
#include "sandbox/cluster.h"
#include "tests/unit/client/memory_net.h"

namespace longhaul::test {

/// Sandbox clusters behind the connector of a core in memory. A cluster's brokers listen on the host that is
/// its name, at the ports 1, 2, ...; each answer takes a millisecond of virtual time.
class SandboxNet {
 public:
  explicit SandboxNet(MemoryCore& core);

  /// `options.endpoints` is filled in.
  sandbox::Cluster& add(const std::string& name, sandbox::ClusterOptions options);

  /// What clients of the cluster did so far.
  struct Traffic {
    std::int64_t connections = 0;  ///< attempts, refused ones too
    std::int64_t requests = 0;
    std::map<protocol::ApiKey, std::int64_t> by_api = {};
  };
  [[nodiscard]] const Traffic& traffic(const std::string& name) const { return sites_.at(name)->traffic; }

  /// One request past network and traffic counters, as an administrator of the cluster would make it.
  template <class Request>
  typename Request::Response call(const std::string& name, std::int32_t broker, const Request& request,
                                  std::int16_t version) {
    const auto frame = protocol::encode_request(request, version, 1, "test");
    LH_CHECK(frame.has_value());
    kept_.push_back(
        std::make_unique<const Bytes>(exchange(*sites_.at(name), BrokerId(broker), frame->flattened())));
    const auto parts = protocol::split_response(ConstBytes(*kept_.back()).subspan(4), Request::kApi, version);
    LH_CHECK(parts.has_value());
    auto response = protocol::decode<typename Request::Response>(parts->body, version);
    LH_CHECK(response.has_value());
    return *std::move(response);
  }

  /// To be called after the cluster was changed from outside, so that those who wait hear of it.
  void deliver(const std::string& name) { deliver(*sites_.at(name)); }
  [[nodiscard]] sandbox::Now now() const {
    return {.steady = core_.loop.time.now(), .wall_ms = core_.loop.time.wall_ms()};
  }

 private:
  struct Site {
    std::unique_ptr<sandbox::Cluster> cluster;
    std::map<sandbox::ConnectionId, std::weak_ptr<Wire>> wires;
    std::optional<std::pair<SteadyTime, net::TimerId>> timer;
    Traffic traffic;
  };

  [[nodiscard]] Result<void> accept(const std::shared_ptr<Wire>& wire);
  void take_requests(Site& site, sandbox::ConnectionId connection, Wire& wire);
  void deliver(Site& site);
  void arm_timer(Site& site);
  [[nodiscard]] Bytes exchange(Site& site, BrokerId broker, const Bytes& frame);

  MemoryCore& core_;
  std::map<std::string, std::unique_ptr<Site>> sites_;
  std::vector<std::unique_ptr<const Bytes>> kept_;  // what answers of `call` point into
  sandbox::ConnectionId next_connection_ = 1;
};

}  // namespace longhaul::test
