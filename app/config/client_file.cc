#include "app/config/client_file.h"

#include "app/config/client_reader.h"
#include "app/config/file.h"
#include "app/config/settings_file.h"

namespace longhaul::config {

Result<ClientFile> load_client_file(const std::filesystem::path& file, ClientRole role,
                                    const std::string& bootstrap_servers, const std::string& client_id) {
  ClientFile out;
  const auto name = file.string();
  LH_TRY(const auto text, read_file(file));
  LH_TRY(auto settings, read_settings(text, name, {}, out.warnings));
  settings.insert_or_assign("bootstrap.servers",
                            Setting{bootstrap_servers, {"command line", 1, "bootstrap.servers"}});
  const ClientPlace place{bootstrap_servers, Side::target, role, client_id,
                          ClientPlace::UserClientId::instead};
  LH_TRY(out.settings, read_client(place, std::move(settings), name, out.warnings));
  return out;
}

}  // namespace longhaul::config
