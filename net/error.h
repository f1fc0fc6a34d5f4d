#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <type_traits>

#include "base/result.h"

namespace longhaul::net {

/// Failures of byte streams that the system has no clear words for. Everything else (connection refused, no
/// route to host, ...) travels under the system's own category.
enum class NetErrc {
  closed_by_peer = 1,  ///< orderly end of the stream where more was expected
  timed_out,           ///< a deadline passed; the stream it applied to is closed
  host_not_found,      ///< the name has no address
  resolver_failed,     ///< the name could not be looked up now; it may exist
};

[[nodiscard]] const boost::system::error_category& net_category();
[[nodiscard]] inline boost::system::error_code make_error_code(NetErrc code) {
  return {static_cast<int>(code), net_category()};
}

/// The code that stands for "the caller was cancelled".
[[nodiscard]] ErrorCode aborted();

/// An error code of Asio in this project's words: end of file, resolver errors and timeouts become NetErrc.
[[nodiscard]] ErrorCode from_asio(const ErrorCode& code);

}  // namespace longhaul::net

template <>
struct boost::system::is_error_code_enum<longhaul::net::NetErrc> : std::true_type {};
