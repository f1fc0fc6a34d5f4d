#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace longhaul::net {

/// Sans-I/O: cuts a list of pieces into what is encrypted at a time. Every record costs a header, a tag and
/// several calls, so records are filled: small pieces are copied together, and of large ones whole records
/// are taken where they lie. The pieces given must outlive the plan.
class TlsRecordPlan {
 public:
  /// The plain bytes of a full record; the protocol's limit.
  static constexpr std::size_t kRecord = 16 * 1024;
  /// At most this much is given at a time.
  static constexpr std::size_t kRun = 8 * kRecord;

  explicit TlsRecordPlan(std::span<const ConstBytes> pieces) : pieces_(pieces) {}

  /// The next bytes to encrypt; empty at the end. Valid until the next call.
  [[nodiscard]] ConstBytes next();

 private:
  void skip_empty();

  std::span<const ConstBytes> pieces_;
  std::size_t index_ = 0;   ///< of the piece that is next
  std::size_t offset_ = 0;  ///< in it
  std::vector<std::byte> staging_;
};

}  // namespace longhaul::net
