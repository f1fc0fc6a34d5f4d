#include "net/error.h"

#include <boost/asio/error.hpp>
#include <string>

namespace longhaul::net {
namespace {

class NetCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "net"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<NetErrc>(code)) {
      case NetErrc::closed_by_peer:
        return "connection closed by the other side";
      case NetErrc::timed_out:
        return "timed out";
      case NetErrc::host_not_found:
        return "host name not found";
      case NetErrc::resolver_failed:
        return "host name lookup failed, the name server may be unreachable";
    }
    return "unknown network error";
  }
};

}  // namespace

const boost::system::error_category& net_category() {
  static const NetCategory category;
  return category;
}

ErrorCode aborted() {
  return boost::asio::error::operation_aborted;
}

ErrorCode from_asio(const ErrorCode& code) {
  namespace error = boost::asio::error;
  if (code == error::eof) return NetErrc::closed_by_peer;
  if (code == error::timed_out) return NetErrc::timed_out;
  if (code == error::host_not_found || code == error::no_data || code == error::service_not_found) {
    return NetErrc::host_not_found;
  }
  if (code == error::host_not_found_try_again || code == error::no_recovery) return NetErrc::resolver_failed;
  return code;
}

}  // namespace longhaul::net
