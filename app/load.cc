#include "app/load.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/log.h"

namespace longhaul::app {

void print_error(const std::string& text) {
  fmt::print(stderr, "longhaul: {}\n", text);
}

std::optional<config::Configuration> load_or_explain(const std::string& file) {
  auto loaded = config::load(file);
  if (!loaded) {
    print_error(loaded.error().message());
    return std::nullopt;
  }
  for (const auto& warning : loaded->warnings) log::warn(warning.text);
  return *std::move(loaded);
}

}  // namespace longhaul::app
