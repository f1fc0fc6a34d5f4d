#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/message.h"
#include "protocol/wire.h"

/// Frames: size, header, body. Header versions follow the flexibility of the body (KIP-482).
namespace longhaul::protocol {

/// A response without its header.
struct ResponseParts {
  std::int32_t correlation_id = 0;
  ConstBytes body;  ///< Inside the frame that was split.
};

/// A request without its header: what a server sees.
struct RequestParts {
  ApiKey api_key{};
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string> client_id;
  ConstBytes body;  ///< Inside the frame that was split.
};

/// Starts a frame: room for the size, then the header.
[[nodiscard]] GatherBuffer begin_request(ApiKey api_key, int version, std::int32_t correlation_id,
                                         std::string_view client_id);
[[nodiscard]] GatherBuffer begin_response(ApiKey api_key, int version, std::int32_t correlation_id);
/// Puts the size in front when the body is there. Errors: `frame_too_large` above 2 GiB.
[[nodiscard]] Result<void> finish_frame(GatherBuffer& frame);

/// The whole frame of a request, its size included. It references the records of a ProduceRequest, which must
/// stay alive until the write has completed. `client_id` has at most 32767 bytes. Errors: those of encode().
template <RequestMessage Request>
[[nodiscard]] Result<GatherBuffer> encode_request(const Request& request, int version,
                                                  std::int32_t correlation_id, std::string_view client_id) {
  auto frame = begin_request(Request::kApi, version, correlation_id, client_id);
  LH_TRY_VOID(encode(request, version, frame));
  LH_TRY_VOID(finish_frame(frame));
  return frame;
}

/// The whole frame of a response, its size included; for servers.
template <Message Response>
[[nodiscard]] Result<GatherBuffer> encode_response(const Response& response, int version,
                                                   std::int32_t correlation_id) {
  auto frame = begin_response(Response::kApi, version, correlation_id);
  LH_TRY_VOID(encode(response, version, frame));
  LH_TRY_VOID(finish_frame(frame));
  return frame;
}

/// Takes the header off a response to a request of `api_key` and `version`; `frame` comes without its size.
/// Unknown tagged fields of the header are passed over.
[[nodiscard]] Result<ResponseParts> split_response(ConstBytes frame, ApiKey api_key, int version);

/// Takes the header off a request; `frame` comes without its size. Errors: `unknown_api`; `truncated` and
/// others. A version outside our range is not an error here, so that ApiVersions can be answered (KIP-511):
/// its header is read as if the version existed.
[[nodiscard]] Result<RequestParts> split_request(ConstBytes frame);

/// Correlation id of a response frame, of which the first 4 bytes suffice: whose response it is, before its
/// body has arrived. Errors: `truncated`.
[[nodiscard]] Result<std::int32_t> peek_correlation_id(ConstBytes frame);

}  // namespace longhaul::protocol
