#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "net/async.h"
#include "net/stream.h"

namespace longhaul::client {

/// Reads size-prefixed frames from a stream through a small read-ahead buffer, so that small answers cost one
/// read for many, and large ones go straight to where they belong: at most what was read ahead is copied.
class FrameReader {
 public:
  static constexpr std::size_t kReadAhead = 16 * 1024;

  explicit FrameReader(net::Stream& stream) : stream_(stream), ahead_(kReadAhead) {}

  /// The size field of the next frame, as it is: the caller judges it. Leaves the frame's content unread,
  /// except for what came along.
  [[nodiscard]] net::Async<std::int32_t> read_size();
  /// The next `into.size()` bytes of the frame.
  [[nodiscard]] net::Async<void> read_body(MutableBytes into);
  /// Reads `size` bytes and forgets them.
  [[nodiscard]] net::Async<void> skip_body(std::size_t size);

  /// Bytes received so far, size fields included.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  [[nodiscard]] net::Async<void> fill();
  [[nodiscard]] std::size_t buffered() const { return end_ - begin_; }

  net::Stream& stream_;
  std::vector<std::byte> ahead_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace longhaul::client
