#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "net/io.h"
#include "protocol/error_code.h"
#include "protocol/wire.h"

namespace longhaul::client {

/// What a caller does about an error. This module alone decides it; nobody else compares error codes to find
/// out.
enum class Reaction {
  proceed,           ///< no error, or a duplicate that was appended before: success
  retry,             ///< the same request again after a back-off
  refresh_metadata,  ///< ask who leads, then the same request there
  find_coordinator,  ///< ask who coordinates, then the same request there
  restart_session,   ///< the fetch session is gone: a full fetch
  reset_position,    ///< the position is outside the log or on a log that was cut: decide it anew
  check_sequence,    ///< the broker's idea of the producer differs: look at what was appended before sending
                     ///< more
  fail_partition,    ///< this partition (topic, group, resource) cannot go on; others can
  fail_flow,         ///< nothing of this kind will work before somebody changes something
};

/// Whether a request that failed may have taken effect: if so, a write may be repeated only where repeating
/// is harmless (same producer id, epoch and sequence).
enum class Effect { none, unknown };

/// Reaction to any error that client calls return: Kafka's codes, the client's, net's and the system's.
/// A cancelled wait (`net::is_aborted`) gives fail_flow: whoever is being stopped does not retry.
[[nodiscard]] Reaction reaction_to(const ErrorCode& code);
[[nodiscard]] Reaction reaction_to(protocol::KafkaErrc code);
[[nodiscard]] inline Reaction reaction_to(const Error& error) {
  return reaction_to(error.code);
}

/// Whether the same request may succeed a moment later, here or at another broker.
[[nodiscard]] inline bool passes(const Error& error) {
  const auto reaction = reaction_to(error);
  return reaction == Reaction::retry || reaction == Reaction::refresh_metadata ||
         reaction == Reaction::find_coordinator;
}

/// Whether the cluster, or its metadata, does not know the topic or partition.
[[nodiscard]] bool says_unknown(const Error& error);

/// Effect on the broker of a request that failed with `code`.
[[nodiscard]] Effect effect_of(const ErrorCode& code);

/// Whether an error of a connection, not an answer of a broker: another broker or another attempt may do
/// better.
[[nodiscard]] bool is_connection_error(const ErrorCode& code);

/// Whether a connection failed because one side does not accept who the other one is: wrong credentials, a
/// certificate that is not trusted or for another host, no mechanism or TLS version in common. It passes only
/// when somebody changes something, on either side.
[[nodiscard]] bool is_refusal(const ErrorCode& code);

/// Pauses after a refusal, instead of reconnect.backoff.ms and its maximum: an attempt costs both sides more
/// than others do, may lock a user out, and seldom ends differently.
inline constexpr milliseconds kRefusedBackoff{5'000};
inline constexpr milliseconds kRefusedBackoffMax{60'000};

/// Waiting times between attempts: `base`, doubled each time up to `max`, each spread by +-20 % as Kafka's
/// clients do, so that those who failed together do not come back together.
class Backoff {
 public:
  Backoff(milliseconds base, milliseconds max, net::Random& random)
      : base_(base), max_(max), random_(&random) {}

  [[nodiscard]] SteadyTime::duration next();
  /// `next()`, but the longer pauses after a refusal.
  [[nodiscard]] SteadyTime::duration next_after(const ErrorCode& reason);
  void reset() { attempts_ = refusals_ = 0; }
  [[nodiscard]] int attempts() const { return attempts_; }

 private:
  [[nodiscard]] SteadyTime::duration spread(milliseconds base, milliseconds max, int& attempts);

  milliseconds base_;
  milliseconds max_;
  net::Random* random_;
  int attempts_ = 0;
  int refusals_ = 0;  ///< in a row
};

}  // namespace longhaul::client
