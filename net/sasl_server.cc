#include <openssl/crypto.h>
#include <sasl/prop.h>

#include <utility>

#include "net/cyrus.h"
#include "net/sasl.h"

namespace longhaul::net {
namespace {

class CyrusServer final : public SaslServer {
 public:
  CyrusServer(SaslMechanism mechanism, std::shared_ptr<const SaslUsers> users, std::string service)
      : mechanism_(mechanism), users_(std::move(users)), service_(std::move(service)) {
    callbacks_ = {
        // Its context is also how the look-up of passwords finds this object.
        cyrus::callback(SASL_CB_SERVER_USERDB_CHECKPASS, check_password, this),
        {SASL_CB_LIST_END, nullptr, nullptr},
    };
  }

  [[nodiscard]] Result<void> start() {
    sasl_conn_t* made = nullptr;
    // With a host name given the library does not look up its own.
    const auto result = sasl_server_new(service_.c_str(), "localhost", nullptr, nullptr, nullptr,
                                        callbacks_.data(), SASL_SUCCESS_DATA, &made);
    if (result != SASL_OK) return fail(SaslErrc::internal, "{}", cyrus::last_words(nullptr, result));
    connection_.reset(made);
    if (!cyrus::allow_everything(*made)) return fail(SaslErrc::internal, "security properties");
    return {};
  }

  [[nodiscard]] Result<Bytes> step(ConstBytes token) override {
    if (over_ || done_) return fail(SaslErrc::internal, "the exchange is over");
    over_ = true;  // unless all goes well
    const char* out = nullptr;
    unsigned size = 0;
    const auto text = as_text(token);
    const auto length = static_cast<unsigned>(text.size());
    // An empty first token is one all the same; null would mean that none was sent.
    const char* const data = text.empty() ? "" : text.data();
    int result = SASL_OK;
    if (std::exchange(started_, true)) {
      result = sasl_server_step(connection_.get(), data, length, &out, &size);
    } else {
      const std::string name(to_string(mechanism_));
      result = sasl_server_start(connection_.get(), name.c_str(), data, length, &out, &size);
    }
    if (result != SASL_OK && result != SASL_CONTINUE) return failure(result);
    over_ = false;
    done_ = result == SASL_OK;
    if (done_) LH_TRY_VOID(take_username());
    const auto answer = as_bytes({out != nullptr ? out : "", size});
    return Bytes(answer.begin(), answer.end());
  }

  [[nodiscard]] bool done() const override { return done_; }
  [[nodiscard]] const std::string& username() const override { return username_; }

  /// Null for nobody of that name.
  [[nodiscard]] const Secret* password_of(std::string_view user) const {
    const auto found = users_->find(user);
    return found == users_->end() ? nullptr : &found->second;
  }

  /// The server of a connection of the library; null where it is none of ours.
  [[nodiscard]] static const CyrusServer* of(const sasl_server_params_t& parameters) {
    sasl_callback_ft function = nullptr;
    void* context = nullptr;
    const auto result = parameters.utils->getcallback(parameters.utils->conn, SASL_CB_SERVER_USERDB_CHECKPASS,
                                                      &function, &context);
    return result == SASL_OK ? static_cast<const CyrusServer*>(context) : nullptr;
  }

 private:
  static int check_password(sasl_conn_t* /*connection*/, void* context, const char* user,
                            const char* password, unsigned size, struct propctx* /*properties*/) {
    const auto* const expected = static_cast<CyrusServer*>(context)->password_of(user);
    if (expected == nullptr || expected->reveal().size() != size) return SASL_BADAUTH;
    return CRYPTO_memcmp(expected->reveal().data(), password, size) == 0 ? SASL_OK : SASL_BADAUTH;
  }

  [[nodiscard]] std::unexpected<Error> failure(int result) const {
    switch (result) {
      case SASL_NOMECH:
        return fail(SaslErrc::unavailable,
                    "{}: the Cyrus SASL plug-in is missing (Debian package libsasl2-modules)",
                    to_string(mechanism_));
      case SASL_BADPROT:
      case SASL_BADPARAM:
        return fail(SaslErrc::bad_message, "{}", cyrus::last_words(connection_.get(), result));
      case SASL_NOMEM:
      case SASL_FAIL:
        return fail(SaslErrc::internal, "{}", cyrus::last_words(connection_.get(), result));
      default:
        return fail(SaslErrc::refused, "{}", to_string(mechanism_));
    }
  }

  [[nodiscard]] Result<void> take_username() {
    const void* name = nullptr;
    if (sasl_getprop(connection_.get(), SASL_USERNAME, &name) != SASL_OK || name == nullptr) {
      return fail(SaslErrc::internal, "no user name");
    }
    username_ = static_cast<const char*>(name);
    return {};
  }

  SaslMechanism mechanism_;
  std::shared_ptr<const SaslUsers> users_;
  std::string service_;
  std::string username_;
  std::vector<sasl_callback_t> callbacks_;  ///< the library keeps the pointer
  cyrus::Connection connection_;
  bool started_ = false;
  bool done_ = false;
  bool over_ = false;
};

// Gives the mechanisms the passwords that they ask for.
int look_up(void* /*context*/, sasl_server_params_t* parameters, unsigned flags, const char* user,
            unsigned size) {
  const auto* const server = CyrusServer::of(*parameters);
  if (server == nullptr) return SASL_NOMECH;
  const auto* const password = server->password_of({user, size});
  if (password == nullptr) return SASL_NOUSER;
  // Properties of the identity that proves itself begin with a star, others belong to the one it wants to be.
  if ((flags & SASL_AUXPROP_AUTHZID) != 0) return SASL_OK;
  const auto* const utils = parameters->utils;
  for (const auto* wanted = utils->prop_get(parameters->propctx);
       wanted != nullptr && wanted->name != nullptr; ++wanted) {
    if (std::string_view(wanted->name) != SASL_AUX_PASSWORD || wanted->values != nullptr) continue;
    const auto text = password->reveal();
    // `wanted` is not used any more: setting a value may move the list.
    return utils->prop_set(parameters->propctx, SASL_AUX_PASSWORD, text.data(),
                           static_cast<int>(text.size()));
  }
  return SASL_OK;
}

}  // namespace

int cyrus::users_plugin(const sasl_utils_t* /*utils*/, int max_version, int* version,
                        sasl_auxprop_plug_t** plugin, const char* /*name*/) {
  if (max_version < SASL_AUXPROP_PLUG_VERSION) return SASL_BADVERS;
  static std::string name = kUsers;
  static sasl_auxprop_plug_t users{.features = 0,
                                   .spare_int1 = 0,
                                   .glob_context = nullptr,
                                   .auxprop_free = nullptr,
                                   .auxprop_lookup = look_up,
                                   .name = name.data(),
                                   .auxprop_store = nullptr};
  *version = SASL_AUXPROP_PLUG_VERSION;
  *plugin = &users;
  return SASL_OK;
}

Result<std::unique_ptr<SaslServer>> make_sasl_server(SaslMechanism mechanism,
                                                     std::shared_ptr<const SaslUsers> users,
                                                     std::string service) {
  LH_TRY_VOID(cyrus::start_server());
  auto server = std::make_unique<CyrusServer>(mechanism, std::move(users), std::move(service));
  LH_TRY_VOID(server->start());
  return server;
}

}  // namespace longhaul::net
