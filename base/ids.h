#pragma once

#include <fmt/format.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace longhaul {

/// An integer that belongs to one kind of thing: two kinds do not mix, and none is built by accident.
template <class Tag, class Rep>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  Rep value_ = Tag::kNone;
};

struct BrokerIdTag {
  static constexpr std::int32_t kNone = -1;
};
struct PartitionTag {
  static constexpr std::int32_t kNone = -1;
};
struct LeaderEpochTag {
  static constexpr std::int32_t kNone = -1;
};
struct ProducerIdTag {
  static constexpr std::int64_t kNone = -1;
};
struct OffsetTag {
  static constexpr std::int64_t kNone = -1;
};

using BrokerId = Id<BrokerIdTag, std::int32_t>;
using PartitionIndex = Id<PartitionTag, std::int32_t>;
using LeaderEpoch = Id<LeaderEpochTag, std::int32_t>;
using ProducerId = Id<ProducerIdTag, std::int64_t>;
/// Position of a record in a partition; -1 where there is none.
using Offset = Id<OffsetTag, std::int64_t>;

[[nodiscard]] constexpr Offset operator+(Offset offset, std::int64_t records) {
  return Offset(offset.value() + records);
}
/// Number of offsets from `b` to `a`.
[[nodiscard]] constexpr std::int64_t operator-(Offset a, Offset b) {
  return a.value() - b.value();
}

/// Kafka's 128-bit topic id (KIP-516); all zero where the cluster has none.
struct TopicId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const TopicId&) const = default;
  [[nodiscard]] bool is_zero() const { return *this == TopicId{}; }
  /// URL-safe base64 without padding, as Kafka's tools print it (22 characters).
  [[nodiscard]] std::string to_string() const;
  /// The id that `to_string` printed; nullopt for anything else.
  [[nodiscard]] static std::optional<TopicId> parse(std::string_view text);
};

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;
  auto operator<=>(const TopicPartition&) const = default;
};

}  // namespace longhaul

template <class Tag, class Rep>
struct fmt::formatter<longhaul::Id<Tag, Rep>> : fmt::formatter<Rep> {
  auto format(longhaul::Id<Tag, Rep> id, format_context& context) const {
    return formatter<Rep>::format(id.value(), context);
  }
};

template <>
struct fmt::formatter<longhaul::TopicPartition> : fmt::formatter<std::string_view> {
  auto format(const longhaul::TopicPartition& tp, format_context& context) const {
    return fmt::format_to(context.out(), "{}-{}", tp.topic, tp.partition.value());
  }
};

template <class Tag, class Rep>
struct std::hash<longhaul::Id<Tag, Rep>> {
  std::size_t operator()(longhaul::Id<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};

template <>
struct std::hash<longhaul::TopicPartition> {
  std::size_t operator()(const longhaul::TopicPartition& tp) const noexcept {
    return std::hash<std::string>{}(tp.topic) * 31 + static_cast<std::size_t>(tp.partition.value());
  }
};

template <>
struct std::hash<longhaul::TopicId> {
  std::size_t operator()(const longhaul::TopicId& id) const noexcept {
    std::size_t hash = 0;
    for (const auto byte : id.bytes) hash = hash * 131 + byte;
    return hash;
  }
};
