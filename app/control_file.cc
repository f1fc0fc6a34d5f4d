#include "app/control_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/log.h"

namespace longhaul::app {
namespace {

std::string out_path(const std::string& path) {
  return path + ".out";
}

}  // namespace

Result<ControlFile> ControlFile::open(std::string path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(Error{{}, fmt::format("the control file {} is a directory", path)});
  std::ofstream out(out_path(path), std::ios::trunc);
  if (!out) return fail(Error{{}, fmt::format("cannot write {}", out_path(path))});
  return ControlFile(std::move(path));
}

std::vector<ControlFile::Line> ControlFile::new_lines() {
  std::error_code error;
  const auto size = std::filesystem::file_size(path_, error);
  if (error || size == read_) return {};
  if (size < read_) {
    read_ = 0;
    lines_ = 0;
    rest_.clear();
  }
  std::ifstream file(path_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(read_));
  std::string added(size - read_, '\0');
  file.read(added.data(), static_cast<std::streamsize>(added.size()));
  added.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  read_ += added.size();
  rest_ += added;

  std::vector<Line> found;
  std::size_t begin = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    auto text = rest_.substr(begin, end - begin);
    begin = end + 1;
    ++lines_;
    if (!text.empty() && text.back() == '\r') text.pop_back();
    const auto first = text.find_first_not_of(" \t");
    if (first != std::string::npos && text[first] != '#') found.push_back({lines_, std::move(text)});
  }
  rest_.erase(0, begin);
  return found;
}

void ControlFile::report(const Line& line, const Result<std::string>& outcome) const {
  auto text = outcome ? fmt::format("{} ok {}", line.number, *outcome)
                      : fmt::format("{} error {}", line.number, outcome.error().message());
  while (text.ends_with('\n')) text.pop_back();
  // One command, one line.
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "; ");
  std::ofstream out(out_path(path_), std::ios::app);
  out << text << '\n' << std::flush;
  if (!out) log::error("cannot write the outcome of a command", {{"file", out_path(path_)}});
}

}  // namespace longhaul::app
