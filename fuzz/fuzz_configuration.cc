// A properties file as a configuration: it loads and prints, or says why not.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/config/configuration.h"
#include "app/config/print.h"
#include "base/check.h"

namespace longhaul::config {
namespace {

void try_load(std::string_view text) {
  // A reference could name any file of this machine.
  if (text.find("provider") != std::string_view::npos) return;
  const auto configuration = load_text(
      text, "file", {.provider_failure = ProviderFailure::keep, .environment = [](const std::string&) {
                       return std::optional<std::string>();
                     }});
  if (!configuration) {
    LH_CHECK(!configuration.error().message().empty());
    return;
  }
  LH_CHECK(!configuration->clusters.empty());
  LH_CHECK(print(*configuration).ends_with('\n'));
}

}  // namespace
}  // namespace longhaul::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  longhaul::config::try_load({reinterpret_cast<const char*>(data), size});
  return 0;
}
