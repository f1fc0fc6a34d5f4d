#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "replicator/record_comparer.h"

namespace longhaul::replicator {

/// Keys whose hash ends with the `bits` lowest bits of `number`: all of them with no bits.
struct KeySlice {
  int bits = 0;
  std::uint64_t number = 0;
};

/// Compares the logs of a compacted topic and its copy, cleaned at different times. A cleaner removes records
/// that a later one with the same key replaces, and some time later those without value (tombstones), so what
/// both logs must agree on is the last record of each key, and the order of these. A tombstone and nothing
/// are the same. What was replaced is not compared: either side may have it or not.
///
/// A flow that is at work. Once both logs are read to their ends, the keys whose last records differ are
/// noted. Each of them agrees as soon as the target brings the source's last record of that moment, or one
/// that the source has behind it. With `follow` that is repeated for ever, and a key differs only when the
/// target has brought what the source got later, and not this.
///
/// Memory grows with the number of keys. Above `memory_max` half of the keys are given up and left for
/// another pass over both logs, see left_over(); with `follow` that is an error.
class KeyVerifier final : public RecordComparer {
 public:
  struct Options {
    OffsetRange source;
    OffsetRange target;
    std::size_t payload_max = std::size_t{128} << 20U;
    AppendTimes append_times = AppendTimes::preserve;
    bool follow = false;
    KeySlice slice = {};
    std::size_t memory_max = std::size_t{64} << 20U;
  };

  explicit KeyVerifier(Options options);

  [[nodiscard]] Result<Need> run(std::int64_t records_max) override;
  [[nodiscard]] RecordStream& stream(VerifySide side) override {
    return side == VerifySide::source ? source_ : target_;
  }
  [[nodiscard]] VerifySide lacking() const override { return lacking_; }
  [[nodiscard]] Doubt doubt() const override { return doubt_; }
  void give_up() override;
  [[nodiscard]] std::int64_t progress() const override;
  void lost_start(VerifySide side, Offset begin) override;
  void release() override;
  [[nodiscard]] const std::optional<Difference>& difference() const override { return difference_; }
  [[nodiscard]] const Counts& counts() const override { return counts_; }
  /// Keys that are known not to agree yet.
  [[nodiscard]] std::int64_t waiting() const { return waiting_; }
  /// What further passes have to compare.
  [[nodiscard]] const std::vector<KeySlice>& left_over() const { return left_over_; }

 private:
  /// A record without its key. The hash covers value and headers.
  struct Content {
    std::uint64_t hash[2] = {0, 0};
    std::int64_t timestamp = -1;
    bool is_append_time = false;
  };
  struct Last {
    Offset offset;
    bool is_tombstone = false;
    Content content;
    [[nodiscard]] bool exists() const { return offset >= Offset(0); }
  };
  struct Key {
    Last source;
    Last target;
    bool is_waiting = false;
    /// While it waits: the source's records since, any of which settles it.
    std::vector<Content> awaited;
  };
  using Keys = std::unordered_map<std::string, Key>;

  [[nodiscard]] static Content content_of(const StreamRecord& record);
  [[nodiscard]] static bool equal(const Content& source, const Content& target);
  [[nodiscard]] Result<void> take(VerifySide side);
  [[nodiscard]] Result<void> make_room();
  void take_from_source(Key& key, const Last& last);
  void take_from_target(Key& key, const Last& last);
  [[nodiscard]] bool agrees(const Key& key) const;
  void settle(Key& key);
  void note_waiting();
  [[nodiscard]] Need at_ends();
  [[nodiscard]] std::optional<Difference> disorder() const;
  [[nodiscard]] std::optional<Difference> first_waiting() const;
  [[nodiscard]] Need ask(VerifySide side, Doubt doubt);
  void finish();

  Options options_;
  RecordStream source_;
  RecordStream target_;
  Keys keys_;
  std::size_t memory_ = 0;
  std::vector<KeySlice> left_over_;
  bool source_starts_late_;
  bool target_starts_late_;

  VerifySide lacking_ = VerifySide::source;
  Doubt doubt_ = Doubt::asked_only;
  /// The target's end when the source was last asked for its own.
  std::optional<Offset> source_asked_at_;
  /// Where the source ended when keys were last noted.
  std::optional<Offset> noted_at_;
  std::int64_t records_when_noted_ = -1;
  std::int64_t waiting_ = 0;
  std::int64_t settled_ = 0;
  /// The target has brought something that the source got after keys were noted.
  bool passed_ = false;
  bool done_ = false;
  Counts counts_;
  std::optional<Difference> difference_;
};

}  // namespace longhaul::replicator
