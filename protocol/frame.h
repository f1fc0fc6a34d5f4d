#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::protocol {

/// Every request and response is preceded by its size: 4 bytes, big endian, not counting themselves.
constexpr std::size_t kFrameSizeBytes = 4;
/// A frame holds at least a correlation id.
constexpr std::size_t kFrameBytesMin = 4;

/// Size of the frame behind `prefix`, which holds exactly the 4 bytes of the size.
/// Errors: `bad_frame_size` below the smallest frame, negative included; `frame_too_large` above
/// `frame_bytes_max`. A peer that speaks another protocol ends up here as well: "HTTP" reads as 1.2 GB, a TLS
/// alert as 352 MB.
[[nodiscard]] Result<std::size_t> frame_size(ConstBytes prefix, std::size_t frame_bytes_max);

/// Cuts a stream of bytes into frames, for streams whose frames are small; large ones are read straight into
/// a slab of `frame_size`. Buffers what has not been taken, which stays below one frame if the caller takes
/// frames until there are none before it appends more.
class FrameSplitter {
 public:
  explicit FrameSplitter(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  void append(ConstBytes bytes);

  /// The next complete frame without its size, valid until the next call of either function; nullopt when
  /// more bytes are needed. A bad size is an error now and ever after, since the stream has lost its
  /// boundaries.
  [[nodiscard]] Result<std::optional<ConstBytes>> next();

  /// Bytes that wait for the rest of their frame.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - taken_; }

 private:
  std::size_t frame_bytes_max_;
  Bytes buffer_;
  std::size_t taken_ = 0;
};

}  // namespace longhaul::protocol
