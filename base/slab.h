#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace longhaul {

class SlabPool;
struct SlabBlock;

/// Reference-counted immutable bytes: a share of a slab and a view into it. The count is not atomic, so a
/// slice and its copies stay on the core whose pool gave the slab. The slab returns to its pool with the last
/// slice.
class Slice {
 public:
  Slice() = default;
  Slice(const Slice& other) : block_(other.block_), bytes_(other.bytes_) { retain(); }
  Slice(Slice&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  Slice& operator=(Slice other) noexcept {
    std::swap(block_, other.block_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Slice() { release(); }

  [[nodiscard]] ConstBytes bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// Capacity of the whole slab behind this slice: what it keeps from the budget while it lives.
  [[nodiscard]] std::size_t slab_capacity() const;

  /// The part `view` of this slice; `view` must lie inside `bytes()`.
  [[nodiscard]] Slice part(ConstBytes view) const;

  /// A copy of `bytes` outside every budget: for small things and for tests.
  [[nodiscard]] static Slice copy_of(ConstBytes bytes);

 private:
  friend class Slab;
  Slice(SlabBlock* block, ConstBytes bytes) : block_(block), bytes_(bytes) {}
  void retain() const;
  void release();

  SlabBlock* block_ = nullptr;
  ConstBytes bytes_;
};

/// A writable slab with one owner; `share()` ends the writing.
class Slab {
 public:
  Slab() = default;
  Slab(Slab&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Slab& operator=(Slab&& other) noexcept;
  ~Slab();

  /// A slab outside every budget: for control traffic, whose size is bounded otherwise.
  [[nodiscard]] static Slab unbudgeted(std::size_t size);

  [[nodiscard]] MutableBytes bytes();
  [[nodiscard]] Slice share() &&;

 private:
  friend class SlabPool;
  Slab(SlabBlock* block, std::size_t size) : block_(block), size_(size) {}
  SlabBlock* block_ = nullptr;
  std::size_t size_ = 0;
};

/// Slabs of one core under a byte budget. Freed memory is kept for reuse, because giving megabytes back to
/// the system and faulting them in again costs more than copying them. Must outlive every slab and slice it
/// gave.
///
/// Requests are served in order, so a large one is not starved by small ones behind it. A request above the
/// whole budget is served when nothing else is out: a first batch may be larger than any limit that was asked
/// for.
class SlabPool {
 public:
  using Ticket = std::uint64_t;
  using Granted = std::move_only_function<void(Slab)>;

  explicit SlabPool(std::size_t budget_bytes) : budget_(budget_bytes) {}
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  /// Calls `granted` with a slab of `size` bytes: now, from inside this call, or later, from inside the
  /// release of another slab. The callback must not throw and should only hand the slab on (post it). Returns
  /// a ticket for `cancel`, or 0 when it was granted at once.
  Ticket request(std::size_t size, Granted granted);
  /// Forgets a waiting request; nothing happens if it was granted already.
  void cancel(Ticket ticket);
  /// A copy of `bytes` in a slab of its own, given at once, be it above the budget, and counted in it. For
  /// parts of larger slabs that are kept for long: copied out, they free more than they take.
  [[nodiscard]] Slice copy(ConstBytes bytes);

  [[nodiscard]] std::size_t budget() const { return budget_; }
  /// Bytes out there now, in capacity. Readable from other threads.
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  friend class Slice;
  friend class Slab;
  struct Waiting {
    Ticket ticket;
    std::size_t size;
    Granted granted;
  };
  [[nodiscard]] bool fits(std::size_t capacity) const;
  [[nodiscard]] Slab take(std::size_t size);
  void give_back(SlabBlock* block);
  void serve_waiting();

  std::size_t budget_;
  std::atomic<std::size_t> used_{0};
  std::size_t cached_ = 0;
  Ticket next_ticket_ = 1;
  bool serving_ = false;
  std::deque<Waiting> waiting_;
  std::vector<SlabBlock*> free_;
};

}  // namespace longhaul
