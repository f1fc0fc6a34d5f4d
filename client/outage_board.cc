#include "client/outage_board.h"

#include <algorithm>

#include "client/error.h"
#include "net/error.h"

namespace longhaul::client {

void OutageBoard::broker_up(BrokerId broker, SteadyTime now, std::string_view what) {
  const std::lock_guard lock(mutex_);
  auto& entry = brokers_[broker];
  entry.reached = true;
  entry.outage.up(now, what);
}

void OutageBoard::broker_down(BrokerId broker, SteadyTime now, const Error& reason) {
  const std::lock_guard lock(mutex_);
  auto& entry = brokers_[broker];
  entry.failed_last = now;
  Error said = reason;
  // A listener that has spoken with us is one of Kafka's: that it hangs up says that its broker ends.
  const bool guesses =
      said.code == ClientErrc::closed_in_handshake || said.code == ClientErrc::closed_at_first_request;
  if (guesses && entry.reached) said.code = make_error_code(net::NetErrc::closed_by_peer);
  entry.outage.down(now, said);
}

bool OutageBoard::cluster_up(SteadyTime now, std::string_view what) {
  const std::lock_guard lock(mutex_);
  cluster_read_ = now;
  cluster_.up(now, what);
  return !std::exchange(connected_, true);
}

void OutageBoard::cluster_down(SteadyTime now, int failures, const Error& reason) {
  const std::lock_guard lock(mutex_);
  if (connected_) {
    // A broker that failed before the last success may long have left the cluster.
    const bool explained = std::ranges::any_of(brokers_, [this](const auto& entry) {
      return entry.second.outage.is_down() && entry.second.failed_last >= cluster_read_;
    });
    if (explained || failures < 2) return;
  }
  cluster_.down(now, reason);
}

}  // namespace longhaul::client
