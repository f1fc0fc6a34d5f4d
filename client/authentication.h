#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/io.h"
#include "net/sasl.h"

namespace longhaul::client {

/// Who authenticates, and how; good for any number of authentications.
struct SaslSetup {
  std::string mechanism;
  std::string username;  ///< for messages
  std::function<Result<std::unique_ptr<net::SaslClient>>()> make_client;
};

/// The setup for Kafka's brokers on `host`, the name that was dialled.
[[nodiscard]] SaslSetup sasl_setup(const net::SaslCredentials& credentials, const std::string& host);

/// Send SaslHandshake (version 1) for this mechanism.
struct AskHandshake {
  std::string mechanism;
};
/// Send this token in SaslAuthenticate of this version.
struct AskToken {
  std::int16_t version;
  Bytes token;
};

/// Sans-I/O: one authentication (KIP-43, KIP-152): SaslHandshake, then SaslAuthenticate until the mechanism
/// is satisfied and its last token was answered. The same for a first and for a repeated one (KIP-368).
class Authentication {
 public:
  /// The broker is satisfied. A session of a lifetime above 0 has to be renewed before it is over.
  struct Done {
    milliseconds lifetime;
  };
  using Step = std::variant<AskHandshake, AskToken, Done, Error>;

  /// `token_version` of SaslAuthenticate; `setup` is copied.
  Authentication(SaslSetup setup, std::int16_t token_version)
      : setup_(std::move(setup)), token_version_(token_version) {}

  [[nodiscard]] Step start();
  /// `body` is the response to what was asked for last, without its header. Errors name user and mechanism
  /// and what the broker says, never a secret.
  [[nodiscard]] Step on_response(ConstBytes body);

 private:
  [[nodiscard]] Step on_handshake(ConstBytes body);
  [[nodiscard]] Step on_token(ConstBytes body);
  [[nodiscard]] Step next_token(ConstBytes challenge, milliseconds lifetime);
  /// "user 'alice' with SCRAM-SHA-512", in front of an error's detail.
  [[nodiscard]] Error of_user(Error error) const;

  SaslSetup setup_;
  std::int16_t token_version_;
  std::unique_ptr<net::SaslClient> client_;  ///< null until the handshake is answered
  int tokens_ = 0;
};

/// When to authenticate again: at a random point between 85 and 95 % of the lifetime as Kafka's clients do,
/// so that connections which began together do not repeat it together. Counted from `sent`, when the last
/// token was sent, because the broker began to count after that; but not within one second after `answered`,
/// which brokers refuse. `SteadyTime::max()` for a lifetime of 0: never.
[[nodiscard]] SteadyTime reauthentication_time(SteadyTime sent, SteadyTime answered, milliseconds lifetime,
                                               net::Random& random);

}  // namespace longhaul::client
