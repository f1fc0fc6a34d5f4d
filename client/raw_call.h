#pragma once

#include <optional>
#include <utility>

#include "client/call.h"

namespace longhaul::client {

/// An answer left as it came: those of a session's beginning are decoded by SessionFsm, which knows in what
/// version they may be.
class RawCall final : public Call {
 public:
  using Call::Call;
  [[nodiscard]] Result<milliseconds> accept(Slice frame, ConstBytes body) override {
    frame_ = std::move(frame);
    result_ = body;
    done_.notify();
    return milliseconds(0);
  }
  void fail_with(const Error& error) override {
    if (!result_) result_ = std::unexpected(error);
    done_.notify();
  }
  [[nodiscard]] bool finished() const override { return result_.has_value(); }
  /// The body, a view that lives as long as this call.
  [[nodiscard]] net::Async<ConstBytes> wait() {
    while (!result_) LH_CO_TRY_VOID(co_await done_.wait());
    co_return *result_;
  }

 private:
  Slice frame_;
  std::optional<Result<ConstBytes>> result_;
};

}  // namespace longhaul::client
