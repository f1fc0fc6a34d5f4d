#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/configuration.h"
#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// One source of values outside the file (KIP-297).
class ConfigProvider {
 public:
  virtual ~ConfigProvider() = default;
  /// The value, nullopt when there is none (the reference then stays as text), or why the source cannot be
  /// read.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(const std::string& path,
                                                               const std::string& key) = 0;
};

/// Replaces `${provider:[path:]key}` in all values of `settings` by what `config.providers` deliver, and
/// marks what they touched as secret. Values delivered are not searched again. References that stay as text,
/// and with ProviderFailure::keep those that failed, are warned about.
[[nodiscard]] Result<void> resolve_references(SettingMap& settings, const LoadOptions& options,
                                              std::vector<Warning>& warnings);

}  // namespace longhaul::config
