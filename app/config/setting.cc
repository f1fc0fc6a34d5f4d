#include "app/config/setting.h"

#include <fmt/format.h>

#include <array>

namespace longhaul::config {

std::string Origin::to_string() const {
  if (is_default()) return "default";
  return fmt::format("{}:{} ({})", file, line, key);
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
