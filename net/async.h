#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.h"

namespace longhaul::net {

/// What every asynchronous operation of this project returns: `co_await` gives a Result and never throws.
///
/// A coroutine that runs in a TaskGroup is cancelled by `TaskGroup::stop()`. Cancellation is sticky: the wait
/// it is in, and every later wait through Event, TimeSource, Stream or Connector, fails with
/// `boost::asio::error::operation_aborted`. A loop that ignores errors must therefore end on that one:
/// `is_aborted()`.
template <class T>
using Async = boost::asio::awaitable<Result<T>>;

/// A coroutine without a result, as TaskGroup::spawn takes it.
using Task = boost::asio::awaitable<void>;

using Executor = boost::asio::any_io_executor;

/// Completion token for Asio's own operations, used inside net/ only: `[ec, n] = co_await socket.async_x(...,
/// kAsResult)`.
inline constexpr auto kAsResult = boost::asio::as_tuple(boost::asio::use_awaitable);

/// True for the error that a cancelled wait returns. It is no failure while something is being stopped.
[[nodiscard]] bool is_aborted(const ErrorCode& code);
[[nodiscard]] inline bool is_aborted(const Error& error) {
  return is_aborted(error.code);
}

/// Whether the current coroutine has been cancelled: `if (co_await cancelled()) co_return;`
[[nodiscard]] boost::asio::awaitable<bool> cancelled();

}  // namespace longhaul::net
