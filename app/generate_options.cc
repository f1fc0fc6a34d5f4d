#include "app/generate_options.h"

#include <array>
#include <charconv>
#include <limits>

namespace longhaul::app {
namespace {

constexpr std::size_t kLargestValue = 64 << 20;
constexpr std::array kAll = {codecs::Compression::none, codecs::Compression::gzip,
                             codecs::Compression::snappy, codecs::Compression::lz4,
                             codecs::Compression::zstd};

/// The number that is all of `text`, within [least, most].
std::optional<std::int64_t> number(std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least || value > most) return std::nullopt;
  return value;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view accepted) {
  return std::unexpected(Error{{}, fmt::format("'{}' is not {}", text, accepted)});
}

}  // namespace

Result<TopicArgument> parse_topic(std::string_view text) {
  const auto colon = text.find(':');
  TopicArgument topic{.name = std::string(text.substr(0, colon)), .partitions = {}};
  if (topic.name.empty()) return refuse(text, "a topic: NAME or NAME:PARTITIONS");
  if (colon == std::string_view::npos) return topic;
  const auto partitions = number(text.substr(colon + 1), 1, 100'000);
  if (!partitions) return refuse(text, "a topic: NAME or NAME:PARTITIONS, with 1 to 100000 partitions");
  topic.partitions = static_cast<std::int32_t>(*partitions);
  return topic;
}

Result<SizeRange> parse_size(std::string_view text) {
  const auto dash = text.find('-');
  const auto smallest = number(text.substr(0, dash), 0, kLargestValue);
  const auto largest =
      dash == std::string_view::npos ? smallest : number(text.substr(dash + 1), 0, kLargestValue);
  if (!smallest || !largest || *smallest > *largest)
    return refuse(text, "a size in bytes: 1000, or 100-2000");
  return SizeRange{static_cast<std::size_t>(*smallest), static_cast<std::size_t>(*largest)};
}

Result<std::vector<codecs::Compression>> parse_codecs(std::string_view text) {
  if (text == "mixed") return std::vector(kAll.begin(), kAll.end());
  std::vector<codecs::Compression> chosen;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto word = text.substr(at, end - at);
    bool known = false;
    for (const auto type : kAll) {
      if (name(type) != word) continue;
      chosen.push_back(type);
      known = true;
    }
    if (!known) return refuse(word, "a compression type: none, gzip, snappy, lz4, zstd, or mixed for all");
    at = end + 1;
  }
  return chosen;
}

Result<RecordMix> parse_mix(std::string_view text) {
  if (text == "varied") return RecordMix::varied;
  if (text == "plain") return RecordMix::plain;
  if (text == "compact") return RecordMix::compact;
  return refuse(text, "a mix of records: varied, plain or compact");
}

}  // namespace longhaul::app
