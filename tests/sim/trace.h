#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace longhaul::sim {

/// What happened in a world: a hash of every frame and event with its time, and, when asked for, the text.
/// The same seed gives the same hash, or something in the world is not deterministic.
class Trace {
 public:
  explicit Trace(const Clock& clock, bool prints) : clock_(clock), prints_(prints) {}

  [[nodiscard]] bool prints() const { return prints_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

  /// Bytes that arrived somewhere. `place` tells connections and directions apart.
  void frame(std::uint64_t place, ConstBytes bytes);
  /// Something that a person wants to see in the trace.
  template <class... Args>
  void event(fmt::format_string<Args...> format, Args&&... args) {
    const auto text = fmt::format(format, std::forward<Args>(args)...);
    mix(as_bytes(text));
    if (prints_) print(text);
  }
  /// Printed, not hashed: for texts that are costly to make.
  void note(std::string_view text) {
    if (prints_) print(text);
  }

 private:
  void mix(ConstBytes bytes);
  void print(std::string_view text) const;

  const Clock& clock_;
  bool prints_;
  std::uint64_t hash_ = 0xCBF29CE484222325U;
};

/// How often each kind of fault was injected.
using Tally = std::map<std::string, std::int64_t>;

}  // namespace longhaul::sim
