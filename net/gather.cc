#include "net/gather.h"

#include "base/check.h"

namespace longhaul::net {

bool GatherPlan::starts_small_run(std::size_t index) const {
  return index + 1 < pieces_.size() && pieces_[index].size() <= kSmall && pieces_[index + 1].size() <= kSmall;
}

void GatherPlan::fill() {
  ready_.clear();
  ready_begin_ = 0;
  scratch_.clear();
  while (taken_ < pieces_.size() && ready_.size() < kPiecesMax) {
    if (!starts_small_run(taken_)) {
      if (!pieces_[taken_].empty()) ready_.push_back(pieces_[taken_]);
      ++taken_;
      continue;
    }
    // The views into the scratch memory need it not to move, so all of it is taken before the first.
    if (scratch_.capacity() < kScratch) scratch_.reserve(kScratch);
    const auto begin = scratch_.size();
    if (begin + kSmall > kScratch) return;
    while (taken_ < pieces_.size() && pieces_[taken_].size() <= kSmall &&
           scratch_.size() + pieces_[taken_].size() <= kScratch) {
      scratch_.insert(scratch_.end(), pieces_[taken_].begin(), pieces_[taken_].end());
      ++taken_;
    }
    if (scratch_.size() > begin) ready_.push_back(ConstBytes(scratch_).subspan(begin));
  }
}

std::span<const ConstBytes> GatherPlan::next() {
  if (ready_begin_ == ready_.size()) fill();
  return std::span(ready_).subspan(ready_begin_);
}

void GatherPlan::written(std::size_t size) {
  while (size > 0) {
    LH_CHECK(ready_begin_ < ready_.size());
    auto& piece = ready_[ready_begin_];
    if (size < piece.size()) {
      piece = piece.subspan(size);
      return;
    }
    size -= piece.size();
    ++ready_begin_;
  }
}

}  // namespace longhaul::net
