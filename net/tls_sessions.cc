#include "net/tls_sessions.h"

#include <algorithm>
#include <utility>

namespace longhaul::net {

void TlsSessions::put(const std::string& server, SessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (!servers_.contains(server) && servers_.size() >= kServersMax) {
    servers_.erase(std::ranges::min_element(servers_, {}, [](const auto& item) { return item.second.used; }));
  }
  auto& entry = servers_[server];
  entry.used = ++turn_;
  entry.sessions.push_back(std::move(session));
  if (entry.sessions.size() > kPerServerMax) entry.sessions.pop_front();
}

SessionPtr TlsSessions::take(const std::string& server) {
  const std::lock_guard lock(mutex_);
  const auto found = servers_.find(server);
  if (found == servers_.end() || found->second.sessions.empty()) return nullptr;
  auto& sessions = found->second.sessions;
  found->second.used = ++turn_;
  if (SSL_SESSION_get_protocol_version(sessions.back().get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(sessions.back().get());
    return SessionPtr(sessions.back().get());
  }
  auto session = std::move(sessions.back());
  sessions.pop_back();
  return session;
}

void TlsSessions::forget(const std::string& server) {
  const std::lock_guard lock(mutex_);
  servers_.erase(server);
}

}  // namespace longhaul::net
