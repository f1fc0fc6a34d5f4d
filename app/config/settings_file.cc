#include "app/config/settings_file.h"

#include <fmt/format.h>

#include "app/config/properties.h"
#include "app/config/providers.h"

namespace longhaul::config {
namespace {

SettingMap settings_of(const std::vector<Property>& entries, std::string_view file,
                       std::vector<Warning>& warnings) {
  SettingMap settings;
  for (const auto& [key, value, line] : entries) {
    if (key.empty() && value.empty()) continue;  // What a lone backslash at the end of the file becomes.
    const auto it = settings.find(key);
    if (it != settings.end()) {
      warnings.push_back({WarningKind::value,
                          fmt::format("{}:{}: {}: written before at line {}; the last one wins", file, line,
                                      printable_key(key), it->second.origin.line),
                          {key}});
    }
    settings.insert_or_assign(key, Setting{value, {std::string(file), line, key}, is_secret_key(key)});
  }
  return settings;
}

}  // namespace

Result<SettingMap> read_settings(std::string_view text, std::string_view name, const LoadOptions& options,
                                 std::vector<Warning>& warnings) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
    warnings.push_back(
        {WarningKind::value,
         fmt::format("{}:1: begins with a byte order mark, which MirrorMaker 2 reads as part of "
                     "the first key; it is skipped here",
                     name),
         {}});
  }
  LH_TRY(const auto entries, parse_properties(text, Encoding::latin1, name));
  auto settings = settings_of(entries, name, warnings);
  LH_TRY_VOID(resolve_references(settings, options, warnings));
  return settings;
}

}  // namespace longhaul::config
