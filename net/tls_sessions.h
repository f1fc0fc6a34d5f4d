#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "net/openssl.h"

namespace longhaul::net {

/// Sessions that servers offered to resume, by whom they are from. Shared by all cores under a lock, which is
/// taken once or twice per handshake and never beside it. Bounded: a server may offer as many as it likes.
class TlsSessions {
 public:
  static constexpr std::size_t kPerServerMax = 4;
  static constexpr std::size_t kServersMax = 1024;

  /// Keeps `session`, the newest of `server`.
  void put(const std::string& server, SessionPtr session);
  /// The newest session of `server`, or null. A TLS 1.3 ticket is given once only, so that connections cannot
  /// be linked by it (RFC 8446, C.4); a TLS 1.2 session stays.
  [[nodiscard]] SessionPtr take(const std::string& server);
  /// Forgets what `server` offered: a handshake with it failed.
  void forget(const std::string& server);

 private:
  struct Entry {
    std::uint64_t used = 0;
    std::deque<SessionPtr> sessions;
  };

  std::mutex mutex_;
  std::uint64_t turn_ = 0;
  std::map<std::string, Entry, std::less<>> servers_;
};

}  // namespace longhaul::net
