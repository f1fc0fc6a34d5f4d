#include "app/config/properties.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace longhaul::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}
bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

/// Joins continued lines and drops comments and blank lines.
class LogicalLines {
 public:
  explicit LogicalLines(std::string_view bytes) : bytes_(bytes) {}

  /// The next line without its end and its continuation backslashes; nullopt at the end of the file.
  std::optional<std::string> next() {
    std::string line;
    bool continued = false;
    while (at_ < bytes_.size()) {
      skip_blanks();
      if (at_ >= bytes_.size()) break;
      // A continuation that is itself empty ends the entry; a blank line before one is skipped.
      if (is_line_end(bytes_[at_]) && !continued) {
        skip_line_end();
        continue;
      }
      if (line.empty() && (bytes_[at_] == '#' || bytes_[at_] == '!')) {
        while (at_ < bytes_.size() && !is_line_end(bytes_[at_])) ++at_;
        continued = false;
        continue;
      }
      if (line.empty()) first_line_ = line_number_;
      continued = append_natural_line(line);
      // A continuation that meets the end of the file is an entry, even an empty one: that is how Java reads
      // it.
      if (continued ? at_ >= bytes_.size() : !line.empty()) return line;
    }
    if (line.empty()) return std::nullopt;
    return line;
  }

  [[nodiscard]] int first_line() const { return first_line_; }

 private:
  void skip_blanks() {
    while (at_ < bytes_.size() && is_blank(bytes_[at_])) ++at_;
  }

  void skip_line_end() {
    if (bytes_[at_] == '\r' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_number_;
  }

  /// Returns whether the line continues: it ends with an odd number of backslashes, the last of which is
  /// dropped.
  bool append_natural_line(std::string& line) {
    bool escaping = false;
    while (at_ < bytes_.size() && !is_line_end(bytes_[at_])) {
      const char c = bytes_[at_++];
      line.push_back(c);
      escaping = c == '\\' && !escaping;
    }
    if (at_ < bytes_.size()) skip_line_end();
    if (escaping) line.pop_back();
    return escaping;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  int line_number_ = 1;
  int first_line_ = 1;
};

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<std::uint32_t> utf16_unit(std::string_view digits) {
  std::uint32_t unit = 0;
  if (digits.size() != 4) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + 4, unit, 16);
  if (error != std::errc() || end != digits.data() + 4) return std::nullopt;
  return unit;
}

/// Appends the character of a `\uXXXX` at `text[at]` and returns the position after it; two units of a
/// surrogate pair are one character, a lone one has no place in UTF-8 and becomes the replacement character.
std::optional<std::size_t> append_unit(std::string& out, std::string_view text, std::size_t at) {
  const auto high = utf16_unit(text.substr(at + 2, 4));
  if (!high) return std::nullopt;
  if (*high >= 0xd800 && *high < 0xdc00 && text.substr(at + 6, 2) == "\\u") {
    const auto low = utf16_unit(text.substr(at + 8, 4));
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      append_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
      return at + 12;
    }
  }
  append_utf8(out, *high >= 0xd800 && *high < 0xe000 ? 0xfffd : *high);
  return at + 6;
}

std::optional<std::string> unescaped(std::string_view text, Encoding encoding) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c != '\\' || at + 1 >= text.size()) {
      const auto byte = static_cast<unsigned char>(c);
      if (encoding == Encoding::latin1) {
        append_utf8(out, byte);
      } else {
        out.push_back(c);
      }
      ++at;
      continue;
    }
    const char escaped = text[at + 1];
    if (escaped == 'u') {
      const auto after = append_unit(out, text, at);
      if (!after) return std::nullopt;
      at = *after;
      continue;
    }
    constexpr std::string_view kLetters = "tnrf";
    constexpr std::string_view kControls = "\t\n\r\f";
    const auto control = kLetters.find(escaped);
    if (control != std::string_view::npos) {
      out.push_back(kControls[control]);
      at += 2;
    } else {
      ++at;  // The backslash is dropped, and what it escapes is an ordinary character, perhaps of several
             // bytes.
      if (encoding == Encoding::latin1) {
        append_utf8(out, static_cast<unsigned char>(escaped));
      } else {
        out.push_back(escaped);
      }
      ++at;
    }
  }
  return out;
}

struct RawEntry {
  std::string_view key;
  std::string_view value;
};

/// The key ends at the first unescaped `=`, `:` or blank; around the separator blanks are skipped.
RawEntry split(std::string_view line) {
  std::size_t end = 0;
  bool escaping = false;
  while (end < line.size()) {
    const char c = line[end];
    if (!escaping && (c == '=' || c == ':' || is_blank(c))) break;
    escaping = c == '\\' && !escaping;
    ++end;
  }
  std::size_t value = end;
  bool separated = false;
  while (value < line.size()) {
    const char c = line[value];
    const bool separator = (c == '=' || c == ':') && !separated;
    if (!is_blank(c) && !separator) break;
    separated = separated || separator;
    ++value;
  }
  return {line.substr(0, end), line.substr(value)};
}

}  // namespace

Result<std::vector<Property>> parse_properties(std::string_view bytes, Encoding encoding,
                                               std::string_view name) {
  std::vector<Property> entries;
  LogicalLines lines(bytes);
  while (const auto line = lines.next()) {
    const auto [raw_key, raw_value] = split(*line);
    auto key = unescaped(raw_key, encoding);
    auto value = unescaped(raw_value, encoding);
    if (!key || !value) {
      return fail(
          Error{{},
                fmt::format("{}:{}: \\u must be followed by four hexadecimal digits (a backslash is written "
                            "as \\\\ in this file)",
                            name, lines.first_line())});
    }
    entries.push_back({*std::move(key), *std::move(value), lines.first_line()});
  }
  return entries;
}

}  // namespace longhaul::config
