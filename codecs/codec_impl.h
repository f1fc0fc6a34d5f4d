#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/codec.h"

/// What the adapters share; only the files of this folder include it.
namespace longhaul::codecs::impl {

/// The buffer a decoder writes into. It grows with what comes out, up to one byte above the limit: when that
/// byte is filled, the limit is broken.
class Output {
 public:
  Output(Bytes& out, std::size_t expected, std::size_t max_output) : out_(out), max_(max_output) {
    const auto first = std::min(std::max(expected, kSmallest), ceiling());
    if (out_.size() < first) out_.resize(first);
    if (out_.size() > ceiling()) out_.resize(ceiling());
  }

  /// Room to write to, empty only when the limit is broken.
  [[nodiscard]] MutableBytes room() {
    if (used_ == out_.size()) out_.resize(std::min(std::max(out_.size() * 2, kSmallest), ceiling()));
    return MutableBytes(out_).subspan(used_);
  }
  /// Room for exactly `size` bytes more, which are within the limit.
  [[nodiscard]] MutableBytes room_for(std::size_t size) {
    if (out_.size() - used_ < size) out_.resize(std::max(used_ + size, std::min(out_.size() * 2, ceiling())));
    return MutableBytes(out_).subspan(used_, size);
  }
  void wrote(std::size_t size) { used_ += size; }
  [[nodiscard]] bool over_limit() const { return used_ > max_; }
  /// Bytes that may still come.
  [[nodiscard]] std::size_t left() const { return max_ - std::min(used_, max_); }
  /// Cuts the buffer to what was written.
  void finish() { out_.resize(used_); }

 private:
  static constexpr std::size_t kSmallest = 4096;
  [[nodiscard]] std::size_t ceiling() const {
    return max_ == std::numeric_limits<std::size_t>::max() ? max_ : max_ + 1;
  }

  Bytes& out_;
  std::size_t max_;
  std::size_t used_ = 0;
};

/// What a batch usually unpacks to, as a first guess for the buffer.
[[nodiscard]] inline std::size_t usual_output(ConstBytes compressed) {
  return compressed.size() * 4;
}

[[nodiscard]] inline const unsigned char* data_of(ConstBytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Result<void> gunzip(ConstBytes compressed, Output& out);
Result<Bytes> gzip(ConstBytes plain, std::optional<int> level);
Result<void> unsnap(ConstBytes compressed, Output& out);
Result<Bytes> snap(ConstBytes plain);
Result<void> unlz4(ConstBytes compressed, Output& out);
Result<Bytes> lz4(ConstBytes plain, std::optional<int> level);
Result<void> unzstd(ConstBytes compressed, Output& out);
Result<Bytes> zstd(ConstBytes plain, std::optional<int> level);

}  // namespace longhaul::codecs::impl
