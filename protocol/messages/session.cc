#include "protocol/message_print.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"

namespace longhaul::protocol {

LH_INSTANTIATE_API(ApiVersionsRequest);
LH_INSTANTIATE_API(SaslHandshakeRequest);
LH_INSTANTIATE_API(SaslAuthenticateRequest);

Result<ApiVersionsResponse> decode_api_versions(ConstBytes body, int version) {
  // The error code comes first in every version.
  Reader in(body);
  const auto code = static_cast<KafkaErrc>(in.integer<std::int16_t>());
  return decode<ApiVersionsResponse>(body, code == KafkaErrc::unsupported_version ? 0 : version);
}

}  // namespace longhaul::protocol
