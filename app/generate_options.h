#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codecs/compression.h"

namespace longhaul::app {

/// What the records of `longhaul generate` look like.
enum class RecordMix {
  varied,   ///< nulls and empty values among keys and values, some records with headers
  plain,    ///< a key and a value, nothing else
  compact,  ///< for compacted topics: few keys, never null, now and then a tombstone
};

struct TopicArgument {
  std::string name;
  /// Nullopt: what the topic has, or one where it does not exist.
  std::optional<std::int32_t> partitions;
};

struct SizeRange {
  std::size_t smallest = 100;
  std::size_t largest = 100;
};

struct GenerateOptions {
  std::string bootstrap;
  std::vector<TopicArgument> topics;
  std::int16_t replication_factor = -1;  ///< of topics that are created; -1: the cluster's default
  /// Of all topics together; nullopt: until `duration` is over.
  std::optional<std::int64_t> records;
  std::optional<milliseconds> duration;
  /// Records per second of all topics together; nullopt: as fast as possible.
  std::optional<double> rate;
  SizeRange size;
  RecordMix mix = RecordMix::varied;
  /// Taken in turn, batch by batch.
  std::vector<codecs::Compression> codecs = {codecs::Compression::none};
  std::size_t batch_bytes = 256 << 10;
  std::uint64_t seed = 1;
  /// Timestamp of the first record of each partition, the others a millisecond apart; nullopt: now.
  std::optional<std::int64_t> first_timestamp;
  std::size_t threads = 0;  ///< 0: as many as are useful
};

/// "orders" or "orders:12". Kafka's names hold no colon.
[[nodiscard]] Result<TopicArgument> parse_topic(std::string_view text);
/// "1000" or "100-2000", in bytes.
[[nodiscard]] Result<SizeRange> parse_size(std::string_view text);
/// A compression type, several separated by commas, or "mixed" for all five.
[[nodiscard]] Result<std::vector<codecs::Compression>> parse_codecs(std::string_view text);
[[nodiscard]] Result<RecordMix> parse_mix(std::string_view text);

}  // namespace longhaul::app
