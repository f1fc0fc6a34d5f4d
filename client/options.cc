#include "client/options.h"

#include <fmt/format.h>

#include <boost/system/errc.hpp>
#include <charconv>
#include <utility>

namespace longhaul::client {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <class... Args>
std::unexpected<Error> invalid(fmt::format_string<Args...> format, Args&&... args) {
  return fail(Error{{}, fmt::format(format, std::forward<Args>(args)...)});
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  auto rest = text;
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) rest.remove_prefix(scheme + 3);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return invalid("'{}' has no port: host:port is expected", text);
  auto host = rest.substr(0, colon);
  const auto port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return invalid("'{}': an IPv6 address is written in brackets, [::1]:9092", text);
  }
  if (host.empty() || host.find_first_of(" \t/[]") != std::string_view::npos) {
    return invalid("'{}' has no valid host name: host:port is expected", text);
  }
  std::uint16_t number = 0;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (ec != std::errc{} || end != port.data() + port.size() || number == 0) {
    return invalid("'{}': the port is a number from 1 to 65535, not '{}'", text, port);
  }
  return Endpoint{std::string(host), number};
}

}  // namespace

std::string Endpoint::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<std::vector<Endpoint>> parse_bootstrap_servers(std::string_view list) {
  std::vector<Endpoint> endpoints;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto entry = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    if (entry.empty()) continue;
    LH_TRY(auto endpoint, parse_endpoint(entry));
    endpoints.push_back(std::move(endpoint));
  }
  if (endpoints.empty()) return invalid("no server is named: host:port, separated by commas, is expected");
  return endpoints;
}

}  // namespace longhaul::client
