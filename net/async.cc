#include "net/async.h"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

namespace longhaul::net {

bool is_aborted(const ErrorCode& code) {
  return code == boost::asio::error::operation_aborted;
}

boost::asio::awaitable<bool> cancelled() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return state.cancelled() != boost::asio::cancellation_type::none;
}

}  // namespace longhaul::net
