#include "replicator/java_pattern_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

namespace longhaul::replicator {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_ascii_punctuation(char c) {
  return c > ' ' && c < '\x7f' && !is_digit(c) && !is_letter(c);
}

/// Java's POSIX properties are ASCII only, like PCRE2's POSIX classes without UCP.
struct PosixProperty {
  std::string_view java;
  std::string_view pcre2;
};
constexpr PosixProperty kPosix[] = {
    {"Lower", "lower"}, {"Upper", "upper"},   {"ASCII", "ascii"}, {"Alpha", "alpha"}, {"Digit", "digit"},
    {"Alnum", "alnum"}, {"Punct", "punct"},   {"Graph", "graph"}, {"Print", "print"}, {"Blank", "blank"},
    {"Cntrl", "cntrl"}, {"XDigit", "xdigit"}, {"Space", "space"},
};
constexpr std::string_view kGeneralCategories =
    " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cn ";

enum class Place { outside_class, in_class };

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  Result<TranslatedPattern> run() {
    while (!done()) {
      LH_TRY_VOID(item());
    }
    out_.origin.push_back(in_.size());
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= in_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }

  void put(std::string_view text, std::size_t origin) {
    out_.text += text;
    out_.origin.insert(out_.origin.end(), text.size(), origin);
  }
  void copy(std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) put(in_.substr(at_ + i, 1), at_ + i);
    at_ += length;
  }
  [[nodiscard]] std::unexpected<Error> refuse(std::size_t at, std::string_view reason) const {
    return fail(Error{{}, fmt::format("at position {}: {}", at + 1, reason)});
  }

  Result<void> item() {
    switch (peek()) {
      case '\\':
        return escape(Place::outside_class);
      case '[':
        return character_class();
      case '(':
        return group();
      case '{':
        return refuse(at_, "'{' without something to repeat; write \\{ for the character");
      default:
        copy(1);
        return quantifier();
    }
  }

  /// `{n}`, `{n,}`, `{n,m}` after an item. Anything else in braces is an error in Java, and text in PCRE2.
  Result<void> quantifier() {
    if (peek() != '{') return {};
    const auto close = in_.find('}', at_);
    const auto body =
        close == std::string_view::npos ? std::string_view() : in_.substr(at_ + 1, close - at_ - 1);
    const auto comma = std::min(body.find(','), body.size());
    const auto low = body.substr(0, comma);
    const auto high = comma < body.size() ? body.substr(comma + 1) : std::string_view();
    if (low.empty() || !std::ranges::all_of(low, is_digit) || !std::ranges::all_of(high, is_digit)) {
      return refuse(at_,
                    "'{' must start a repetition such as {2} or {1,3} (a comma also ends an item of a list)");
    }
    copy(close - at_ + 1);
    return {};
  }

  Result<void> group() {
    if (peek(1) == '*') return refuse(at_ + 1, "'*' has nothing to repeat");
    if (peek(1) != '?') {
      copy(1);
      return {};
    }
    for (const std::string_view known : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"}) {
      if (next_is(known)) {
        copy(known.size());
        return {};
      }
    }
    if (next_is("(?<")) return named_group();
    return flags();
  }

  Result<void> named_group() {
    const std::size_t start = at_ + 3;
    std::size_t end = start;
    while (end < in_.size() && (is_letter(in_[end]) || (end > start && is_digit(in_[end])))) ++end;
    if (end == start || end >= in_.size() || in_[end] != '>') {
      return refuse(start, "a group name has letters and digits, begins with a letter and ends with '>'");
    }
    names_.push_back(in_.substr(start, end - start));
    copy(end + 1 - at_);
    return {};
  }

  /// `(?i)`, `(?-s)`, `(?i:`: only the flags that mean the same in both.
  Result<void> flags() {
    std::size_t end = at_ + 2;
    while (end < in_.size() && (is_letter(in_[end]) || in_[end] == '-')) {
      if (std::string_view("ims-").find(in_[end]) == std::string_view::npos) {
        return refuse(end, fmt::format("the inline flag '{}' is not supported; i, m and s are", in_[end]));
      }
      ++end;
    }
    if (end >= in_.size() || (in_[end] != ')' && in_[end] != ':')) {
      return refuse(at_, "this kind of group does not exist in Java's regular expressions");
    }
    copy(end + 1 - at_);
    return {};
  }

  Result<void> character_class() {
    const std::size_t open = at_;
    copy(1);
    if (peek() == '^') copy(1);
    bool first = true;
    while (!done()) {
      const char c = peek();
      if (c == ']' && !first) {
        copy(1);
        return quantifier();
      }
      first = false;
      if (next_is("&&")) {
        return refuse(at_,
                      "'&&' inside a character class is an intersection in Java; it is not supported. "
                      "Use look-ahead, such as (?!...)");
      }
      if (c == '[') {
        return refuse(at_,
                      "'[' inside a character class is a union in Java; it is not supported. "
                      "Write \\[ for the character, or use |");
      }
      if (c == '\\') {
        LH_TRY_VOID(escape(Place::in_class));
        continue;
      }
      // PCRE2 reads "[:" and the like as the start of something of its own: escaped, punctuation is just
      // itself.
      if (c != '-' && is_ascii_punctuation(c)) put("\\", at_);
      copy(1);
    }
    return refuse(open, "the character class that opens here is not closed");
  }

  Result<void> escape(Place place) {
    const char c = peek(1);
    const std::size_t start = at_;
    if (at_ + 1 >= in_.size()) return refuse(at_, "a backslash at the end escapes nothing");
    if (!is_letter(c) && !is_digit(c)) {
      copy(2);
    } else if (std::string_view("dDwWsShHvVtnrfae").find(c) != std::string_view::npos) {
      copy(2);
    } else if (c == 'Q') {
      return quoted(place);
    } else if (c == '0') {
      LH_TRY_VOID(octal());
    } else if (c == 'x') {
      LH_TRY_VOID(hex());
    } else if (c == 'u') {
      LH_TRY_VOID(utf16());
    } else if (c == 'c') {
      if (at_ + 2 >= in_.size() || peek(2) == '\\') return refuse(at_, "\\c must be followed by a character");
      put_code_point(static_cast<std::uint32_t>(static_cast<unsigned char>(peek(2)) ^ 64U));
      at_ += 3;
    } else if (c == 'p' || c == 'P') {
      LH_TRY_VOID(property(place));
    } else if (place == Place::outside_class) {
      LH_TRY_VOID(escape_outside_class(c));
    } else {
      return refuse(start, fmt::format("\\{} has no meaning inside a character class", c));
    }
    return place == Place::outside_class ? quantifier() : Result<void>{};
  }

  Result<void> escape_outside_class(char c) {
    if (std::string_view("AGZzRXB").find(c) != std::string_view::npos || (c == 'b' && peek(2) != '{')) {
      copy(2);
      return {};
    }
    if (c == 'k' && peek(2) == '<') {
      const auto close = std::min(in_.find('>', at_), in_.size());
      const auto name = in_.substr(at_ + 3, close - at_ - 3);
      if (std::ranges::find(names_, name) == names_.end()) {
        return refuse(at_, fmt::format("there is no group '{}' before this", name));
      }
      copy(close + 1 - at_);
      return {};
    }
    if (is_digit(c)) {
      if (is_digit(peek(2)))
        return refuse(at_, "group references above \\9 are not supported; use a named group");
      copy(2);
      return {};
    }
    if (c == 'b') return refuse(at_, "\\b{...} is not supported");
    if (c == 'N') return refuse(at_, "\\N{...} is not supported; write the character, or \\x{...}");
    return refuse(at_, fmt::format("\\{} is not an escape of Java's regular expressions", c));
  }

  Result<void> quoted(Place place) {
    const auto close = in_.find("\\E", at_ + 2);
    const auto end = std::min(close, in_.size());
    at_ += 2;
    while (at_ < end) {
      if (is_ascii_punctuation(peek())) put("\\", at_);
      copy(1);
    }
    if (close != std::string_view::npos) at_ += 2;
    return place == Place::outside_class ? quantifier() : Result<void>{};
  }

  void put_code_point(std::uint32_t code) { put(fmt::format("\\x{{{:x}}}", code), at_); }

  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t from, std::size_t length, int base) const {
    const auto digits = in_.substr(std::min(from, in_.size()), length);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (length == 0 || digits.size() != length || error != std::errc() ||
        end != digits.data() + digits.size()) {
      return std::nullopt;
    }
    return value;
  }

  Result<void> octal() {
    const auto is_octal = [&](std::size_t ahead) { return peek(ahead) >= '0' && peek(ahead) <= '7'; };
    std::size_t digits = 0;
    while (digits < 3 && is_octal(2 + digits)) ++digits;
    if (digits == 3 && peek(2) > '3') digits = 2;
    if (digits == 0) return refuse(at_, "\\0 must be followed by one to three octal digits");
    put_code_point(number(at_ + 2, digits, 8).value_or(0));
    at_ += 2 + digits;
    return {};
  }

  Result<void> hex() {
    std::size_t from = at_ + 2;
    std::size_t length = 2;
    std::size_t end = from + 2;
    if (peek(2) == '{') {
      const auto close = std::min(in_.find('}', at_), in_.size());
      from = at_ + 3;
      length = close > from ? close - from : 0;
      end = close + 1;
    }
    const auto code = number(from, length, 16);
    if (!code) return refuse(at_, "\\x must be followed by two hexadecimal digits or by {...}");
    put_code_point(*code);
    at_ = end;
    return {};
  }

  /// `\uhhhh` is a UTF-16 unit in Java; two that form a surrogate pair are one character.
  Result<void> utf16() {
    const auto unit = number(at_ + 2, 4, 16);
    if (!unit) return refuse(at_, "\\u must be followed by four hexadecimal digits");
    std::uint32_t code = *unit;
    std::size_t length = 6;
    if (code >= 0xd800 && code < 0xdc00 && peek(6) == '\\' && peek(7) == 'u') {
      if (const auto low = number(at_ + 8, 4, 16); low && *low >= 0xdc00 && *low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (*low - 0xdc00);
        length = 12;
      }
    }
    put_code_point(code);
    at_ += length;
    return {};
  }

  Result<void> property(Place place) {
    const bool negated = peek(1) == 'P';
    std::string_view name = in_.substr(std::min(at_ + 2, in_.size()), 1);
    std::size_t length = 3;
    if (name == "{") {
      const auto close = in_.find('}', at_);
      if (close == std::string_view::npos) return refuse(at_, "the property name is not closed with '}'");
      name = in_.substr(at_ + 3, close - at_ - 3);
      length = close + 1 - at_;
    }
    const auto posix = std::ranges::find(kPosix, name, &PosixProperty::java);
    if (posix != std::end(kPosix)) {
      const auto bare = fmt::format("[:{}{}:]", negated ? "^" : "", posix->pcre2);
      put(place == Place::in_class ? bare : fmt::format("[{}]", bare), at_);
    } else if (!name.empty() && name.find(' ') == std::string_view::npos &&
               kGeneralCategories.find(fmt::format(" {} ", name)) != std::string_view::npos) {
      put(fmt::format("\\{}{{{}}}", negated ? 'P' : 'p', name), at_);
    } else {
      return refuse(
          at_, fmt::format("the character property '{}' is not supported; POSIX names (Lower, Alnum ...) "
                           "and general categories (L, Nd ...) are",
                           name));
    }
    at_ += length;
    return {};
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::vector<std::string_view> names_;
  TranslatedPattern out_;
};

}  // namespace

Result<TranslatedPattern> to_pcre2(std::string_view pattern) {
  return Translator(pattern).run();
}

}  // namespace longhaul::replicator
