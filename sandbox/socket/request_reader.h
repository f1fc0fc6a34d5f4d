#pragma once

#include <cstddef>
#include <vector>

#include "base/slab.h"
#include "net/async.h"
#include "net/stream.h"

namespace longhaul::sandbox {

/// Reads size-prefixed requests from a stream: small ones many to one read, large ones straight to where they
/// stay.
class RequestReader {
 public:
  /// Errors as protocol::frame_size for sizes outside of `request_bytes_max`, after which the stream has lost
  /// its boundaries.
  RequestReader(net::Stream& stream, std::size_t request_bytes_max);

  /// The next request without its size. NetErrc::closed_by_peer at the end, also in the middle of a request:
  /// whoever goes away owes nothing.
  [[nodiscard]] net::Async<Slice> next();

 private:
  [[nodiscard]] net::Async<std::size_t> read_size();
  [[nodiscard]] std::size_t buffered() const { return end_ - begin_; }

  net::Stream& stream_;
  std::size_t request_bytes_max_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace longhaul::sandbox
