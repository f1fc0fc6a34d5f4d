#include "net/cyrus.h"

#include <malloc.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "net/sasl.h"

namespace longhaul::net::cyrus {
namespace {

// --- memory and locks ---

// Blocks are what malloc gives, because the plug-ins mix the library's functions with those of C.
void* allocate(std::size_t size) {
  return std::malloc(size);
}

void wipe_and_free(void* block) {
  if (block != nullptr) ::explicit_bzero(block, ::malloc_usable_size(block));
  std::free(block);
}

void* allocate_zeroed(std::size_t count, std::size_t size) {
  return std::calloc(count, size);
}

void* reallocate(void* block, std::size_t size) {
  if (block == nullptr) return std::malloc(size);
  auto* const moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  const auto old_size = ::malloc_usable_size(block);
  std::memcpy(moved, block, old_size < size ? old_size : size);
  wipe_and_free(block);
  return moved;
}

void* new_mutex() {
  return new (std::nothrow) std::mutex;
}
int lock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return 0;
}
int unlock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return 0;
}
void delete_mutex(void* mutex) {
  delete static_cast<std::mutex*>(mutex);
}

// --- callbacks of the process ---

// Every failure is returned as well; the system's log is not ours to write to.
int drop_log(void* /*context*/, int /*level*/, const char* /*message*/) {
  return SASL_OK;
}

int option(void* /*context*/, const char* /*plugin*/, const char* name, const char** value,
           unsigned* length) {
  const std::string_view wanted = name;
  const char* answer = nullptr;
  if (wanted == "canon_user_plugin") answer = kAsIs;
  if (wanted == "auxprop_plugin") answer = kUsers;
  if (wanted == "pwcheck_method") answer = "auxprop";
  if (answer == nullptr) return SASL_FAIL;
  *value = answer;
  if (length != nullptr) *length = static_cast<unsigned>(std::strlen(answer));
  return SASL_OK;
}

// Only the plug-ins that are used are loaded, so that others that happen to be installed (database drivers,
// NTLM, ...) neither run code here nor read configuration.
int choose_plugin(void* /*context*/, const char* file, sasl_verify_type_t type) {
  if (type != SASL_VRFY_PLUGIN) return SASL_CONTINUE;
  const std::string_view path = file;
  const auto name = path.substr(path.rfind('/') + 1);
  return name.starts_with("libplain.") || name.starts_with("libscram.") ? SASL_OK : SASL_CONTINUE;
}

// --- user names as they are ---

// `out` may be the very buffer that `user` points to.
int copy_name(const char* user, unsigned size, char* out, unsigned out_size, unsigned* out_length) {
  if (size >= out_size) return SASL_BUFOVER;
  std::memmove(out, user, size);
  out[size] = '\0';
  if (out_length != nullptr) *out_length = size;
  return SASL_OK;
}

int server_name(void* /*context*/, sasl_server_params_t* /*parameters*/, const char* user, unsigned size,
                unsigned /*flags*/, char* out, unsigned out_size, unsigned* out_length) {
  return copy_name(user, size, out, out_size, out_length);
}

int client_name(void* /*context*/, sasl_client_params_t* /*parameters*/, const char* user, unsigned size,
                unsigned /*flags*/, char* out, unsigned out_size, unsigned* out_length) {
  return copy_name(user, size, out, out_size, out_length);
}

int as_is_plugin(const sasl_utils_t* /*utils*/, int max_version, int* version, sasl_canonuser_plug_t** plugin,
                 const char* /*name*/) {
  if (max_version < SASL_CANONUSER_PLUG_VERSION) return SASL_BADVERS;
  static std::string name = kAsIs;
  static sasl_canonuser_plug_t as_is{.features = 0,
                                     .spare_int1 = 0,
                                     .glob_context = nullptr,
                                     .name = name.data(),
                                     .canon_user_free = nullptr,
                                     .canon_user_server = server_name,
                                     .canon_user_client = client_name,
                                     .spare_fptr1 = nullptr,
                                     .spare_fptr2 = nullptr,
                                     .spare_fptr3 = nullptr};
  *version = SASL_CANONUSER_PLUG_VERSION;
  *plugin = &as_is;
  return SASL_OK;
}

// --- starting ---

// The library keeps the pointer.
const sasl_callback_t* process_callbacks() {
  static const sasl_callback_t callbacks[] = {
      callback(SASL_CB_LOG, drop_log, nullptr),
      callback(SASL_CB_GETOPT, option, nullptr),
      callback(SASL_CB_VERIFYFILE, choose_plugin, nullptr),
      {SASL_CB_LIST_END, nullptr, nullptr},
  };
  return callbacks;
}

void prepare() {
  static std::once_flag once;
  std::call_once(once, [] {
    sasl_set_alloc(allocate, allocate_zeroed, reallocate, wipe_and_free);
    sasl_set_mutex(new_mutex, lock_mutex, unlock_mutex, delete_mutex);
  });
}

Result<void> outcome_of(int result, const char* what) {
  if (result == SASL_OK) return {};
  return fail(SaslErrc::internal, "{}: {}", what, sasl_errstring(result, nullptr, nullptr));
}

// The library's state is global and its start is not safe beside another start.
std::mutex& start_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Result<void> start_client() {
  const std::scoped_lock lock(start_mutex());
  static const int result = [] {
    prepare();
    const auto started = sasl_client_init(process_callbacks());
    return started == SASL_OK ? sasl_canonuser_add_plugin(kAsIs, as_is_plugin) : started;
  }();
  return outcome_of(result, "starting Cyrus SASL");
}

Result<void> start_server() {
  LH_TRY_VOID(start_client());
  const std::scoped_lock lock(start_mutex());
  static const int result = [] {
    const auto started = sasl_server_init(process_callbacks(), "longhaul");
    return started == SASL_OK ? sasl_auxprop_add_plugin(kUsers, users_plugin) : started;
  }();
  return outcome_of(result, "starting Cyrus SASL as a server");
}

bool allow_everything(sasl_conn_t& connection) {
  const sasl_security_properties_t properties{.min_ssf = 0,
                                              .max_ssf = 0,
                                              .maxbufsize = 0,
                                              .security_flags = 0,
                                              .property_names = nullptr,
                                              .property_values = nullptr};
  return sasl_setprop(&connection, SASL_SEC_PROPS, &properties) == SASL_OK;
}

std::string last_words(sasl_conn_t* connection, int result) {
  const char* const words =
      connection != nullptr ? sasl_errdetail(connection) : sasl_errstring(result, nullptr, nullptr);
  std::string_view text = words != nullptr ? words : "no reason given";
  // "SASL(-13): authentication failure: ServerSignature mismatch"
  if (text.starts_with("SASL(")) text.remove_prefix(std::min(text.size(), text.find(": ") + 2));
  return std::string(text);
}

}  // namespace longhaul::net::cyrus
