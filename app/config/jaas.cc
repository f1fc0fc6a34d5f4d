#include "app/config/jaas.h"

#include <algorithm>
#include <array>
#include <optional>

#include "app/config/values.h"

namespace longhaul::config {
namespace {

struct Token {
  enum class Kind { word, quoted, number, symbol, end } kind = Kind::end;
  std::string text;  ///< of words and quoted text
  char symbol = 0;
  std::size_t at = 0;  ///< index of the first byte

  [[nodiscard]] bool is_text() const { return kind == Kind::word || kind == Kind::quoted; }
  [[nodiscard]] bool is(char c) const { return kind == Kind::symbol && symbol == c; }
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_char(char c) {
  constexpr std::string_view kOthers = "_-$.";
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  // Every byte of a character beyond ASCII has its top bit set.
  return letter || is_digit(c) || kOthers.find(c) != std::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Result<Token> next() {
    LH_TRY_VOID(skip_blanks_and_comments());
    Token token;
    token.at = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted();
    if (!is_word_char(c)) {
      token.kind = Token::Kind::symbol;
      token.symbol = c;
      ++at_;
      return token;
    }
    // Java reads what begins like a number as one, and then misses its text.
    token.kind = is_digit(c) || c == '.' || c == '-' ? Token::Kind::number : Token::Kind::word;
    while (at_ < text_.size() && is_word_char(text_[at_])) token.text += text_[at_++];
    return token;
  }

  /// "at character 17: ...", counted in characters of UTF-8.
  [[nodiscard]] std::unexpected<Error> error(std::size_t at, std::string_view reason) const {
    const auto before = text_.substr(0, at);
    const auto characters = std::ranges::count_if(
        before, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
    return fail(Error{{}, fmt::format("at character {}: {}", characters + 1, reason)});
  }

 private:
  Result<void> skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) <= ' ') {
        ++at_;
      } else if (c == '/') {
        LH_TRY_VOID(skip_comment());
      } else {
        return {};
      }
    }
    return {};
  }

  Result<void> skip_comment() {
    if (text_.substr(at_).starts_with("/*")) {
      const auto end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return error(at_, "the comment that begins here has no '*/'");
      at_ = end + 2;
    } else {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    }
    return {};
  }

  Result<Token> quoted() {
    Token token{Token::Kind::quoted, {}, 0, at_};
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      const char c = text_[at_++];
      if (c == '\n' || c == '\r') {
        return error(token.at,
                     "the quoted text that begins here goes over the end of a line (a value from a file that "
                     "${dir:...} delivers whole brings the file's final line end with it)");
      }
      if (c != '\\') {
        token.text += c;
      } else if (!append_escaped(token.text)) {
        break;
      }
    }
    if (at_ >= text_.size()) return error(token.at, "the quote that begins here is not closed");
    ++at_;
    return token;
  }

  /// What stands after a backslash; false at the end of the text.
  bool append_escaped(std::string& out) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c >= '0' && c <= '7') {
      append_octal(out, c);
      return true;
    }
    constexpr std::string_view kLetters = "abfnrtv";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
    const auto letter = kLetters.find(c);
    out += letter == std::string_view::npos ? c : kMeanings[letter];
    return true;
  }

  /// Up to three digits, up to \377: a character of ISO-8859-1, written as UTF-8.
  void append_octal(std::string& out, char first) {
    unsigned code = static_cast<unsigned>(first - '0');
    const std::size_t most = first <= '3' ? 2 : 1;
    for (std::size_t i = 0; i < most && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
      code = code * 8 + static_cast<unsigned>(text_[at_++] - '0');
    }
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out += static_cast<char>(0xc0U | code >> 6U);
      out += static_cast<char>(0x80U | (code & 0x3fU));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(text) {}

  Result<std::vector<JaasEntry>> run() {
    std::vector<JaasEntry> entries;
    LH_TRY(auto token, tokens_.next());
    while (token.kind != Token::Kind::end) {
      LH_TRY(auto entry, parse_entry(std::move(token)));
      entries.push_back(std::move(entry));
      LH_TRY(token, tokens_.next());
    }
    if (entries.empty()) return fail(Error{{}, "there is no login module"});
    return entries;
  }

 private:
  Result<JaasEntry> parse_entry(Token first) {
    if (!first.is_text()) return tokens_.error(first.at, "expected the class of a login module");
    JaasEntry entry{std::move(first.text), {}};
    LH_TRY_VOID(parse_flag());
    while (true) {
      LH_TRY(auto name, tokens_.next());
      if (name.is(';')) return entry;
      if (name.kind == Token::Kind::end) {
        return tokens_.error(name.at,
                             "the login module does not end with ';' (a line that goes on in the next one "
                             "ends with a backslash)");
      }
      if (!name.is_text()) {
        return tokens_.error(name.at,
                             "expected an option or ';' (values with other characters than letters, digits, "
                             "'_', '-', '$' and '.' stand between quotes)");
      }
      LH_TRY_VOID(parse_option(std::move(name.text), entry));
    }
  }

  Result<void> parse_flag() {
    constexpr std::array<std::string_view, 4> kFlags{"required", "requisite", "sufficient", "optional"};
    LH_TRY(const auto flag, tokens_.next());
    if (flag.is_text() && std::ranges::find(kFlags, lowered(flag.text)) != kFlags.end()) return {};
    return tokens_.error(
        flag.at, "expected required, requisite, sufficient or optional after the class of the login module");
  }

  Result<void> parse_option(std::string name, JaasEntry& entry) {
    LH_TRY(const auto equals, tokens_.next());
    if (!equals.is('=')) return tokens_.error(equals.at, "expected '=' after the name of an option");
    LH_TRY(auto value, tokens_.next());
    if (value.kind == Token::Kind::number)
      return tokens_.error(value.at, "a value that begins with a digit, '.' or '-' stands between quotes");
    if (!value.is_text()) return tokens_.error(value.at, "expected the value of an option");
    Secret secret(std::move(value.text));
    const auto known = std::ranges::find(entry.options, name, &JaasOption::name);
    if (known != entry.options.end()) {
      known->value = std::move(secret);
    } else {
      entry.options.push_back({std::move(name), std::move(secret)});
    }
    return {};
  }

  Tokenizer tokens_;
};

}  // namespace

std::string_view JaasEntry::class_name() const {
  const std::string_view whole = login_module;
  return whole.substr(whole.rfind('.') + 1);  // npos + 1 is 0
}

const Secret* JaasEntry::find(std::string_view name) const {
  const auto it = std::ranges::find(options, name, &JaasOption::name);
  return it == options.end() ? nullptr : &it->value;
}

Result<std::vector<JaasEntry>> parse_jaas(std::string_view text) {
  return Parser(text).run();
}

}  // namespace longhaul::config
