#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/async.h"
#include "net/io.h"

namespace longhaul::replicator {

/// Runs `work`, a callable that returns an awaitable, on another core and comes back with its result. What is
/// captured and what is returned must be plain data: slices never cross cores. Cancelling the waiting
/// coroutine does not reach the other core, whose coroutines only it may touch, so `work` has to end by
/// itself.
template <class Work>
auto on_core(net::Io& io, Work work) {
  return boost::asio::co_spawn(
      io.executor, std::move(work),
      boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), boost::asio::use_awaitable));
}

}  // namespace longhaul::replicator
