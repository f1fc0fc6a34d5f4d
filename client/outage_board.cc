#include "client/outage_board.h"

#include <algorithm>

#include "base/log.h"
#include "client/error.h"
#include "net/error.h"

namespace longhaul::client {
namespace {

/// Reads of metadata that fail in a row before the cluster is to blame: the first ends an old connection, the
/// second may end a new one.
constexpr int kFailures = 3;

}  // namespace

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
    const bool explained = std::ranges::any_of(
        brokers_, [this](const auto& entry) { return entry.second.failed_last > cluster_read_; });
    if (explained || failures < kFailures) return;
  }
  cluster_.down(now, reason);
}

void OutageBoard::call_refused(SteadyTime now, const std::string& text) {
  constexpr auto kBetweenLines = std::chrono::minutes(1);
  const std::lock_guard lock(mutex_);
  std::erase_if(refused_last_, [&](const auto& entry) { return now - entry.second >= kBetweenLines; });
  if (!refused_last_.emplace(text, now).second) return;
  log::warn(fmt::format("{}; trying again", text));
}

}  // namespace longhaul::client
