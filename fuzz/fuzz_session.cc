// What a broker says while a session begins, with and without SASL. The first line names the mechanism; each
// other line is one answer: 'v' versions, 'h' a handshake that goes on, 't' a token ('%' stands for our
// nonce), 'r' a raw body. Whatever it says: the exchange ends, SCRAM ends well for nobody who does not know
// the password, and no error holds the password.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "client/session_fsm.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/wire.h"

namespace longhaul::client {
namespace {

constexpr const char* kPassword = "correct horse battery staple";

template <class Response>
Bytes body(const Response& response, int version) {
  protocol::GatherBuffer out;
  LH_CHECK(protocol::encode(response, version, out).has_value());
  return out.flattened();
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

/// The body that a line stands for, as the answer to `step`.
Bytes answer(std::string_view line, const SessionFsm::Step& step, std::string_view nonce) {
  const char kind = line.empty() ? 'r' : line.front();
  if (!line.empty()) line.remove_prefix(1);
  if (kind == 'v') {
    protocol::ApiVersionsResponse versions;
    for (const auto& api : protocol::kApis) {
      versions.api_keys.push_back({static_cast<std::int16_t>(api.key), 0, api.version_max});
    }
    const auto* const ask = std::get_if<SessionFsm::AskVersions>(&step);
    return body(versions, ask == nullptr ? 0 : ask->version);
  }
  if (kind == 'h') return body(protocol::SaslHandshakeResponse{}, 1);
  if (kind == 't') {
    std::string token;
    for (const char c : line) c == '%' ? token.append(nonce) : token.append(1, c);
    protocol::SaslAuthenticateResponse response;
    const auto bytes = as_bytes(token);
    response.auth_bytes.assign(bytes.begin(), bytes.end());
    const auto* const ask = std::get_if<AskToken>(&step);
    return body(response, ask == nullptr ? 2 : ask->version);
  }
  const auto bytes = as_bytes(line);
  return {bytes.begin(), bytes.end()};
}

std::optional<SaslSetup> setup(std::optional<net::SaslMechanism> mechanism) {
  if (!mechanism) return std::nullopt;
  return sasl_setup({.mechanism = *mechanism, .username = "alice", .password = Secret(kPassword)}, "kafka-1");
}

void try_session(std::string_view rest) {
  const auto mechanism = net::parse_sasl_mechanism(take_line(rest));
  SessionFsm session(setup(mechanism));
  auto step = session.start();
  std::string nonce;
  for (int asked = 0;; ++asked) {
    LH_CHECK(asked < 64);
    if (const auto* const error = std::get_if<Error>(&step)) {
      LH_CHECK(error->message().find(kPassword) == std::string::npos);
      return;
    }
    if (std::holds_alternative<SessionFsm::Ready>(step)) {
      LH_CHECK(!mechanism || *mechanism == net::SaslMechanism::plain);
      return;
    }
    if (const auto* const ask = std::get_if<AskToken>(&step)) {
      const auto token = as_text(ask->token);
      if (const auto at = token.find(",r="); nonce.empty() && at != std::string_view::npos) {
        nonce = token.substr(at + 3);
      }
    }
    if (rest.empty()) return;
    const auto line = take_line(rest);
    step = session.on_response(answer(line, step, nonce));
  }
}

}  // namespace
}  // namespace longhaul::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view said(reinterpret_cast<const char*>(data), size);
  // Errors may repeat what the broker said; one that says the password has it already.
  if (said.find(longhaul::client::kPassword) == std::string_view::npos) longhaul::client::try_session(said);
  return 0;
}
