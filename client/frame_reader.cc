#include "client/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace longhaul::client {

net::Async<void> FrameReader::fill() {
  if (begin_ == end_) {
    begin_ = 0;
    end_ = 0;
  } else if (begin_ > 0) {
    std::memmove(ahead_.data(), ahead_.data() + begin_, buffered());
    end_ = buffered();
    begin_ = 0;
  }
  const auto room = MutableBytes(ahead_).subspan(end_);
  LH_CO_TRY(const auto size, co_await stream_.read_some(room));
  end_ += size;
  received_ += size;
  co_return Result<void>{};
}

net::Async<std::int32_t> FrameReader::read_size() {
  while (buffered() < sizeof(std::int32_t)) LH_CO_TRY_VOID(co_await fill());
  const auto size = load_be<std::int32_t>(ahead_, begin_);
  begin_ += sizeof(std::int32_t);
  co_return size;
}

net::Async<void> FrameReader::read_body(MutableBytes into) {
  while (!into.empty()) {
    if (buffered() > 0) {
      const auto size = std::min(buffered(), into.size());
      std::memcpy(into.data(), ahead_.data() + begin_, size);
      begin_ += size;
      into = into.subspan(size);
    } else if (into.size() < ahead_.size()) {
      // The end of this frame and what comes behind it in one read.
      LH_CO_TRY_VOID(co_await fill());
    } else {
      LH_CO_TRY(const auto size, co_await stream_.read_some(into));
      received_ += size;
      into = into.subspan(size);
    }
  }
  co_return Result<void>{};
}

net::Async<void> FrameReader::skip_body(std::size_t size) {
  while (size > 0) {
    if (buffered() == 0) LH_CO_TRY_VOID(co_await fill());
    const auto skipped = std::min(buffered(), size);
    begin_ += skipped;
    size -= skipped;
  }
  co_return Result<void>{};
}

}  // namespace longhaul::client
