#include "app/config/client_settings.h"

namespace longhaul::config {

std::string_view to_string(Side side) {
  return side == Side::source ? "source" : "target";
}

std::string_view to_string(ClientRole role) {
  switch (role) {
    case ClientRole::consumer:
      return "consumer";
    case ClientRole::producer:
      return "producer";
    case ClientRole::admin:
      return "admin";
  }
  return "unknown";
}

std::string_view to_string(IsolationLevel level) {
  return level == IsolationLevel::read_committed ? "read_committed" : "read_uncommitted";
}

std::string_view to_string(AutoOffsetReset reset) {
  switch (reset) {
    case AutoOffsetReset::earliest:
      return "earliest";
    case AutoOffsetReset::latest:
      return "latest";
    case AutoOffsetReset::none:
      return "none";
  }
  return "unknown";
}

}  // namespace longhaul::config
