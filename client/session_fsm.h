#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "client/authentication.h"
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
/// brokers. With SASL first ApiVersions in version 0, which is all that a listener accepts before it knows
/// who calls, then the authentication, then ApiVersions once more. Later the authentication alone is
/// repeated.
///
///     auto step = session.start();
///     while (asks(step)) step = session.on_response(send(step));
class SessionFsm {
 public:
  /// Without a setup nobody is authenticated.
  explicit SessionFsm(std::optional<SaslSetup> sasl = std::nullopt) : sasl_(std::move(sasl)) {}

  /// Send ApiVersions in this version.
  struct AskVersions {
    std::int16_t version;
  };
  /// Requests may go. `lifetime` is that of the authentication that was just done; 0 for no end.
  struct Ready {
    milliseconds lifetime{0};
  };
  using Step = std::variant<AskVersions, AskHandshake, AskToken, Ready, Error>;

  [[nodiscard]] Step start();
  /// `body` is the response to what was asked for last, without its header.
  [[nodiscard]] Step on_response(ConstBytes body);
  /// Begins to authenticate again on a session that is ready, and stays so; only with a setup. Nothing but
  /// what it asks for may be sent before it comes to Ready.
  [[nodiscard]] Step reauthenticate();

  [[nodiscard]] bool ready() const { return ready_; }
  /// Whether the answer to a SASL request is awaited.
  [[nodiscard]] bool authenticating() const { return authentication_.has_value(); }
  /// The newest version in common, not above `max_version`. Without `max_version` that is at most what our
  /// table offers; with it a caller may also ask for the newer versions that the table describes but does not
  /// offer.
  [[nodiscard]] Result<std::int16_t> version_of(protocol::ApiKey api,
                                                std::optional<std::int16_t> max_version) const;
  /// What the broker advertised; nullopt for an API it did not name.
  [[nodiscard]] std::optional<VersionRange> advertised(protocol::ApiKey api) const;
  [[nodiscard]] std::optional<std::int16_t> finalized_feature(std::string_view name) const;

 private:
  [[nodiscard]] Step ask_versions();
  [[nodiscard]] Step on_versions(ConstBytes body);
  [[nodiscard]] Step unsupported(const protocol::ApiVersionsResponse& response);
  [[nodiscard]] Step authenticate();
  [[nodiscard]] Step on_authentication(Authentication::Step step);

  std::optional<SaslSetup> sasl_;
  std::optional<Authentication> authentication_;  ///< while one is under way
  bool authenticated_ = false;
  milliseconds lifetime_{0};
  std::int16_t asked_ = -1;
  bool ready_ = false;
  std::map<std::int16_t, VersionRange> advertised_;
  std::map<std::string, std::int16_t, std::less<>> features_;
};

}  // namespace longhaul::client
