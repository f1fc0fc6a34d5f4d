#include "app/record_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

namespace longhaul::app {
namespace {

constexpr std::size_t kTextBytes = 1 << 20;
constexpr std::array<std::string_view, 24> kWords = {
    "order",  "payment", "customer", "invoice", "shipment", "warehouse", "amount", "currency",
    "status", "created", "updated",  "region",  "quantity", "price",     "total",  "discount",
    "item",   "address", "street",   "city",    "country",  "reference", "note",   "carrier"};

/// SplitMix64: one addition and a few multiplications, and every state is a good one.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

/// FNV-1a, so that a partition's records are the same on every machine; std::hash does not promise that.
std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325U ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

}  // namespace

std::shared_ptr<const std::string> value_text(std::uint64_t seed, std::size_t value_bytes_max) {
  auto state = seed;
  std::string text;
  const auto size = kTextBytes + value_bytes_max;
  text.reserve(size + 64);
  while (text.size() < size) {
    const auto random = next_random(state);
    fmt::format_to(std::back_inserter(text), "{}={:x};", kWords[random % kWords.size()], random >> 48U);
  }
  return std::make_shared<const std::string>(std::move(text));
}

RecordGenerator::RecordGenerator(const TopicPartition& partition, const GenerateOptions& options,
                                 std::shared_ptr<const std::string> text)
    : mix_(options.mix),
      size_(options.size),
      first_timestamp_(options.first_timestamp),
      text_(std::move(text)),
      prefix_(fmt::format("{}:", partition)),
      state_(hash_of(prefix_, options.seed)) {}

std::uint64_t RecordGenerator::random() {
  return next_random(state_);
}

protocol::NullableBytes RecordGenerator::next_key() {
  constexpr std::uint64_t kKeys = 10'000;
  constexpr std::uint64_t kCompactKeys = 1'000;
  if (mix_ == RecordMix::varied) {
    if (one_in(16)) return std::nullopt;
    if (one_in(64)) return ConstBytes();
  }
  key_ = "key-";
  fmt::format_to(std::back_inserter(key_), "{}",
                 random() % (mix_ == RecordMix::compact ? kCompactKeys : kKeys));
  return as_bytes(key_);
}

protocol::NullableBytes RecordGenerator::next_value() {
  if (mix_ != RecordMix::plain && one_in(32)) return std::nullopt;
  if (mix_ == RecordMix::varied && one_in(32)) return ConstBytes();
  const auto spread = size_.largest - size_.smallest + 1;
  const auto size = size_.smallest + static_cast<std::size_t>(random() % spread);
  const auto from = static_cast<std::size_t>(random() % kTextBytes);
  value_.assign(*text_, from, size);
  // Names its place, so that no two values of a topic are the same and a person sees where one came from.
  std::array<char, 24> place{};
  const auto end = fmt::format_to(place.begin(), "{};", count_);
  const auto digits = static_cast<std::size_t>(end - place.begin());
  if (size >= prefix_.size() + digits) {
    std::memcpy(value_.data(), prefix_.data(), prefix_.size());
    std::memcpy(value_.data() + prefix_.size(), place.data(), digits);
  }
  return as_bytes(value_);
}

void RecordGenerator::next_headers() {
  headers_.clear();
  if (mix_ != RecordMix::varied || !one_in(4)) return;
  trace_.clear();
  fmt::format_to(std::back_inserter(trace_), "{:016x}", random());
  headers_.push_back({as_bytes("trace"), as_bytes(trace_)});
  if (one_in(2)) headers_.push_back({as_bytes("origin"), as_bytes("generate")});
  if (one_in(4)) headers_.push_back({as_bytes("empty"), ConstBytes()});
  if (one_in(4)) headers_.push_back({as_bytes("null"), std::nullopt});
  if (one_in(8)) headers_.push_back({as_bytes("trace"), as_bytes("again")});
}

Result<std::int64_t> RecordGenerator::fill(protocol::BatchBuilder& batch, std::int64_t records_max,
                                           std::size_t bytes_max, std::int64_t now_ms) {
  // More than a record needs besides key and value; a batch that ends a little early is as good.
  constexpr std::size_t kOverhead = 200;
  std::int64_t added = 0;
  while (added < records_max) {
    if (added > 0 && batch.size() + size_.largest + kOverhead > bytes_max) break;
    const auto key = next_key();
    const auto value = next_value();
    next_headers();
    const auto timestamp = first_timestamp_ ? *first_timestamp_ + count_ : now_ms;
    LH_TRY_VOID(batch.add({.timestamp = timestamp, .key = key, .value = value, .headers = headers_}));
    ++count_;
    ++added;
  }
  return added;
}

}  // namespace longhaul::app
