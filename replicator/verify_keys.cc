#include "replicator/verify_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <boost/system/errc.hpp>
#include <cstring>
#include <utility>

#include "replicator/record_text.h"

namespace longhaul::replicator {
namespace {

/// What a key costs besides its bytes, about.
constexpr std::size_t kKeyOverhead = 240;
/// Records of one key that are remembered while it waits.
constexpr std::size_t kAwaitedMax = 1024;

/// 128 bits over a sequence of byte strings: enough that no two records of a log meet by chance. Not meant
/// against somebody who looks for collisions.
class Hash {
 public:
  void add(ConstBytes bytes) {
    add(bytes.size());
    while (bytes.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), 8);
      add(word);
      bytes = bytes.subspan(8);
    }
    std::uint64_t rest = 0;
    if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
    add(rest);
  }
  void add(const protocol::NullableBytes& bytes) {
    add(std::uint64_t{bytes ? 1U : 0U});
    if (bytes) add(*bytes);
  }
  void add(std::uint64_t word) {
    a_ = mixed(a_ ^ word);
    b_ = mixed(std::rotl(b_, 23) + word * 0x9E3779B97F4A7C15U);
  }
  [[nodiscard]] std::uint64_t first() const { return mixed(a_ + b_); }
  [[nodiscard]] std::uint64_t second() const { return mixed(b_ ^ std::rotl(a_, 32)); }

 private:
  /// The finalizer of splitmix64: each bit of the input reaches each bit of the output.
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }

  std::uint64_t a_ = 0x243F6A8885A308D3U;
  std::uint64_t b_ = 0x13198A2E03707344U;
};

std::uint64_t hash_of_key(ConstBytes key) {
  Hash hash;
  hash.add(key);
  return hash.first();
}

bool is_in(const KeySlice& slice, ConstBytes key) {
  if (slice.bits == 0) return true;
  const auto mask = (std::uint64_t{1} << static_cast<unsigned>(slice.bits)) - 1;
  return (hash_of_key(key) & mask) == slice.number;
}

ConstBytes bytes_of(const std::string& text) {
  return as_bytes(text);
}

std::size_t memory_of(const std::string& key) {
  return key.size() + kKeyOverhead;
}

}  // namespace

KeyVerifier::KeyVerifier(Options options)
    : options_(options),
      source_(options.source, options.payload_max, options.append_times),
      target_(options.target, options.payload_max),
      source_starts_late_(options.source.begin > Offset(0)),
      target_starts_late_(options.target.begin > Offset(0)) {}

KeyVerifier::Content KeyVerifier::content_of(const StreamRecord& record) {
  Hash hash;
  hash.add(record.value);
  for (const auto& header : record.headers) {
    hash.add(header.key);
    hash.add(header.value);
  }
  return {.hash = {hash.first(), hash.second()},
          .timestamp = record.timestamp,
          .is_append_time = record.is_append_time};
}

bool KeyVerifier::equal(const Content& source, const Content& target) {
  if (source.hash[0] != target.hash[0] || source.hash[1] != target.hash[1]) return false;
  return target.is_append_time || source.timestamp == target.timestamp;
}

Result<KeyVerifier::Need> KeyVerifier::run(std::int64_t records_max) {
  for (std::int64_t i = 0; i < records_max; ++i) {
    if (done_) return Need::done;
    auto side = VerifySide::source;
    auto found = source_.advance();
    if (found && !*found) {
      side = VerifySide::target;
      found = target_.advance();
    }
    if (!found) {
      return in_context(std::move(found).error(), "{}", side == VerifySide::source ? "source" : "target");
    }
    if (*found) {
      LH_TRY_VOID(take(side));
      continue;
    }
    if (!source_.finished() || !target_.finished()) return Need::more_records;
    return at_ends();
  }
  return Need::turn;
}

Result<void> KeyVerifier::take(VerifySide side) {
  const auto& record = stream(side).current();
  if (!record.key) {
    ++counts_.without_key;
    return {};
  }
  if (!is_in(options_.slice, *record.key)) return {};
  std::string name(reinterpret_cast<const char*>(record.key->data()), record.key->size());
  const auto [found, is_new] = keys_.try_emplace(std::move(name));
  const Last last{
      .offset = record.offset, .is_tombstone = !record.value.has_value(), .content = content_of(record)};
  if (side == VerifySide::source) {
    take_from_source(found->second, last);
  } else {
    take_from_target(found->second, last);
  }
  if (is_new) memory_ += memory_of(found->first);
  counts_.keys = static_cast<std::int64_t>(keys_.size());
  return memory_ > options_.memory_max ? make_room() : Result<void>{};
}

void KeyVerifier::take_from_source(Key& key, const Last& last) {
  ++counts_.source_records;
  key.source = last;
  if (!key.is_waiting) return;
  if (key.awaited.size() >= kAwaitedMax) {
    // The target comes by at each of them, so every other one will do.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < key.awaited.size(); i += 2) key.awaited[kept++] = key.awaited[i];
    memory_ -= (key.awaited.size() - kept) * sizeof(Content);
    key.awaited.resize(kept);
  }
  key.awaited.push_back(last.content);
  memory_ += sizeof(Content);
  if (agrees(key)) settle(key);
}

void KeyVerifier::take_from_target(Key& key, const Last& last) {
  ++counts_.records;
  if (last.content.is_append_time) ++counts_.append_times;
  key.target = last;
  const bool is_last_of_source = key.source.exists() && equal(key.source.content, last.content);
  if (noted_at_ && is_last_of_source && key.source.offset >= *noted_at_) passed_ = true;
  if (!key.is_waiting) return;
  const bool was_awaited =
      std::ranges::any_of(key.awaited, [&](const Content& one) { return equal(one, last.content); });
  if (was_awaited || agrees(key)) settle(key);
}

/// Keeps the half of the keys that the next bit of their hash tells, until there is room.
Result<void> KeyVerifier::make_room() {
  if (options_.follow) {
    return fail(make_error_code(boost::system::errc::not_enough_memory),
                "the logs were cleaned at different times, and {} keys are too many to follow", keys_.size());
  }
  auto& slice = options_.slice;
  while (memory_ > options_.memory_max && slice.bits < 62 && waiting_ == 0) {
    left_over_.push_back(
        {slice.bits + 1, slice.number | (std::uint64_t{1} << static_cast<unsigned>(slice.bits))});
    ++slice.bits;
    std::erase_if(keys_, [&](const auto& one) {
      const bool goes = !is_in(slice, bytes_of(one.first));
      if (goes) memory_ -= memory_of(one.first);
      return goes;
    });
  }
  counts_.keys = static_cast<std::int64_t>(keys_.size());
  return {};
}

/// Whether the last records are what two cleaners may have left of the same log.
bool KeyVerifier::agrees(const Key& key) const {
  const auto& source = key.source;
  const auto& target = key.target;
  if (source.exists() && target.exists()) return equal(source.content, target.content);
  if (source.exists()) return source.is_tombstone || target_starts_late_;
  return target.is_tombstone || source_starts_late_;
}

void KeyVerifier::settle(Key& key) {
  memory_ -= key.awaited.size() * sizeof(Content);
  key.is_waiting = false;
  key.awaited = {};
  --waiting_;
  ++settled_;
}

void KeyVerifier::note_waiting() {
  noted_at_ = source_.range().end;
  records_when_noted_ = counts_.records + counts_.source_records;
  passed_ = false;
  counts_.skipped_on_source = 0;
  counts_.skipped_on_target = 0;
  for (auto& [name, key] : keys_) {
    if (!agrees(key)) {
      key.is_waiting = true;
      if (key.source.exists()) key.awaited.push_back(key.source.content);
      memory_ += key.awaited.size() * sizeof(Content);
      ++waiting_;
    } else if (!key.target.exists() && !key.source.is_tombstone) {
      ++counts_.skipped_on_source;
    } else if (!key.source.exists() && !key.target.is_tombstone) {
      ++counts_.skipped_on_target;
    }
  }
}

KeyVerifier::Need KeyVerifier::ask(VerifySide side, Doubt doubt) {
  lacking_ = side;
  doubt_ = doubt;
  return Need::later_end;
}

KeyVerifier::Need KeyVerifier::at_ends() {
  // The source is written first. Once its end was asked for after the target's, all that the target has was
  // read there too.
  if (source_asked_at_ != target_.range().end) {
    source_asked_at_ = target_.range().end;
    return ask(VerifySide::source, Doubt::asked_only);
  }
  const bool has_news = records_when_noted_ != counts_.records + counts_.source_records;
  if (waiting_ == 0 && (!noted_at_ || (options_.follow && has_news))) note_waiting();
  if (waiting_ > 0) return ask(VerifySide::target, passed_ ? Doubt::overdue : Doubt::on_its_way);
  if (options_.follow) return ask(VerifySide::target, Doubt::on_its_way);
  if (disorder()) return ask(VerifySide::target, Doubt::on_its_way);
  finish();
  return Need::done;
}

/// The first two keys whose last records stand in another order on the target.
std::optional<Difference> KeyVerifier::disorder() const {
  std::vector<const Keys::value_type*> both;
  for (const auto& one : keys_) {
    const auto& key = one.second;
    const bool comparable =
        key.source.exists() && key.target.exists() && equal(key.source.content, key.target.content);
    if (comparable) both.push_back(&one);
  }
  std::ranges::sort(both, {}, [](const auto* one) { return one->second.source.offset; });
  const auto found = std::ranges::adjacent_find(both, std::ranges::greater{},
                                                [](const auto* one) { return one->second.target.offset; });
  if (found == both.end()) return std::nullopt;
  const auto& [name, key] = **std::next(found);
  return Difference{.kind = Difference::Kind::order_of_keys,
                    .source_offset = key.source.offset,
                    .target_offset = key.target.offset,
                    .source_text = shown(bytes_of(name)),
                    .target_text = shown(bytes_of((*found)->first))};
}

std::optional<Difference> KeyVerifier::first_waiting() const {
  const Keys::value_type* first = nullptr;
  const auto place = [](const Key& key) {
    return std::pair(!key.source.exists(), key.source.exists() ? key.source.offset : key.target.offset);
  };
  for (const auto& one : keys_) {
    if (!one.second.is_waiting) continue;
    if (first == nullptr || place(one.second) < place(first->second)) first = &one;
  }
  if (first == nullptr) return std::nullopt;
  return Difference{.kind = Difference::Kind::latest_of_key,
                    .source_offset = first->second.source.offset,
                    .target_offset = first->second.target.offset,
                    .source_text = shown(bytes_of(first->first)),
                    .target_text = {}};
}

void KeyVerifier::finish() {
  done_ = true;
  keys_.clear();
  memory_ = 0;
}

void KeyVerifier::give_up() {
  if (doubt_ == Doubt::asked_only) return;
  difference_ = waiting_ > 0 ? first_waiting() : disorder();
  finish();
}

std::int64_t KeyVerifier::progress() const {
  return doubt_ == Doubt::overdue ? settled_ : counts_.records;
}

void KeyVerifier::lost_start(VerifySide side, Offset begin) {
  (side == VerifySide::source ? source_starts_late_ : target_starts_late_) = true;
  stream(side).read_from(begin);
}

void KeyVerifier::release() {
  source_.read_from(source_.resume_offset());
  target_.read_from(target_.resume_offset());
}

}  // namespace longhaul::replicator
