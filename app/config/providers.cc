#include "app/config/providers.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "app/config/file.h"
#include "app/config/properties.h"
#include "app/config/values.h"
#include "replicator/java_pattern.h"

namespace longhaul::config {
namespace {

namespace fs = std::filesystem;

/// The param `allowed.paths`: absolute paths that references have to lie below.
class AllowedPaths {
 public:
  static Result<AllowedPaths> parse(const Setting* setting) {
    AllowedPaths allowed;
    if (!setting) return allowed;
    allowed.paths_.emplace();
    for (const auto& item : split_list(setting->value)) {
      const fs::path path(item);
      std::error_code error;
      if (!path.is_absolute()) return refused(*setting, fmt::format("'{}' is not an absolute path", item));
      if (!fs::exists(path, error)) return refused(*setting, fmt::format("'{}' does not exist", item));
      allowed.paths_->push_back(path.lexically_normal());
    }
    return allowed;
  }

  [[nodiscard]] bool contains(const fs::path& path) const {
    if (!paths_) return true;
    const auto normal = path.lexically_normal();
    for (const auto& allowed : *paths_) {
      const auto relative = normal.lexically_relative(allowed);
      if (!relative.empty() && *relative.begin() != "..") return true;
    }
    return false;
  }

 private:
  std::optional<std::vector<fs::path>> paths_;
};

class FileProvider final : public ConfigProvider {
 public:
  explicit FileProvider(AllowedPaths allowed) : allowed_(std::move(allowed)) {}

  Result<std::optional<std::string>> get(const std::string& path, const std::string& key) override {
    if (path.empty() || !allowed_.contains(path)) return std::nullopt;
    LH_TRY(const auto text, read_file(path));
    LH_TRY(const auto entries, parse_properties(text, Encoding::utf8, path));
    std::optional<std::string> value;
    for (const auto& entry : entries) {
      if (entry.key == key) value = entry.value;
    }
    return value;
  }

 private:
  AllowedPaths allowed_;
};

class DirectoryProvider final : public ConfigProvider {
 public:
  explicit DirectoryProvider(AllowedPaths allowed) : allowed_(std::move(allowed)) {}

  Result<std::optional<std::string>> get(const std::string& path, const std::string& key) override {
    const auto file = fs::path(path) / key;
    std::error_code error;
    // Keys are names of files directly in the directory, so none leads out of it.
    if (path.empty() || !allowed_.contains(path) || fs::path(key).filename() != key) return std::nullopt;
    if (!fs::is_regular_file(file, error)) return std::nullopt;
    LH_TRY(auto text, read_file(file));
    return std::optional<std::string>(std::move(text));
  }

 private:
  AllowedPaths allowed_;
};

class EnvironmentProvider final : public ConfigProvider {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;
  EnvironmentProvider(Environment environment, std::optional<replicator::JavaPattern> allowed)
      : environment_(std::move(environment)), allowed_(std::move(allowed)) {}

  Result<std::optional<std::string>> get(const std::string& path, const std::string& key) override {
    if (!path.empty()) {
      return fail(Error{{}, fmt::format("the path '{}' must be empty: write ${{provider:VARIABLE}}", path)});
    }
    if (allowed_ && allowed_->match(key) != replicator::JavaPattern::Match::yes) return std::nullopt;
    return environment_(key);
  }

 private:
  Environment environment_;
  std::optional<replicator::JavaPattern> allowed_;
};

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return std::string(value);
}

using Providers = std::map<std::string, std::unique_ptr<ConfigProvider>, std::less<>>;

const Setting* find(const SettingMap& settings, std::string_view key) {
  const auto it = settings.find(key);
  return it == settings.end() ? nullptr : &it->second;
}

Result<std::unique_ptr<ConfigProvider>> make_provider(const std::string& name, const Setting& list,
                                                      const SettingMap& settings,
                                                      const LoadOptions& options) {
  constexpr std::string_view kPackage = "org.apache.kafka.common.config.provider.";
  const auto prefix = fmt::format("config.providers.{}.", name);
  const auto* class_setting = find(settings, prefix + "class");
  if (!class_setting)
    return refused(list, fmt::format("provider '{0}' has no config.providers.{0}.class", name));
  auto class_name = trimmed(class_setting->value);
  if (class_name.starts_with(kPackage)) class_name.remove_prefix(kPackage.size());

  if (class_name == "EnvVarConfigProvider") {
    std::optional<replicator::JavaPattern> allowed;
    if (const auto* pattern = find(settings, prefix + "param.allowlist.pattern")) {
      auto compiled = replicator::JavaPattern::compile(pattern->value);
      if (!compiled) return refused(*pattern, compiled.error().message());
      allowed = *std::move(compiled);
    }
    return std::make_unique<EnvironmentProvider>(
        options.environment ? options.environment : process_environment, std::move(allowed));
  }
  LH_TRY(auto allowed, AllowedPaths::parse(find(settings, prefix + "param.allowed.paths")));
  if (class_name == "FileConfigProvider") return std::make_unique<FileProvider>(std::move(allowed));
  if (class_name == "DirectoryConfigProvider") return std::make_unique<DirectoryProvider>(std::move(allowed));
  return wrong_value(
      *class_setting,
      fmt::format("{0}FileConfigProvider, {0}DirectoryConfigProvider, {0}EnvVarConfigProvider", kPackage));
}

Result<Providers> make_providers(const SettingMap& settings, const LoadOptions& options) {
  Providers providers;
  const auto* list = find(settings, "config.providers");
  if (!list) return providers;
  for (const auto& name : split_list(list->value)) {
    LH_TRY(auto provider, make_provider(name, *list, settings, options));
    providers[name] = std::move(provider);
  }
  return providers;
}

struct Reference {
  std::size_t begin;
  std::size_t end;  ///< after the brace
  std::string provider;
  std::string path;
  std::string key;
};

/// The next `${provider:[path:]key}` at or after `from`: the provider ends at the first colon, the path at
/// the next, the rest is the key. Text in braces without a colon is no reference.
std::optional<Reference> next_reference(std::string_view text, std::size_t from) {
  while (true) {
    const auto begin = text.find("${", from);
    if (begin == std::string_view::npos) return std::nullopt;
    const auto close = text.find('}', begin);
    if (close == std::string_view::npos) return std::nullopt;
    const auto inside = text.substr(begin + 2, close - begin - 2);
    const auto first = inside.find(':');
    if (first == std::string_view::npos) {
      from = close + 1;
      continue;
    }
    const auto second = inside.find(':', first + 1);
    Reference reference{begin, close + 1, std::string(inside.substr(0, first)), {}, {}};
    if (second != std::string_view::npos) reference.path = inside.substr(first + 1, second - first - 1);
    reference.key = inside.substr(second == std::string_view::npos ? first + 1 : second + 1);
    return reference;
  }
}

class Resolver {
 public:
  Resolver(Providers providers, const LoadOptions& options, std::vector<Warning>& warnings)
      : providers_(std::move(providers)), options_(options), warnings_(warnings) {}

  Result<void> resolve(Setting& setting) {
    std::string out;
    std::size_t at = 0;
    while (const auto reference = next_reference(setting.value, at)) {
      const auto text =
          std::string_view(setting.value).substr(reference->begin, reference->end - reference->begin);
      out += std::string_view(setting.value).substr(at, reference->begin - at);
      at = reference->end;
      LH_TRY(const auto value, look_up(setting, *reference, text));
      if (value) setting.secret = true;
      out += value ? *value : std::string(text);
    }
    out += std::string_view(setting.value).substr(at);
    setting.value = std::move(out);
    return {};
  }

 private:
  Result<std::optional<std::string>> look_up(const Setting& setting, const Reference& reference,
                                             std::string_view text) {
    const auto provider = providers_.find(reference.provider);
    if (provider == providers_.end() && is_secret_key(setting.origin.key)) {
      // Perhaps no reference, but a password that looks like one.
      warn(setting, "${...}", "there is no such provider in config.providers");
      return std::nullopt;
    }
    if (provider == providers_.end()) {
      warn(setting, text, fmt::format("there is no provider '{}' in config.providers", reference.provider));
      return std::nullopt;
    }
    auto value = provider->second->get(reference.path, reference.key);
    if (!value) {
      const auto reason = fmt::format("{}: {}", text, value.error().message());
      if (options_.provider_failure == ProviderFailure::stop) return refused(setting, reason);
      warn(setting, text, value.error().message());
      return std::nullopt;
    }
    if (!*value) warn(setting, text, "the provider has no such key");
    return value;
  }

  void warn(const Setting& setting, std::string_view text, std::string_view reason) {
    const auto& origin = setting.origin;
    warnings_.push_back(
        {WarningKind::value,
         fmt::format("{}:{}: {}: {} stays as text: {}", origin.file, origin.line, origin.key, text, reason),
         {origin.key}});
  }

  Providers providers_;
  const LoadOptions& options_;
  std::vector<Warning>& warnings_;
};

}  // namespace

Result<void> resolve_references(SettingMap& settings, const LoadOptions& options,
                                std::vector<Warning>& warnings) {
  LH_TRY(auto providers, make_providers(settings, options));
  Resolver resolver(std::move(providers), options, warnings);
  for (auto& [key, setting] : settings) {
    if (key.starts_with("config.providers")) continue;
    LH_TRY_VOID(resolver.resolve(setting));
  }
  return {};
}

}  // namespace longhaul::config
