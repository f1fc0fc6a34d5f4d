#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace longhaul::config {

/// What this version does with a key that MirrorMaker 2 knows.
enum class KeyState : std::uint8_t {
  served,
  not_served,  ///< planned; what it asks for does not happen yet
  no_effect,   ///< has no meaning in Longhaul; `note` says why
};

/// Where a connector option may be written.
enum class KeyPlace : std::uint8_t {
  anywhere,   ///< top-level for all flows, or `A->B.<name>`
  flow_only,  ///< MirrorMaker 2 drops it at top level
  top_only,
};

struct KnownKey {
  std::string_view name;  ///< without prefix; a trailing `*` stands for anything
  KeyState state = KeyState::served;
  std::string_view note = {};
  KeyPlace place = KeyPlace::anywhere;
};

inline constexpr std::uint8_t kConsumer = 1;
inline constexpr std::uint8_t kProducer = 2;
inline constexpr std::uint8_t kAdmin = 4;

struct KnownClientKey {
  std::string_view name;
  std::uint8_t roles = 0;
  KeyState state = KeyState::served;
  std::string_view note = {};
};

/// Options of the three connectors and of MirrorMakerConfig (KIP-382 and the options since).
[[nodiscard]] std::span<const KnownKey> connector_keys();
/// Properties of the Connect worker that runs a flow, written `<target>.<name>`.
[[nodiscard]] std::span<const KnownKey> worker_keys();
/// Longhaul's own settings, with the prefix `longhaul.`.
[[nodiscard]] std::span<const KnownKey> own_keys();
/// Properties of consumers, producers and admin clients, the common ones excepted.
[[nodiscard]] std::span<const KnownClientKey> client_keys();
/// The keys that every client of a cluster shares (`MirrorClientConfig.CLIENT_CONFIG_DEF`): these alone are
/// filled from `<alias>.<name>` and from the top level.
[[nodiscard]] std::span<const std::string_view> common_client_keys();
[[nodiscard]] bool is_common_client_key(std::string_view name);
/// What is done with a common key.
[[nodiscard]] KnownKey common_client_key(std::string_view name);

/// Prefixes of top-level keys that reach every worker (`MirrorMakerConfig.workerConfig`).
[[nodiscard]] std::span<const std::string_view> top_level_worker_prefixes();

[[nodiscard]] const KnownKey* find_key(std::span<const KnownKey> table, std::string_view name);
/// The entry for `name` if one of `roles` has it.
[[nodiscard]] const KnownClientKey* find_client_key(std::string_view name, std::uint8_t roles);

}  // namespace longhaul::config
