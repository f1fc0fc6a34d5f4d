#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace longhaul::app {

/// A file whose lines are commands: whoever appends a line has it carried out once. The outcome of each goes
/// to FILE.out, one line per command, so that a script can wait for it.
class ControlFile {
 public:
  struct Line {
    std::size_t number = 0;  ///< from 1 on
    std::string text;
  };

  /// Empties FILE.out. Commands that stand in the file already are carried out too; a file that does not
  /// exist yet is waited for.
  [[nodiscard]] static Result<ControlFile> open(std::string path);

  /// Complete lines that came since the last call, without empty ones and comments (#). A file that became
  /// shorter is read from its beginning. Cheap when nothing changed.
  [[nodiscard]] std::vector<Line> new_lines();
  /// "NUMBER ok TEXT" or "NUMBER error TEXT" to FILE.out.
  void report(const Line& line, const Result<std::string>& outcome) const;

 private:
  explicit ControlFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::size_t read_ = 0;
  std::size_t lines_ = 0;
  std::string rest_;
};

}  // namespace longhaul::app
