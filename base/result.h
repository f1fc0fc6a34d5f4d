#pragma once

#include <fmt/format.h>

#include <boost/system/error_code.hpp>
#include <expected>
#include <string>
#include <utility>

namespace longhaul {

using ErrorCode = boost::system::error_code;

/// A failure: a code of some category (Kafka's, the system's, a module's own) and, where a person will read
/// it, what it happened to. `detail` is empty on the data plane, so building an Error there allocates
/// nothing.
struct Error {
  ErrorCode code;
  std::string detail;

  /// "detail: message of the code", or one of the two when the other is missing.
  [[nodiscard]] std::string message() const {
    if (detail.empty()) return code.message();
    if (!code) return detail;
    return detail + ": " + code.message();
  }
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(WireErrc::truncated);`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code) {
  return std::unexpected(Error{code, {}});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

/// `return fail(Errc::x, "topic {}", topic);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// Puts `context` in front of an error's detail: `return in_context(std::move(error), "broker {}", id);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> in_context(Error error, fmt::format_string<Args...> format,
                                                Args&&... args) {
  auto context = fmt::format(format, std::forward<Args>(args)...);
  error.detail = error.detail.empty() ? std::move(context) : context + ": " + error.detail;
  return std::unexpected(std::move(error));
}

}  // namespace longhaul

#define LH_CONCAT_INNER(a, b) a##b
#define LH_CONCAT(a, b) LH_CONCAT_INNER(a, b)

/// `LH_TRY(auto x, f());` binds the value of a Result or returns its error from the enclosing function.
#define LH_TRY(declaration, expression)                                         \
  auto LH_CONCAT(lh_result_, __LINE__) = (expression);                          \
  if (!LH_CONCAT(lh_result_, __LINE__))                                         \
    return std::unexpected(std::move(LH_CONCAT(lh_result_, __LINE__)).error()); \
  declaration = *std::move(LH_CONCAT(lh_result_, __LINE__))

/// The same for a Result<void>.
#define LH_TRY_VOID(expression)                            \
  if (auto lh_result_void = (expression); !lh_result_void) \
  return std::unexpected(std::move(lh_result_void).error())

/// The same inside a coroutine; `expression` contains its own co_await.
#define LH_CO_TRY(declaration, expression)                                         \
  auto LH_CONCAT(lh_result_, __LINE__) = (expression);                             \
  if (!LH_CONCAT(lh_result_, __LINE__))                                            \
    co_return std::unexpected(std::move(LH_CONCAT(lh_result_, __LINE__)).error()); \
  declaration = *std::move(LH_CONCAT(lh_result_, __LINE__))

#define LH_CO_TRY_VOID(expression)                         \
  if (auto lh_result_void = (expression); !lh_result_void) \
  co_return std::unexpected(std::move(lh_result_void).error())
