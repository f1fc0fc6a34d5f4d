#include "net/tls_records.h"

#include <algorithm>

namespace longhaul::net {

void TlsRecordPlan::skip_empty() {
  while (index_ < pieces_.size() && offset_ == pieces_[index_].size()) {
    ++index_;
    offset_ = 0;
  }
}

ConstBytes TlsRecordPlan::next() {
  skip_empty();
  if (index_ == pieces_.size()) return {};
  const auto rest = pieces_[index_].subspan(offset_);
  const bool last = index_ + 1 == pieces_.size();
  if (rest.size() >= kRecord || last) {
    const auto whole = last && rest.size() < kRecord ? rest.size() : rest.size() / kRecord * kRecord;
    const auto size = std::min(whole, kRun);
    offset_ += size;
    return rest.first(size);
  }
  staging_.clear();
  staging_.reserve(kRecord);
  for (; index_ < pieces_.size() && staging_.size() < kRecord; skip_empty()) {
    const auto piece = pieces_[index_].subspan(offset_);
    const auto size = std::min(piece.size(), kRecord - staging_.size());
    staging_.insert(staging_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
    offset_ += size;
  }
  return staging_;
}

}  // namespace longhaul::net
