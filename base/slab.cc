#include "base/slab.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace longhaul {

struct SlabBlock {
  SlabPool* pool;
  std::size_t capacity;
  std::uint32_t references;

  [[nodiscard]] std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }

  static SlabBlock* make(SlabPool* pool, std::size_t capacity) {
    void* memory = std::malloc(sizeof(SlabBlock) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) SlabBlock{pool, capacity, 1};
  }
};

namespace {

constexpr std::size_t kSmallestClass = 4096;

/// Capacity class of a size: eighths of a power of two, so at most 12.5 % is lost and freed slabs fit the
/// next ones.
std::size_t capacity_class(std::size_t size) {
  if (size <= kSmallestClass) return kSmallestClass;
  const std::size_t step = std::bit_floor(size) / 8;
  return (size + step - 1) / step * step;
}

/// Frees the oldest of the cached slabs until they take at most `room` bytes.
void trim(std::vector<SlabBlock*>& cached, std::size_t& cached_bytes, std::size_t room) {
  std::size_t dropped = 0;
  while (cached_bytes > room && dropped < cached.size()) {
    cached_bytes -= cached[dropped]->capacity;
    std::free(cached[dropped]);
    ++dropped;
  }
  cached.erase(cached.begin(), cached.begin() + static_cast<std::ptrdiff_t>(dropped));
}

}  // namespace

std::size_t Slice::slab_capacity() const {
  return block_ == nullptr ? 0 : block_->capacity;
}

Slice Slice::part(ConstBytes view) const {
  LH_CHECK(view.empty() ||
           (view.data() >= bytes_.data() && view.data() + view.size() <= bytes_.data() + bytes_.size()));
  retain();
  return {block_, view};
}

Slice Slice::copy_of(ConstBytes bytes) {
  auto slab = Slab::unbudgeted(bytes.size());
  if (!bytes.empty()) std::memcpy(slab.bytes().data(), bytes.data(), bytes.size());
  return std::move(slab).share();
}

void Slice::retain() const {
  if (block_ != nullptr) ++block_->references;
}

void Slice::release() {
  if (block_ == nullptr || --block_->references > 0) return;
  if (block_->pool != nullptr) {
    block_->pool->give_back(block_);
  } else {
    std::free(block_);
  }
}

Slab& Slab::operator=(Slab&& other) noexcept {
  if (this != &other) {
    const Slice dropped(std::exchange(block_, std::exchange(other.block_, nullptr)), {});
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Slab::~Slab() {
  const Slice dropped(block_, {});
}

Slab Slab::unbudgeted(std::size_t size) {
  return {SlabBlock::make(nullptr, size), size};
}

MutableBytes Slab::bytes() {
  return block_ == nullptr ? MutableBytes{} : MutableBytes(block_->data(), size_);
}

Slice Slab::share() && {
  const auto view = ConstBytes(bytes());
  return {std::exchange(block_, nullptr), view};
}

SlabPool::~SlabPool() {
  LH_CHECK(used() == 0);
  for (auto* block : free_) std::free(block);
}

bool SlabPool::fits(std::size_t capacity) const {
  const auto out = used();
  return out + capacity <= budget_ || out == 0;
}

Slice SlabPool::copy(ConstBytes bytes) {
  auto slab = take(bytes.size());
  if (!bytes.empty()) std::memcpy(slab.bytes().data(), bytes.data(), bytes.size());
  return std::move(slab).share();
}

SlabPool::Ticket SlabPool::request(std::size_t size, Granted granted) {
  if (waiting_.empty() && fits(capacity_class(size))) {
    granted(take(size));
    return 0;
  }
  waiting_.push_back({next_ticket_, size, std::move(granted)});
  return next_ticket_++;
}

void SlabPool::cancel(Ticket ticket) {
  const auto found = std::ranges::find(waiting_, ticket, &Waiting::ticket);
  if (found == waiting_.end()) return;
  waiting_.erase(found);
  serve_waiting();
}

Slab SlabPool::take(std::size_t size) {
  const auto capacity = capacity_class(size);
  used_.store(used() + capacity, std::memory_order_relaxed);
  const auto found = std::ranges::find(free_, capacity, &SlabBlock::capacity);
  if (found != free_.end()) {
    auto* block = *found;
    *found = free_.back();
    free_.pop_back();
    cached_ -= capacity;
    block->references = 1;
    return {block, size};
  }
  // What is out and what is cached stay under the budget together, here as in give_back().
  trim(free_, cached_, budget_ > used() ? budget_ - used() : 0);
  return {SlabBlock::make(this, capacity), size};
}

void SlabPool::give_back(SlabBlock* block) {
  used_.store(used() - block->capacity, std::memory_order_relaxed);
  const std::size_t room = budget_ > used() ? budget_ - used() : 0;
  free_.push_back(block);
  cached_ += block->capacity;
  trim(free_, cached_, std::min(room, budget_ / 2));
  serve_waiting();
}

void SlabPool::serve_waiting() {
  if (serving_) return;
  serving_ = true;
  while (!waiting_.empty() && fits(capacity_class(waiting_.front().size))) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next.granted(take(next.size));
  }
  serving_ = false;
}

}  // namespace longhaul
