#pragma once

#include <memory>
#include <string>

#include "net/io.h"
#include "net/stream.h"

namespace longhaul::net {

/// Plain TCP by the system's sockets, with TCP_NODELAY and keep-alive. Buffer sizes are left to the kernel,
/// which adapts them to the line (an explicit SO_RCVBUF would switch that off).
class TcpConnector final : public Connector {
 public:
  TcpConnector(Executor executor, TimeSource& time) : executor_(std::move(executor)), time_(time) {}

  [[nodiscard]] Async<std::unique_ptr<Stream>> connect(std::string host, std::uint16_t port,
                                                       SteadyTime deadline) override;

 private:
  Executor executor_;
  TimeSource& time_;
};

}  // namespace longhaul::net
