#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/setting.h"
#include "base/result.h"

namespace longhaul::config {

/// Without characters up to U+0020 at both ends, as Java's `String.trim`.
[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] std::string lowered(std::string_view text);

/// `true` or `false` in any case; nullopt for all else.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);
/// A decimal number with an optional sign, as Java's `Long.parseLong`.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
/// Items between commas, blanks around them dropped; no items for an empty text. Empty items are kept.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
/// `500000`, `64 KiB`, `256MB`, `1.5 GiB`: bytes; K, M, G, T with B are powers of 1000, with iB of 1024.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);
/// `250`, `250 ms`, `1s`, `5 min`, `2h`: milliseconds where no unit is given.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The one form of every complaint about a value: file, line, key, what was found, what is accepted. Secrets
/// are not shown.
[[nodiscard]] std::unexpected<Error> wrong_value(const Setting& setting, std::string_view accepted);
/// The same where the reason is more than a list of accepted values.
[[nodiscard]] std::unexpected<Error> refused(const Setting& setting, std::string_view reason);
/// The same for a reason that repeats the value: it is left out where the value is a secret.
[[nodiscard]] std::unexpected<Error> refused_value(const Setting& setting, std::string_view reason);

}  // namespace longhaul::config
