#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config/client_settings.h"
#include "app/config/setting.h"

namespace longhaul::config {

/// How raw keys of the file reach connectors, clients and workers, as MirrorMaker 2 4.3 does it
/// (`MirrorMakerConfig`, `MirrorConnectorConfig`): docs/configuration.md has the resulting order. `top` is
/// always the whole file with references resolved; every setting keeps the origin of the key that won.

/// All `<alias>.*` keys without prefix; the common client keys among them, and those at top level, also fill
/// `producer.<k>`, `consumer.<k>` and `admin.<k>` where these are absent.
[[nodiscard]] SettingMap cluster_view(const SettingMap& top, std::string_view alias);

/// What the connectors of `source->target` are configured with.
[[nodiscard]] SettingMap connector_properties(const SettingMap& top, std::string_view source,
                                              std::string_view target);

/// What reaches a client of the connectors, out of `connector_properties`.
[[nodiscard]] SettingMap client_properties(const SettingMap& connector, Side side, ClientRole role);

struct DataProducerProperties {
  SettingMap settings;
  /// Raw keys that MirrorMaker 2 would not apply to this producer: `A->B.target.producer.*`,
  /// `A->B.producer.*`.
  std::vector<std::string> beyond_mm2;
};

/// The producer of mirrored records belongs to MirrorMaker 2's worker: `T.producer.*`, then
/// `S->T.producer.override.*`. Beyond that we honour `S->T.target.producer.*` (over `T.producer.*`) and
/// `S->T.producer.*` (where nothing else is said), because that is what people write and mean.
[[nodiscard]] DataProducerProperties data_producer_properties(const SettingMap& top, std::string_view source,
                                                              std::string_view target);

/// What the Connect worker of `source->target` is configured with, without defaults.
[[nodiscard]] SettingMap worker_properties(const SettingMap& top, std::string_view target);

/// The keys of `settings` that begin with `prefix`, without it.
[[nodiscard]] SettingMap with_prefix_stripped(const SettingMap& settings, std::string_view prefix);

}  // namespace longhaul::config
