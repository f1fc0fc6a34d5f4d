#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/config/client_settings.h"
#include "app/config/configuration.h"
#include "base/result.h"

namespace longhaul::config {

struct ClientFile {
  ClientSettings settings;
  std::vector<Warning> warnings;
};

/// The settings of one client of the cluster at `bootstrap_servers`: without prefixes, as Kafka's own tools
/// take them with `--command-config`. `bootstrap.servers` in the file does not count. Errors as those of
/// `load`.
[[nodiscard]] Result<ClientFile> load_client_file(const std::filesystem::path& file, ClientRole role,
                                                  const std::string& bootstrap_servers,
                                                  const std::string& client_id);

}  // namespace longhaul::config
