#include "app/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace longhaul::config {
namespace {

bool is_java_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::uint64_t kKilo = 1000;
constexpr std::uint64_t kKibi = 1024;
constexpr std::array kByteUnits{
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"kb", kKilo},
    Unit{"mb", kKilo* kKilo},
    Unit{"gb", kKilo* kKilo* kKilo},
    Unit{"tb", kKilo* kKilo* kKilo* kKilo},
    Unit{"kib", kKibi},
    Unit{"mib", kKibi* kKibi},
    Unit{"gib", kKibi* kKibi* kKibi},
    Unit{"tib", kKibi* kKibi* kKibi* kKibi},
};
constexpr std::array kTimeUnits{
    Unit{"", 1},         Unit{"ms", 1},        Unit{"s", 1000},
    Unit{"min", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
};

/// A number, perhaps with a fraction, and one of `units`; the product, if it is a whole number that fits.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units) {
  text = trimmed(text);
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  if (digits == 0 || error != std::errc() || end != text.data() + digits) return std::nullopt;
  const auto unit = std::ranges::find(units, lowered(trimmed(text.substr(digits))), &Unit::name);
  if (unit == units.end()) return std::nullopt;
  const double product = number * static_cast<double>(unit->factor);
  if (product >= 9e15 || product != std::floor(product)) return std::nullopt;
  return static_cast<std::uint64_t>(product);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<bool> parse_boolean(std::string_view text) {
  const auto word = lowered(trimmed(text));
  if (word == "true") return true;
  if (word == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split_list(std::string_view text) {
  text = trimmed(text);
  std::vector<std::string> items;
  if (text.empty()) return items;
  while (true) {
    const auto comma = text.find(',');
    auto item = text.substr(0, comma);
    while (!item.empty() && is_java_space(item.back())) item.remove_suffix(1);
    items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
    while (!text.empty() && is_java_space(text.front())) text.remove_prefix(1);
  }
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_quantity(text, kByteUnits);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto ms = parse_quantity(text, kTimeUnits);
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
}

std::unexpected<Error> wrong_value(const Setting& setting, std::string_view accepted) {
  return fail(Error{{},
                    fmt::format("{}:{}: {}: found '{}', accepted: {}", setting.origin.file,
                                setting.origin.line, setting.origin.key, setting.printable(), accepted)});
}

std::unexpected<Error> refused(const Setting& setting, std::string_view reason) {
  return fail(Error{
      {},
      fmt::format("{}:{}: {}: {}", setting.origin.file, setting.origin.line, setting.origin.key, reason)});
}

std::unexpected<Error> refused_value(const Setting& setting, std::string_view reason) {
  return refused(setting, setting.secret
                              ? "the value is not accepted; it is a secret, so the reason is not shown"
                              : reason);
}

}  // namespace longhaul::config
