#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/api.h"
#include "protocol/messages/api_versions.h"

namespace longhaul::client {

/// Versions of one API, both ends included.
struct VersionRange {
  std::int16_t min = 0;
  std::int16_t max = -1;
  auto operator<=>(const VersionRange&) const = default;
};

/// Sans-I/O: what happens on a new connection before requests may go: ApiVersions with the fallbacks of older
/// brokers. (SaslHandshake and SaslAuthenticate come between `start` and `ready`, with ApiVersions in version
/// 0 before them.)
///
///     auto step = session.start();
///     while (const auto* ask = std::get_if<SessionFsm::Ask>(&step)) step =
///     session.on_response(send(ask->version));
class SessionFsm {
 public:
  /// Send ApiVersions in this version and give its answer to `on_response`.
  struct Ask {
    std::int16_t version;
  };
  struct Ready {};
  using Step = std::variant<Ask, Ready, Error>;

  [[nodiscard]] Step start();
  /// `body` is the response without its header.
  [[nodiscard]] Step on_response(ConstBytes body);

  [[nodiscard]] bool ready() const { return ready_; }
  /// The newest version in common, not above `max_version`. Without `max_version` that is at most what our
  /// table offers; with it a caller may also ask for the newer versions that the table describes but does not
  /// offer.
  [[nodiscard]] Result<std::int16_t> version_of(protocol::ApiKey api,
                                                std::optional<std::int16_t> max_version) const;
  /// What the broker advertised; nullopt for an API it did not name.
  [[nodiscard]] std::optional<VersionRange> advertised(protocol::ApiKey api) const;
  [[nodiscard]] std::optional<std::int16_t> finalized_feature(std::string_view name) const;

 private:
  [[nodiscard]] Step unsupported(const protocol::ApiVersionsResponse& response);

  std::int16_t asked_ = -1;
  bool ready_ = false;
  std::map<std::int16_t, VersionRange> advertised_;
  std::map<std::string, std::int16_t, std::less<>> features_;
};

}  // namespace longhaul::client
