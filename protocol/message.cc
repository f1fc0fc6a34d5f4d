#include "protocol/message.h"

#include <fmt/format.h>

#include "protocol/message_codec.h"

namespace longhaul::protocol::codec {

std::unexpected<Error> failure(WireErrc code, const ApiInfo& api, bool is_request, int version,
                               std::string_view path) {
  return fail(code, "{}{} v{}{}{}", api.name, is_request ? "Request" : "Response", version,
              path.empty() ? "" : " field ", path);
}

}  // namespace longhaul::protocol::codec
