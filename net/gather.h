#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace longhaul::net {

/// Sans-I/O: cuts a list of pieces into gather writes. Runs of small pieces are copied together, because a
/// system call takes a limited number of pieces and a few hundred bytes are copied faster than described;
/// large ones are never copied. The pieces given must outlive the plan.
class GatherPlan {
 public:
  /// Asio passes at most 64 pieces on to one system call.
  static constexpr std::size_t kPiecesMax = 64;
  /// Pieces up to this size are copied together.
  static constexpr std::size_t kSmall = 1024;
  static constexpr std::size_t kScratch = 64 * 1024;

  explicit GatherPlan(std::span<const ConstBytes> pieces) : pieces_(pieces) {}

  /// The next pieces to write, at most kPiecesMax and none empty; empty at the end. Valid until the next
  /// call.
  [[nodiscard]] std::span<const ConstBytes> next();
  /// The first `size` bytes of what `next` gave were written; the rest comes first in the following call.
  void written(std::size_t size);

 private:
  void fill();
  /// Whether the piece at `index` and the one after it are both small, so that copying saves a piece.
  [[nodiscard]] bool starts_small_run(std::size_t index) const;

  std::span<const ConstBytes> pieces_;
  std::size_t taken_ = 0;  ///< pieces that are in `ready_` or were written
  std::vector<ConstBytes> ready_;
  std::size_t ready_begin_ = 0;
  std::vector<std::byte> scratch_;
};

}  // namespace longhaul::net
