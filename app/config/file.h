#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace longhaul::config {

/// The bytes of a regular file. The error names the file and why: not there, a directory, no permission, too
/// large.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);

}  // namespace longhaul::config
