#pragma once

#include <sasl/sasl.h>
// The order matters: the plug-ins' header needs the other.
#include <sasl/saslplug.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::net::cyrus {

/// What the library is told once per process, before its first use from any thread: real locks, memory that
/// is overwritten when it is given back, which plug-ins to load, no configuration files, user names as they
/// are. Fails when the library does.
[[nodiscard]] Result<void> start_client();
[[nodiscard]] Result<void> start_server();

struct Dispose {
  void operator()(sasl_conn_t* connection) const { sasl_dispose(&connection); }
};
using Connection = std::unique_ptr<sasl_conn_t, Dispose>;

/// No security layer, and mechanisms that send passwords are allowed: whether the connection is encrypted was
/// decided before.
[[nodiscard]] bool allow_everything(sasl_conn_t& connection);

/// Any callback in the shape in which the library stores them.
template <class Function>
[[nodiscard]] sasl_callback_t callback(unsigned long id, Function* function, void* context) {
  // Through void (*)(), which stands for any function.
  return {id, reinterpret_cast<int (*)()>(reinterpret_cast<void (*)()>(function)), context};
}

/// The library's words for what went wrong last on `connection`, without its decoration.
[[nodiscard]] std::string last_words(sasl_conn_t* connection, int result);

/// The canonicalisation that changes nothing: the library's own cuts blanks off user names, Kafka does not.
inline constexpr const char* kAsIs = "longhaul_as_is";
/// Where passwords are looked up: in the users that the SaslServer of the connection was made with.
inline constexpr const char* kUsers = "longhaul_users";
/// That look-up; a function of sasl_server.cc which the library is given at its start.
int users_plugin(const sasl_utils_t* utils, int max_version, int* version, sasl_auxprop_plug_t** plugin,
                 const char* name);

/// The longest user name that the library has room for.
inline constexpr std::size_t kUsernameMax = 1024;

}  // namespace longhaul::net::cyrus
