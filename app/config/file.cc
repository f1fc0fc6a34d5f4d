#include "app/config/file.h"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace longhaul::config {
namespace {

// A properties file is a few kilobytes: a path to something else should not fill the memory.
constexpr std::uintmax_t kFileBytesMax = 16 << 20;

std::unexpected<Error> cannot_read(const std::filesystem::path& path, std::string_view reason) {
  return fail(Error{{}, fmt::format("cannot read {}: {}", path.string(), reason)});
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    const auto missing = !error || error == std::errc::no_such_file_or_directory;
    return cannot_read(path, missing ? "no such file" : error.message());
  }
  if (std::filesystem::is_directory(status)) return cannot_read(path, "it is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) return cannot_read(path, std::generic_category().message(errno));
  std::string bytes;
  char chunk[65'536];
  while (in.read(chunk, sizeof chunk), in.gcount() > 0) {
    bytes.append(chunk, static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > kFileBytesMax) return cannot_read(path, "it has more than 16 MiB");
  }
  if (in.bad()) return cannot_read(path, "reading failed");
  return bytes;
}

}  // namespace longhaul::config
