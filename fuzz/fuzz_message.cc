// Bodies of requests and responses. The first byte names the API, the second the version and the direction.
// Whatever decodes must encode again, to as many bytes as announced, and mean the same.
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "base/check.h"
#include "protocol/messages/all.h"

namespace longhaul::protocol {
namespace {

template <class M>
void try_message(ConstBytes body, int version) {
  const auto message = decode<M>(body, version);
  if (!message) {
    LH_CHECK(message.error().code.category() == wire_category());
    return;
  }
  LH_CHECK(!print(*message).empty());
  GatherBuffer encoded;
  LH_CHECK(encode(*message, version, encoded).has_value());
  LH_CHECK(encoded.size() == encoded_size(*message, version));
  // Not always the bytes from before: padded varints and tagged fields that hold their default are legal.
  const auto wire = encoded.flattened();
  const auto again = decode<M>(wire, version);
  LH_CHECK(again.has_value());
  GatherBuffer encoded_again;
  LH_CHECK(encode(*again, version, encoded_again).has_value());
  LH_CHECK(encoded_again.flattened() == wire);
}

template <class Request>
void try_api(ApiKey key, std::uint8_t version_and_direction, ConstBytes body) {
  if (Request::kApi != key) return;
  const int version = version_and_direction & 0x7f;
  if (version_and_direction < 0x80) {
    try_message<Request>(body, version);
  } else {
    try_message<typename Request::Response>(body, version);
  }
}

template <class... Requests>
void try_all(std::tuple<Requests...>* /*types*/, ApiKey key, std::uint8_t version_and_direction,
             ConstBytes body) {
  (try_api<Requests>(key, version_and_direction, body), ...);
}

}  // namespace
}  // namespace longhaul::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace longhaul;
  using namespace longhaul::protocol;
  if (size < 2) return 0;
  const auto body = std::as_bytes(std::span(data, size)).subspan(2);
  try_all(static_cast<AllRequests*>(nullptr), static_cast<ApiKey>(data[0]), data[1], body);
  return 0;
}
