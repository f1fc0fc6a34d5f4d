#include "app/produce_window.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace longhaul::app {

ProduceWindow::Outgoing ProduceWindow::next_to_send() const {
  if (rewinding_ || next_ >= batches_.size() || (!is_known_ && in_flight_ > 0)) return {};
  const auto& entry = batches_[next_];
  return {entry.number, &entry.batch};
}

void ProduceWindow::sent() {
  LH_CHECK(!rewinding_ && next_ < batches_.size());
  ++next_;
  ++in_flight_;
}

std::vector<ProducedBatch> ProduceWindow::acknowledged(std::uint64_t number) {
  const auto entry = std::ranges::find(batches_, number, &Entry::number);
  LH_CHECK(entry != batches_.end() && in_flight_ > 0);
  --in_flight_;
  entry->acknowledged = true;
  is_known_ = true;
  std::vector<ProducedBatch> done;
  while (!batches_.empty() && batches_.front().acknowledged) {
    done.push_back(std::move(batches_.front().batch));
    batches_.pop_front();
    if (next_ > 0) --next_;
  }
  rewind_when_quiet();
  return done;
}

void ProduceWindow::failed(std::uint64_t number) {
  LH_CHECK(std::ranges::find(batches_, number, &Entry::number) != batches_.end() && in_flight_ > 0);
  --in_flight_;
  rewinding_ = true;
  rewind_when_quiet();
}

void ProduceWindow::rewind_when_quiet() {
  if (!rewinding_ || in_flight_ > 0) return;
  // A batch behind a failed one may have been appended all the same, when the failed one had been too and its
  // answer was lost. Sending it again is answered as a duplicate.
  for (auto& entry : batches_) entry.acknowledged = false;
  rewinding_ = false;
  next_ = 0;
}

}  // namespace longhaul::app
