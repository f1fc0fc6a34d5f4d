#pragma once

namespace longhaul {

/// Ends the process with the failed condition and its place. Replicating on after a broken invariant is
/// worse.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace longhaul

/// Asserts an invariant of our own code, in every build. Never for what a peer or the environment says.
#define LH_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::longhaul::check_failed(#condition, __FILE__, __LINE__))
