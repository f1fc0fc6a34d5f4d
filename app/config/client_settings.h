#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/security_settings.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

enum class Side { source, target };
enum class ClientRole { consumer, producer, admin };
enum class IsolationLevel { read_uncommitted, read_committed };
enum class AutoOffsetReset { earliest, latest, none };

[[nodiscard]] std::string_view to_string(Side side);
[[nodiscard]] std::string_view to_string(ClientRole role);
[[nodiscard]] std::string_view to_string(IsolationLevel level);
[[nodiscard]] std::string_view to_string(AutoOffsetReset reset);

struct HostPort {
  std::string host;  ///< without brackets for IPv6
  std::uint16_t port = 0;
  auto operator<=>(const HostPort&) const = default;
};

/// An option as it takes effect, for printing: also the defaults that nobody wrote.
struct EffectiveOption {
  std::string key;
  Setting setting;
};

/// One Kafka client of a flow: what the properties that reach it say, with Kafka's defaults where they are
/// silent. `is_set(key)` tells a written value from a default, for wiring that has a better default of its
/// own.
struct ClientSettings {
  std::string cluster;  ///< alias
  Side side = Side::source;
  ClientRole role = ClientRole::admin;

  std::vector<HostPort> bootstrap_servers;  ///< never empty
  std::string client_id;                    ///< complete, as MirrorMaker 2 composes it
  std::string client_rack;
  SecuritySettings security;
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds retry_backoff{100};
  std::chrono::milliseconds retry_backoff_max{1'000};
  std::chrono::milliseconds reconnect_backoff{50};
  std::chrono::milliseconds reconnect_backoff_max{1'000};
  std::chrono::milliseconds connection_setup_timeout{10'000};
  std::chrono::milliseconds metadata_max_age{300'000};

  // Consumers.
  IsolationLevel isolation_level = IsolationLevel::read_uncommitted;
  AutoOffsetReset auto_offset_reset = AutoOffsetReset::earliest;  ///< MirrorMaker 2's default, not Kafka's
  std::int32_t fetch_min_bytes = 1;
  std::int32_t fetch_max_bytes = 52'428'800;
  std::chrono::milliseconds fetch_max_wait{500};
  std::int32_t max_partition_fetch_bytes = 1'048'576;

  // Producers.
  std::int32_t max_request_size = 1'048'576;
  std::chrono::milliseconds delivery_timeout{120'000};
  std::chrono::milliseconds transaction_timeout{60'000};

  /// Every property that reaches the client, typed above or not, by its key without prefix.
  SettingMap raw;
  /// Effective typed options in a stable order, for `longhaul config`.
  std::vector<EffectiveOption> effective;

  [[nodiscard]] bool is_set(std::string_view key) const { return raw.find(key) != raw.end(); }
};

}  // namespace longhaul::config
