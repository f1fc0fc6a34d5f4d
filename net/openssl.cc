#include "net/openssl.h"

#include <openssl/err.h>

namespace longhaul::net {

std::string openssl_reason() {
  // The first entry is where it began; those behind it are its callers' comments.
  const auto code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace longhaul::net
