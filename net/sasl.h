#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace longhaul::net {

/// Ways to prove who one is. More will follow (GSSAPI, OAUTHBEARER), each behind the same SaslClient.
enum class SaslMechanism { plain, scram_sha_256, scram_sha_512 };

/// The registered name: "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512".
[[nodiscard]] std::string_view to_string(SaslMechanism mechanism);
/// The mechanism of that name, upper case as it is registered; nullopt for one that is not built here.
[[nodiscard]] std::optional<SaslMechanism> parse_sasl_mechanism(std::string_view name);

/// Failures of an exchange. The detail of an Error says more; it never holds a secret.
enum class SaslErrc {
  unavailable = 1,       ///< the mechanism cannot be used in this installation
  unusable_credentials,  ///< the user name or the password cannot be sent with this mechanism
  bad_message,           ///< the other side's message does not follow the mechanism
  weak_server,           ///< the server asks for less work on the password than is safe, or for absurdly much
  server_not_authentic,  ///< the server could not prove that it knows the user's password
  refused,               ///< the other side's credentials are wrong, or it says that ours are
  internal,              ///< the library failed
};

[[nodiscard]] const boost::system::error_category& sasl_category();
[[nodiscard]] inline boost::system::error_code make_error_code(SaslErrc code) {
  return {static_cast<int>(code), sasl_category()};
}

/// What one side proves itself with. `username` and `password` are UTF-8 and used byte by byte.
struct SaslCredentials {
  SaslMechanism mechanism = SaslMechanism::plain;
  std::string username;
  Secret password;
};

/// One exchange as the client sees it: the server's token in, ours out; who carries the tokens is the
/// caller's affair. Belongs to one core, blocks for the milliseconds that a SCRAM password takes.
class SaslClient {
 public:
  virtual ~SaslClient() = default;

  /// The first call, with an empty challenge, gives the first token (possibly empty, to be sent all the
  /// same). Every later one takes the server's token and gives the next one, or nullopt when there is nothing
  /// more to send. After an error the exchange is over.
  [[nodiscard]] virtual Result<std::optional<Bytes>> step(ConstBytes challenge) = 0;

  /// Whether the mechanism is satisfied: with SCRAM after the server's signature was verified, with PLAIN
  /// after the first token. What the server thinks is known only when it says so.
  [[nodiscard]] virtual bool done() const = 0;
};

/// A client of `service` ("kafka") on `host`, the name that was dialled. No security layer is negotiated:
/// encryption is TLS's affair.
[[nodiscard]] Result<std::unique_ptr<SaslClient>> make_sasl_client(const SaslCredentials& credentials,
                                                                   std::string host, std::string service);

/// Who may come in: user name to password.
using SaslUsers = std::map<std::string, Secret, std::less<>>;

/// One exchange as the server sees it.
class SaslServer {
 public:
  virtual ~SaslServer() = default;

  /// Takes a client's token, gives ours, possibly empty. SaslErrc::refused for wrong credentials; which part
  /// was wrong is not said. After an error the exchange is over.
  [[nodiscard]] virtual Result<Bytes> step(ConstBytes token) = 0;
  /// Whether the client has proved itself.
  [[nodiscard]] virtual bool done() const = 0;
  /// The user, once done.
  [[nodiscard]] virtual const std::string& username() const = 0;
};

/// The other side of `make_sasl_client`. `users` is looked at during the exchange.
[[nodiscard]] Result<std::unique_ptr<SaslServer>> make_sasl_server(SaslMechanism mechanism,
                                                                   std::shared_ptr<const SaslUsers> users,
                                                                   std::string service);

}  // namespace longhaul::net

template <>
struct boost::system::is_error_code_enum<longhaul::net::SaslErrc> : std::true_type {};
