#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace longhaul {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "longhaul: invariant broken: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace longhaul
