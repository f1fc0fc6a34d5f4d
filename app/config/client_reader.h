#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config/client_settings.h"
#include "app/config/configuration.h"
#include "app/config/option_reader.h"
#include "base/result.h"

namespace longhaul::config {

/// Which client of which flow is read, for names and messages.
struct ClientPlace {
  std::string cluster;
  Side side = Side::source;
  ClientRole role = ClientRole::admin;
  /// Client id without the user's part: `A->B|MirrorSourceConnector|replication-source-admin`.
  std::string client_id;
  /// The data producer's own client id stands alone; everywhere else the user's is put in front.
  enum class UserClientId { in_front, instead } user_client_id = UserClientId::in_front;
};

/// The typed settings of one client from the properties that reach it. `file` is for the error when there is
/// no bootstrap server.
[[nodiscard]] Result<ClientSettings> read_client(const ClientPlace& place, SettingMap properties,
                                                 std::string_view file, std::vector<Warning>& warnings);

/// `bootstrap.servers`, noted as in effect. `file` and `cluster` are for the error when there is none.
[[nodiscard]] Result<std::vector<HostPort>> read_bootstrap_servers(OptionReader& in, std::string_view file,
                                                                   std::string_view cluster);

/// `host:port` items, IPv6 in brackets, with or without a `PROTOCOL://` in front as in Kafka.
[[nodiscard]] Result<std::vector<HostPort>> parse_bootstrap_servers(const Setting& setting);

}  // namespace longhaul::config
