#include "sandbox/socket/request_reader.h"

#include <algorithm>
#include <cstring>

#include "protocol/frame.h"

namespace longhaul::sandbox {
namespace {

constexpr std::size_t kReadAhead = 64 * 1024;

}  // namespace

RequestReader::RequestReader(net::Stream& stream, std::size_t request_bytes_max)
    : stream_(stream), request_bytes_max_(request_bytes_max), buffer_(kReadAhead) {}

net::Async<std::size_t> RequestReader::read_size() {
  while (buffered() < protocol::kFrameSizeBytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
    end_ = buffered();
    begin_ = 0;
    const auto room = MutableBytes(buffer_).subspan(end_);
    LH_CO_TRY(const auto size, co_await stream_.read_some(room));
    end_ += size;
  }
  const auto prefix = ConstBytes(buffer_).subspan(begin_, protocol::kFrameSizeBytes);
  begin_ += protocol::kFrameSizeBytes;
  co_return protocol::frame_size(prefix, request_bytes_max_);
}

net::Async<Slice> RequestReader::next() {
  LH_CO_TRY(const auto size, co_await read_size());
  // A size that is promised and never sent costs address space only: its pages are not touched.
  auto slab = Slab::unbudgeted(size);
  auto left = slab.bytes();
  const auto ahead = std::min(buffered(), left.size());
  std::memcpy(left.data(), buffer_.data() + begin_, ahead);
  begin_ += ahead;
  left = left.subspan(ahead);
  while (!left.empty()) {
    LH_CO_TRY(const auto more, co_await stream_.read_some(left));
    left = left.subspan(more);
  }
  co_return std::move(slab).share();
}

}  // namespace longhaul::sandbox
