#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "client/outage_log.h"

namespace longhaul::client {

/// What of one cluster is out of reach, for all clients of the process that talk to it. Each of them notices
/// an outage by itself and with a reason of its own; the person who reads the log wants one line. Any thread
/// may call any function at any time.
class OutageBoard {
 public:
  /// A connection to `broker` was opened; `what` names it for the line that tells the end of an outage.
  void broker_up(BrokerId broker, SteadyTime now, std::string_view what);
  /// An attempt to reach `broker` failed, or its connection ended without a single answer, or because one did
  /// not come.
  void broker_down(BrokerId broker, SteadyTime now, const Error& reason);
  /// The cluster's metadata was read. Returns true the first time of all.
  [[nodiscard]] bool cluster_up(SteadyTime now, std::string_view what);
  /// It could not be read, by a client that failed `failures` times in a row (> 0) with that. A broker that
  /// is out of reach explains it already, and the loss of a connection is no failure of the cluster.
  void cluster_down(SteadyTime now, int failures, const Error& reason);
  /// A call is answered with a passing error again and again, or goes nowhere; `text` says which and why.
  void call_refused(SteadyTime now, const std::string& text);

 private:
  std::mutex mutex_;
  bool connected_ = false;  ///< metadata was read at least once
  OutageLog cluster_;
  SteadyTime cluster_read_{};  ///< when metadata was read last
  struct Broker {
    OutageLog outage;
    bool reached = false;  ///< it could be connected to before
    SteadyTime failed_last{};
  };
  std::map<BrokerId, Broker> brokers_;
  std::map<std::string, SteadyTime> refused_last_;  ///< by text
};

}  // namespace longhaul::client
