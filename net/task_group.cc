#include "net/task_group.h"

#include "base/check.h"

namespace longhaul::net {

TaskGroup::~TaskGroup() {
  LH_CHECK(entries_.empty());
}

void TaskGroup::cancel() {
  stopping_ = true;
  // Cancelled operations complete from the event loop, so no entry goes away under this iteration.
  for (auto& signal : entries_) signal.emit(boost::asio::cancellation_type::terminal);
}

Task TaskGroup::stop() {
  cancel();
  while (!entries_.empty()) co_await drained_.wait_uncancelled();
}

void TaskGroup::finished(Entry entry, const std::exception_ptr& exception) {
  entries_.erase(entry);
  if (entries_.empty()) drained_.notify();
  if (exception) std::rethrow_exception(exception);
}

}  // namespace longhaul::net
