#include "protocol/header.h"

#include <limits>
#include <utility>

#include "base/check.h"
#include "protocol/frame.h"

namespace longhaul::protocol {
namespace {

/// Enough for the frames of control traffic, so that they are written without growing.
constexpr std::size_t kUsualFrameBytes = 256;
constexpr std::size_t kClientIdBytesMax = 0x7fff;

}  // namespace

GatherBuffer begin_request(ApiKey api_key, int version, std::int32_t correlation_id,
                           std::string_view client_id) {
  LH_CHECK(client_id.size() <= kClientIdBytesMax);
  GatherBuffer frame;
  frame.reserve(kUsualFrameBytes);
  Writer writer(frame);
  writer.integer(std::int32_t{0});
  writer.integer(std::to_underlying(api_key));
  writer.integer(static_cast<std::int16_t>(version));
  writer.integer(correlation_id);
  // The client id keeps its two-byte length in the flexible header too.
  writer.integer(static_cast<std::int16_t>(client_id.size()));
  writer.raw(as_bytes(client_id));
  if (request_header_version(api_key, version) >= 2) writer.unsigned_varint(0);
  return frame;
}

GatherBuffer begin_response(ApiKey api_key, int version, std::int32_t correlation_id) {
  GatherBuffer frame;
  frame.reserve(kUsualFrameBytes);
  Writer writer(frame);
  writer.integer(std::int32_t{0});
  writer.integer(correlation_id);
  if (response_header_version(api_key, version) >= 1) writer.unsigned_varint(0);
  return frame;
}

Result<void> finish_frame(GatherBuffer& frame) {
  const auto size = frame.size() - kFrameSizeBytes;
  if (size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return fail(WireErrc::frame_too_large, "{} bytes", size);
  }
  frame.patch(0, static_cast<std::int32_t>(size));
  return {};
}

Result<ResponseParts> split_response(ConstBytes frame, ApiKey api_key, int version) {
  Reader in(frame);
  ResponseParts parts;
  parts.correlation_id = in.integer<std::int32_t>();
  if (response_header_version(api_key, version) >= 1) in.skip_tagged_fields();
  parts.body = in.take(in.remaining());
  if (!in.ok()) return fail(in.error(), "header of {} response", api_info(api_key).name);
  return parts;
}

Result<RequestParts> split_request(ConstBytes frame) {
  Reader in(frame);
  RequestParts parts;
  parts.api_key = static_cast<ApiKey>(in.integer<std::int16_t>());
  parts.api_version = in.integer<std::int16_t>();
  parts.correlation_id = in.integer<std::int32_t>();
  if (!in.ok()) return fail(in.error(), "header of a request");
  const auto* api = find_api(parts.api_key);
  if (api == nullptr) return fail(WireErrc::unknown_api, "{}", std::to_underlying(parts.api_key));
  parts.client_id = in.string(false);
  if (api->is_flexible(parts.api_version)) in.skip_tagged_fields();
  parts.body = in.take(in.remaining());
  if (!in.ok()) return fail(in.error(), "header of {} request", api->name);
  return parts;
}

Result<std::int32_t> peek_correlation_id(ConstBytes frame) {
  Reader in(frame);
  const auto correlation_id = in.integer<std::int32_t>();
  if (!in.ok()) return fail(in.error(), "header of a response");
  return correlation_id;
}

}  // namespace longhaul::protocol
