#include "protocol/frame.h"

#include "base/check.h"
#include "protocol/wire.h"

namespace longhaul::protocol {

Result<std::size_t> frame_size(ConstBytes prefix, std::size_t frame_bytes_max) {
  LH_CHECK(prefix.size() == kFrameSizeBytes);
  const auto size = load_be<std::int32_t>(prefix);
  if (size < static_cast<std::int32_t>(kFrameBytesMin))
    return fail(WireErrc::bad_frame_size, "{} bytes", size);
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes > frame_bytes_max) {
    return fail(WireErrc::frame_too_large, "{} bytes, at most {} are accepted", bytes, frame_bytes_max);
  }
  return bytes;
}

void FrameSplitter::append(ConstBytes bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<ConstBytes>> FrameSplitter::next() {
  const auto waiting = ConstBytes(buffer_).subspan(taken_);
  if (waiting.size() < kFrameSizeBytes) return std::nullopt;
  LH_TRY(const auto size, frame_size(waiting.first(kFrameSizeBytes), frame_bytes_max_));
  if (waiting.size() - kFrameSizeBytes < size) return std::nullopt;
  taken_ += kFrameSizeBytes + size;
  return waiting.subspan(kFrameSizeBytes, size);
}

}  // namespace longhaul::protocol
