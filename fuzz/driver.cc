// Replays a corpus through a fuzz entry, for builds without libFuzzer: every file as it is, and cut at every
// byte.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Cuts of larger files are left out: they would take minutes and find what those of small files find.
constexpr std::size_t kLargestCut = 4096;

/// A copy of its own for each run, so that a sanitizer sees the first byte read behind the end.
void run(const std::vector<std::uint8_t>& whole, std::size_t size) {
  const std::vector<std::uint8_t> input(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::size_t replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> whole{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) return 0;
  const auto cuts = std::min(whole.size(), kLargestCut);
  for (std::size_t size = 0; size < cuts; ++size) run(whole, size);
  run(whole, whole.size());
  return cuts + 1;
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i], error)) {
      if (!entry.is_regular_file()) continue;
      ++files;
      inputs += replay(entry.path());
    }
    if (error) fmt::print(stderr, "{}: {}\n", arguments[i], error.message());
  }
  fmt::print("{} files, {} inputs\n", files, inputs);
  return files > 0 ? 0 : 1;  // A corpus that is not found must not look like one that passes.
}
