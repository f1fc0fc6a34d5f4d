#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/printable.h"
#include "net/cyrus.h"
#include "net/sasl.h"

namespace longhaul::net {
namespace {

/// Below this a stolen exchange is cheap to guess from: RFC 7677 and Kafka's clients refuse it.
constexpr std::uint64_t kIterationsMin = 4096;
/// What the library computes at most; a server that asks for more would keep a core busy.
constexpr std::uint64_t kIterationsMax = 65'536;
constexpr std::chrono::milliseconds kSlowLookup{500};

/// The parts of a SCRAM message, which commas separate.
std::string_view scram_part(std::string_view message, std::size_t index) {
  for (; index > 0; --index) {
    const auto comma = message.find(',');
    if (comma == std::string_view::npos) return {};
    message.remove_prefix(comma + 1);
  }
  return message.substr(0, message.find(','));
}

class CyrusClient final : public SaslClient {
 public:
  CyrusClient(const SaslCredentials& credentials, std::string host, std::string service)
      : mechanism_(credentials.mechanism),
        username_(credentials.username),
        host_(std::move(host)),
        service_(std::move(service)) {
    const auto password = credentials.password.reveal();
    secret_.resize(sizeof(sasl_secret_t) + password.size());
    auto* const secret = reinterpret_cast<sasl_secret_t*>(secret_.data());
    secret->len = password.size();
    std::memcpy(secret->data, password.data(), password.size());
    callbacks_ = {
        cyrus::callback(SASL_CB_USER, no_authorization_id, this),
        cyrus::callback(SASL_CB_AUTHNAME, give_username, this),
        cyrus::callback(SASL_CB_PASS, give_password, this),
        {SASL_CB_LIST_END, nullptr, nullptr},
    };
  }
  ~CyrusClient() override {
    connection_.reset();
    Secret::wipe(secret_);
  }
  CyrusClient(const CyrusClient&) = delete;
  CyrusClient& operator=(const CyrusClient&) = delete;

  [[nodiscard]] Result<void> start() {
    sasl_conn_t* made = nullptr;
    const auto before = std::chrono::steady_clock::now();
    const auto result = sasl_client_new(service_.c_str(), host_.c_str(), nullptr, nullptr, callbacks_.data(),
                                        SASL_SUCCESS_DATA, &made);
    // The library looks this machine's own name up, though no mechanism here wants it.
    if (std::chrono::steady_clock::now() - before > kSlowLookup) {
      log::warn(
          "looking up this machine's own name is slow and holds up connections: put it into /etc/hosts");
    }
    if (result == SASL_NOMECH) return unavailable();
    if (result != SASL_OK) return fail(SaslErrc::internal, "{}", cyrus::last_words(nullptr, result));
    connection_.reset(made);
    if (!cyrus::allow_everything(*made)) return fail(SaslErrc::internal, "security properties");
    return {};
  }

  [[nodiscard]] Result<std::optional<Bytes>> step(ConstBytes challenge) override {
    if (over_) return fail(SaslErrc::internal, "the exchange is over");
    // What a server says after the mechanism is satisfied (PLAIN's empty answer) means nothing.
    if (done_) return std::optional<Bytes>();
    over_ = true;  // unless all goes well
    const char* out = nullptr;
    unsigned size = 0;
    int result = SASL_OK;
    if (steps_ == 0) {
      const std::string name(to_string(mechanism_));
      result = sasl_client_start(connection_.get(), name.c_str(), nullptr, &out, &size, nullptr);
      if (result == SASL_NOMECH) return unavailable();
    } else {
      LH_TRY_VOID(inspect(as_text(challenge)));
      result = sasl_client_step(connection_.get(), as_text(challenge).data(),
                                static_cast<unsigned>(challenge.size()), nullptr, &out, &size);
    }
    if (result != SASL_OK && result != SASL_CONTINUE) return failure(result);
    over_ = false;
    done_ = result == SASL_OK;
    // The last step of a mechanism in which the server speaks last gives no token.
    if (++steps_ > 1 && done_ && size == 0) return std::optional<Bytes>();
    const auto token = as_bytes({out != nullptr ? out : "", size});
    return Bytes(token.begin(), token.end());
  }

  [[nodiscard]] bool done() const override { return done_; }

 private:
  // Kafka takes an authorization id only when it is empty or the user name itself.
  static int no_authorization_id(void* /*context*/, int /*id*/, const char** result, unsigned* size) {
    *result = "";
    if (size != nullptr) *size = 0;
    return SASL_OK;
  }
  static int give_username(void* context, int /*id*/, const char** result, unsigned* size) {
    const auto& name = static_cast<CyrusClient*>(context)->username_;
    *result = name.c_str();
    if (size != nullptr) *size = static_cast<unsigned>(name.size());
    return SASL_OK;
  }
  static int give_password(sasl_conn_t* /*connection*/, void* context, int /*id*/, sasl_secret_t** secret) {
    *secret = reinterpret_cast<sasl_secret_t*>(static_cast<CyrusClient*>(context)->secret_.data());
    return SASL_OK;
  }

  [[nodiscard]] std::unexpected<Error> unavailable() const {
    return fail(SaslErrc::unavailable,
                "{}: the Cyrus SASL plug-in is missing (Debian package libsasl2-modules)",
                to_string(mechanism_));
  }

  [[nodiscard]] std::unexpected<Error> failure(int result) const {
    auto words = printable(cyrus::last_words(connection_.get(), result));
    switch (result) {
      case SASL_BADAUTH:
        return fail(SaslErrc::server_not_authentic, "{}", words);
      case SASL_BADPROT:
        return fail(SaslErrc::bad_message, "{}", words);
      case SASL_BUFOVER:
        return fail(SaslErrc::unusable_credentials, "{}", words);
      default:
        return fail(SaslErrc::internal, "{}", words);
    }
  }

  // What the library leaves unchecked: it has an empty branch where too few iterations should be refused,
  // wraps counts beyond 32 bits, and has no words for a server's refusal.
  [[nodiscard]] Result<void> inspect(std::string_view message) const {
    if (mechanism_ == SaslMechanism::plain) return {};
    if (message.starts_with("e=")) {
      return fail(SaslErrc::refused, "the server says '{}'", printable(scram_part(message, 0).substr(2)));
    }
    if (steps_ != 1) return {};
    const auto part = scram_part(message, 2);
    if (!message.starts_with("r=") || !part.starts_with("i=")) {
      return fail(SaslErrc::bad_message, "the server's first message has no nonce, salt and iteration count");
    }
    const auto digits = part.substr(2);
    std::uint64_t iterations = 0;
    const auto* const end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, iterations);
    if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) {
      return fail(SaslErrc::bad_message, "the iteration count '{}' is no number", printable(digits));
    }
    if (parsed.ec != std::errc() || iterations < kIterationsMin || iterations > kIterationsMax) {
      return fail(SaslErrc::weak_server, "{} iterations, {} to {} are accepted", printable(digits),
                  kIterationsMin, kIterationsMax);
    }
    return {};
  }

  SaslMechanism mechanism_;
  std::string username_;
  std::string secret_;  ///< a sasl_secret_t, whose password has no fixed size
  std::string host_;
  std::string service_;
  std::vector<sasl_callback_t> callbacks_;  ///< the library keeps the pointer
  cyrus::Connection connection_;
  int steps_ = 0;
  bool done_ = false;
  bool over_ = false;
};

}  // namespace

Result<std::unique_ptr<SaslClient>> make_sasl_client(const SaslCredentials& credentials, std::string host,
                                                     std::string service) {
  const auto& name = credentials.username;
  const auto password = credentials.password.reveal();
  if (name.empty()) return fail(SaslErrc::unusable_credentials, "the user name is empty");
  if (name.size() >= cyrus::kUsernameMax) {
    return fail(SaslErrc::unusable_credentials, "the user name has {} bytes, fewer than {} can be sent",
                name.size(), cyrus::kUsernameMax);
  }
  if (name.find('\0') != std::string::npos || password.find('\0') != std::string_view::npos) {
    return fail(SaslErrc::unusable_credentials, "the user name or the password has a zero byte");
  }
  LH_TRY_VOID(cyrus::start_client());
  auto client = std::make_unique<CyrusClient>(credentials, std::move(host), std::move(service));
  LH_TRY_VOID(client->start());
  return client;
}

}  // namespace longhaul::net
