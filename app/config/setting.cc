#include "app/config/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace longhaul::config {

std::string Origin::to_string() const {
  if (is_default()) return "default";
  return fmt::format("{}:{} ({})", file, line, key);
}

std::string_view printable_key(std::string_view key) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._->*#/").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(key, is_plain) ? key : Setting::kHidden;
}

bool is_secret_key(std::string_view key) {
  constexpr std::array<std::string_view, 9> kSuffixes{
      ".password",   "sasl.jaas.config",   "ssl.keystore.key",
      ".passphrase", ".client.secret",     "basic.auth.user.info",
      ".secret.key", ".access.key.secret", ".credentials"};
  if (key == "password") return true;
  for (const auto suffix : kSuffixes) {
    if (key.ends_with(suffix)) return true;
  }
  return false;
}

}  // namespace longhaul::config
