#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/async.h"

namespace longhaul::net {

/// A connected, ordered, reliable stream of bytes: TCP, TLS over it, or a simulated one. One reader and one
/// writer at a time; they may be different coroutines. Its owner keeps it until the last operation has
/// returned.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Reads at least one byte, at most `into.size()` (> 0) bytes; returns how many. NetErrc::closed_by_peer at
  /// the end. `into` must stay valid until the operation returns, also after `close()`.
  [[nodiscard]] virtual Async<std::size_t> read_some(MutableBytes into) = 0;

  /// Writes all bytes of all pieces in order, gathered into few system calls. The pieces and what they point
  /// to must stay valid until the operation returns. After an error it is unknown how much was written: close
  /// the stream.
  [[nodiscard]] virtual Async<void> write_all(std::span<const ConstBytes> pieces) = 0;

  /// Ends the stream at once. Operations under way fail with `operation_aborted`, later ones too. May be
  /// called twice.
  virtual void close() = 0;

  /// The peer's address for messages: "192.0.2.7:9092".
  [[nodiscard]] virtual const std::string& peer() const = 0;
};

/// Opens streams. Knows names and addresses, not what is spoken over the stream.
class Connector {
 public:
  virtual ~Connector() = default;

  /// Looks `host` up (a name, an IPv4 or an IPv6 address) and tries all its addresses in order until one
  /// accepts. Errors: NetErrc::host_not_found, resolver_failed, timed_out, or the system's error for the last
  /// address tried.
  [[nodiscard]] virtual Async<std::unique_ptr<Stream>> connect(std::string host, std::uint16_t port,
                                                               SteadyTime deadline) = 0;
};

}  // namespace longhaul::net
