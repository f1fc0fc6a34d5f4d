#pragma once

#include <map>
#include <string>
#include <string_view>

namespace longhaul::config {

/// Where a value comes from. `line` 0 and an empty `file` mean a default; then `key` is the option's own
/// name.
struct Origin {
  std::string file;
  int line = 0;
  std::string key;  ///< the raw key as written in the file, such as `A->B.source.consumer.isolation.level`

  [[nodiscard]] bool is_default() const { return line == 0; }
  /// `mm2.properties:12 (A.consumer.isolation.level)`, or `default`.
  [[nodiscard]] std::string to_string() const;
};

/// One value after config providers were resolved.
struct Setting {
  std::string value;
  Origin origin;
  bool secret = false;  ///< a password, a key, or anything that a config provider delivered

  /// The value for people and logs: `[hidden]` when secret.
  [[nodiscard]] std::string_view printable() const { return secret ? kHidden : std::string_view(value); }
  static constexpr std::string_view kHidden = "[hidden]";
};

/// Key without prefix -> its winning setting.
using SettingMap = std::map<std::string, Setting, std::less<>>;

/// `key` for people and logs. A line that lost its place (the second line of a JAAS value whose backslash was
/// forgotten, say) is read as a key too, and may hold a password: what does not look like a key is hidden.
[[nodiscard]] std::string_view printable_key(std::string_view key);

/// True for keys whose values are secrets by their name: passwords, JAAS lines, private keys, client secrets.
[[nodiscard]] bool is_secret_key(std::string_view key);

}  // namespace longhaul::config
