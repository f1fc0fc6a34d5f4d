#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "net/sasl.h"

namespace longhaul::test {

/// The server's side of SCRAM (RFC 5802) straight from OpenSSL, for one exchange with one user; what it says
/// can be spoiled.
struct ScramServer {
  net::SaslMechanism mechanism;
  std::string username;
  std::string password;
  std::string announced_iterations = "4096";
  std::string nonce_prefix = "";        ///< instead of the client's nonce
  std::string nonce_suffix = "server";  ///< our part of the nonce
  std::string whole_first = "unset";    ///< the first message, whatever the client said

  std::string client_first_bare = "";
  std::string server_first = "";
  std::string auth_message = "";
  std::string salted = "";

  /// The answer to the client's first message; empty when that is not what it should be.
  std::string first(std::string_view message) {
    if (!message.starts_with("n,,")) return "";
    client_first_bare = message.substr(3);
    const auto expected = "n=" + escaped(username) + ",r=";
    if (!client_first_bare.starts_with(expected)) return "";
    const auto nonce = client_first_bare.substr(expected.size());
    const std::string salt = "0123456789abcdef";
    server_first = "r=" + (nonce_prefix.empty() ? nonce : nonce_prefix) + nonce_suffix +
                   ",s=" + base64(salt) + ",i=" + announced_iterations;
    if (whole_first != "unset") server_first = whole_first;
    const auto iterations = std::atoi(announced_iterations.c_str());
    salted.resize(size());
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes(salt),
                      static_cast<int>(salt.size()), std::clamp(iterations, 1, 70'000), digest(),
                      static_cast<int>(size()), reinterpret_cast<unsigned char*>(salted.data()));
    return server_first;
  }

  /// Whether the client's proof is right.
  bool accepts(std::string_view client_final) {
    const auto at = client_final.rfind(",p=");
    if (at == std::string_view::npos) return false;
    const auto without_proof = std::string(client_final.substr(0, at));
    auth_message = client_first_bare + "," + server_first + "," + without_proof;
    const auto client_key = hmac(salted, "Client Key");
    std::string stored(size(), '\0');
    EVP_Digest(client_key.data(), client_key.size(), reinterpret_cast<unsigned char*>(stored.data()), nullptr,
               digest(), nullptr);
    auto proof = hmac(stored, auth_message);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    return client_final.substr(at + 3) == base64(proof);
  }

  /// The last message, with the server's signature.
  [[nodiscard]] std::string last() const {
    return "v=" + base64(hmac(hmac(salted, "Server Key"), auth_message));
  }

 private:
  static const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  static std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
      if (c == ',') {
        out += "=2C";
      } else if (c == '=') {
        out += "=3D";
      } else {
        out += c;
      }
    }
    return out;
  }
  static std::string base64(std::string_view in) {
    std::string out((in.size() + 2) / 3 * 4 + 1, '\0');
    const auto length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes(in), static_cast<int>(in.size()));
    out.resize(static_cast<std::size_t>(length));
    return out;
  }
  [[nodiscard]] const EVP_MD* digest() const {
    return mechanism == net::SaslMechanism::scram_sha_512 ? EVP_sha512() : EVP_sha256();
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(EVP_MD_get_size(digest())); }
  [[nodiscard]] std::string hmac(std::string_view key, std::string_view text) const {
    std::string out(size(), '\0');
    HMAC(digest(), key.data(), static_cast<int>(key.size()), bytes(text), text.size(),
         reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
  }
};

}  // namespace longhaul::test
