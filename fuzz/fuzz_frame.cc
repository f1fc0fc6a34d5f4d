// A stream of frames and their headers. The first byte is the size of the chunks that the stream arrives in;
// the frames must be the same as when it arrives at once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "protocol/frame.h"
#include "protocol/header.h"

namespace longhaul::protocol {
namespace {

constexpr std::size_t kFrameBytesMax = 1000;

struct Frames {
  std::vector<Bytes> frames;
  bool is_broken = false;
};

/// Takes every complete frame out of the splitter.
void take_frames(FrameSplitter& splitter, Frames& out) {
  for (;;) {
    const auto frame = splitter.next();
    if (!frame) {
      out.is_broken = true;
      return;
    }
    if (!frame->has_value()) return;
    LH_CHECK((*frame)->size() >= kFrameBytesMin && (*frame)->size() <= kFrameBytesMax);
    out.frames.emplace_back((*frame)->begin(), (*frame)->end());
  }
}

Frames split(ConstBytes stream, std::size_t chunk) {
  FrameSplitter splitter(kFrameBytesMax);
  Frames out;
  for (std::size_t at = 0; at < stream.size() && !out.is_broken; at += chunk) {
    splitter.append(stream.subspan(at, std::min(chunk, stream.size() - at)));
    take_frames(splitter, out);
  }
  return out;
}

void try_headers(ConstBytes frame) {
  if (const auto request = split_request(frame)) LH_CHECK(request->body.size() <= frame.size());
  for (const auto& api : kApis) {
    const auto response = split_response(frame, api.key, api.version_max);
    if (!response) continue;
    LH_CHECK(response->body.size() <= frame.size() - kFrameBytesMin);
    LH_CHECK(peek_correlation_id(frame) == response->correlation_id);
  }
}

}  // namespace
}  // namespace longhaul::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul;
  using namespace longhaul::protocol;
  if (size < 1) return 0;
  const auto stream = std::as_bytes(std::span(data, size)).subspan(1);
  const auto whole = split(stream, std::max<std::size_t>(stream.size(), 1));
  const auto chunked = split(stream, std::max<std::size_t>(data[0], 1));
  LH_CHECK(whole.frames == chunked.frames);
  LH_CHECK(whole.is_broken == chunked.is_broken);
  for (const auto& frame : whole.frames) try_headers(frame);
  return 0;
}
