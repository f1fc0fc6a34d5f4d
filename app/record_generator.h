#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/generate_options.h"
#include "base/ids.h"
#include "protocol/record.h"

namespace longhaul::app {

/// Text that values are cut from, made once per seed and shared by the partitions of a core.
[[nodiscard]] std::shared_ptr<const std::string> value_text(std::uint64_t seed, std::size_t value_bytes_max);

/// The records of one partition, one after the other: a function of seed, topic, partition and place alone,
/// apart from timestamps that are the present.
class RecordGenerator {
 public:
  RecordGenerator(const TopicPartition& partition, const GenerateOptions& options,
                  std::shared_ptr<const std::string> text);

  /// Appends up to `records_max` records, as long as the batch stays below `bytes_max`; at least one,
  /// whatever its size. Returns how many, or why the first does not fit a batch at all.
  [[nodiscard]] Result<std::int64_t> fill(protocol::BatchBuilder& batch, std::int64_t records_max,
                                          std::size_t bytes_max, std::int64_t now_ms);

 private:
  [[nodiscard]] std::uint64_t random();
  /// True once in `n` times on average.
  [[nodiscard]] bool one_in(std::uint64_t n) { return random() % n == 0; }
  [[nodiscard]] protocol::NullableBytes next_key();
  [[nodiscard]] protocol::NullableBytes next_value();
  void next_headers();

  RecordMix mix_;
  SizeRange size_;
  std::optional<std::int64_t> first_timestamp_;
  std::shared_ptr<const std::string> text_;
  std::string prefix_;
  std::uint64_t state_;
  std::int64_t count_ = 0;
  // What the next record's views point into.
  std::string key_;
  std::string value_;
  std::string trace_;
  std::vector<protocol::RecordHeader> headers_;
};

}  // namespace longhaul::app
