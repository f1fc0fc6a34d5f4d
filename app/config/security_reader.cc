#include "app/config/security_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/config/jaas.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

constexpr std::string_view kMechanisms = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512";

std::string at(const Setting& setting) {
  return fmt::format("{}:{}: {}", setting.origin.file, setting.origin.line, setting.origin.key);
}

/// Trimmed as all of Kafka's passwords, so that a file's final line end does not count.
std::optional<Sourced<Secret>> password_of(OptionReader& in, std::string_view key) {
  const auto* setting = in.setting(key);
  if (!setting) return std::nullopt;
  return Sourced<Secret>{Secret(std::string(trimmed(setting->value))), setting->origin};
}

/// A path or PEM text; an empty value means nothing.
std::optional<Sourced<std::string>> text_of(OptionReader& in, std::string_view key) {
  const auto* setting = in.setting(key);
  if (!setting || trimmed(setting->value).empty()) return std::nullopt;
  return Sourced<std::string>{std::string(trimmed(setting->value)), setting->origin};
}

std::optional<Sourced<std::string>> pem_of(OptionReader& in, std::string_view key) {
  auto text = text_of(in, key);
  if (text) text->value = normal_pem(text->value);
  return text;
}

void check_store_type(OptionReader& in, std::string_view key) {
  const auto* setting = in.setting(key);
  if (!setting) return;
  const auto type = lowered(trimmed(setting->value));
  if (type == "jks" || type == "pkcs12" || type == "pem") return;
  in.complain(wrong_value(*setting, "JKS, PKCS12, PEM"));
}

/// Two keys that each say everything.
void refuse_both(OptionReader& in, std::string_view location, std::string_view inline_key) {
  const auto* file = in.setting(location);
  const auto* text = in.setting(inline_key);
  if (!file || !text || trimmed(file->value).empty() || trimmed(text->value).empty()) return;
  in.complain(refused(
      *text, fmt::format("must not be set together with {} (line {})", file->origin.key, file->origin.line)));
}

void refuse_without(OptionReader& in, std::string_view key, std::string_view needed) {
  const auto* setting = in.setting(key);
  if (setting && !in.setting(needed)) in.complain(refused(*setting, fmt::format("needs {} too", needed)));
}

void read_trust(OptionReader& in, TlsSettings& out) {
  out.truststore_location = text_of(in, "ssl.truststore.location");
  out.truststore_certificates = pem_of(in, "ssl.truststore.certificates");
  out.truststore_password = password_of(in, "ssl.truststore.password");
  check_store_type(in, "ssl.truststore.type");
  refuse_both(in, "ssl.truststore.location", "ssl.truststore.certificates");
}

void read_identity(OptionReader& in, TlsSettings& out) {
  out.keystore_location = text_of(in, "ssl.keystore.location");
  out.keystore_certificate_chain = pem_of(in, "ssl.keystore.certificate.chain");
  if (auto key = pem_of(in, "ssl.keystore.key")) {
    out.keystore_key = Sourced<Secret>{Secret(std::move(key->value)), std::move(key->origin)};
  }
  out.keystore_password = password_of(in, "ssl.keystore.password");
  out.key_password = password_of(in, "ssl.key.password");
  check_store_type(in, "ssl.keystore.type");
  refuse_both(in, "ssl.keystore.location", "ssl.keystore.key");
  refuse_without(in, "ssl.keystore.key", "ssl.keystore.certificate.chain");
  refuse_without(in, "ssl.keystore.certificate.chain", "ssl.keystore.key");
}

/// The origin of a list as `OptionReader::list` reads it.
Sourced<std::vector<std::string>> sourced_list(OptionReader& in, std::string_view key,
                                               std::string_view fallback) {
  Sourced<std::vector<std::string>> out{in.list(key, fallback), {}};
  if (const auto* setting = in.setting(key)) out.origin = setting->origin;
  return out;
}

void read_versions(OptionReader& in, TlsSettings& out) {
  constexpr std::string_view kOld[] = {"tlsv1.1", "tlsv1", "sslv3", "sslv2hello"};
  out.enabled_protocols = sourced_list(in, "ssl.enabled.protocols", "TLSv1.2,TLSv1.3");
  const auto* setting = in.setting("ssl.enabled.protocols");
  std::vector<std::string> kept;
  for (const auto& name : out.enabled_protocols.value) {
    const auto word = lowered(name);
    if (word == "tlsv1.2" || word == "tlsv1.3") {
      kept.push_back(word == "tlsv1.2" ? "TLSv1.2" : "TLSv1.3");
    } else if (std::ranges::find(kOld, word) == std::end(kOld)) {
      in.complain(wrong_value(*setting, "TLSv1.2, TLSv1.3"));
    } else {
      in.warn(WarningKind::value, *setting,
              fmt::format("{} is not safe and never used, as with current Java releases", name));
    }
  }
  // Kafka: a client whose ssl.protocol is TLSv1.2 does not use TLSv1.3, whatever else is enabled.
  enum class Newest { tls12, tls13 };
  const auto newest =
      in.choice("ssl.protocol", Newest::tls13,
                {{"TLSv1.3", Newest::tls13}, {"TLSv1.2", Newest::tls12}, {"TLS", Newest::tls13}});
  if (newest == Newest::tls12) {
    out.enabled_protocols.origin = in.setting("ssl.protocol")->origin;
    std::erase(kept, "TLSv1.3");
  }
  if (kept.empty()) {
    const auto* blamed = setting ? setting : in.setting("ssl.protocol");
    if (blamed) in.complain(refused(*blamed, "leaves no version of TLS: TLSv1.2 and TLSv1.3 are served"));
  }
  out.enabled_protocols.value = std::move(kept);
}

bool read_verify_host(OptionReader& in) {
  const auto* setting = in.note("ssl.endpoint.identification.algorithm", "https");
  if (!setting) return true;
  const auto word = lowered(trimmed(setting->value));
  if (word == "https") return true;
  if (!word.empty())
    in.complain(wrong_value(*setting, "https, or nothing to accept a certificate of any host"));
  in.warn(WarningKind::value, *setting,
          "empty: whoever has any certificate of a trusted authority can pose as this cluster");
  return false;
}

TlsSettings read_tls(OptionReader& in) {
  TlsSettings out;
  read_trust(in, out);
  read_identity(in, out);
  read_versions(in, out);
  out.cipher_suites = sourced_list(in, "ssl.cipher.suites", "");
  out.verify_host = read_verify_host(in);
  return out;
}

/// What stands in front of a missing key: where it has to be written.
std::string where(const SecuritySettings& security) {
  return fmt::format("{}:{}: {} = {}", security.origin.file, security.origin.line, security.origin.key,
                     to_string(security.protocol));
}

/// The name of a mechanism that is served, or why the client cannot connect.
std::optional<Sourced<std::string>> read_mechanism(OptionReader& in, std::string_view cluster,
                                                   SecuritySettings& security) {
  constexpr std::array<std::string_view, 3> kServed{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  constexpr std::array<std::string_view, 4> kLater{"GSSAPI", "OAUTHBEARER", "AWS_MSK_IAM", "EXTERNAL"};
  const auto* setting = in.note("sasl.mechanism", "GSSAPI");
  if (!setting) {
    security.not_served = fmt::format(
        "{} needs {}.sasl.mechanism: Kafka's default, GSSAPI, is not served by this version; served: {}",
        where(security), cluster, kMechanisms);
    return std::nullopt;
  }
  const std::string name(trimmed(setting->value));
  if (std::ranges::find(kServed, name) != kServed.end()) return Sourced<std::string>{name, setting->origin};
  if (std::ranges::find(kLater, name) != kLater.end()) {
    security.not_served = fmt::format("{}: the mechanism {} is not served by this version; served: {}",
                                      at(*setting), setting->printable(), kMechanisms);
  } else {
    in.complain(wrong_value(*setting, kMechanisms));
  }
  return std::nullopt;
}

/// User name and password out of the single login module of `sasl.jaas.config`.
std::optional<SaslSettings> read_jaas(OptionReader& in, std::string_view cluster,
                                      Sourced<std::string> mechanism, SecuritySettings& security) {
  const auto* setting = in.setting("sasl.jaas.config");
  if (!setting) {
    security.not_served = fmt::format(
        "{} needs {}.sasl.jaas.config (a file named by -Djava.security.auth.login.config is not read)",
        where(security), cluster);
    return std::nullopt;
  }
  auto entries = parse_jaas(setting->value);
  if (!entries) {
    in.complain(refused(*setting, entries.error().message()));
    return std::nullopt;
  }
  if (entries->size() != 1) {
    in.complain(
        refused(*setting, fmt::format("has {} login modules; a client has exactly one", entries->size())));
    return std::nullopt;
  }
  const auto& entry = entries->front();
  const auto name = entry.class_name();
  if (name != "PlainLoginModule" && name != "ScramLoginModule") {
    security.not_served = fmt::format(
        "{}: the login module is not served by this version; served: PlainLoginModule, ScramLoginModule",
        at(*setting));
    return std::nullopt;
  }
  if (const auto* token = entry.find("tokenauth"); token && lowered(token->reveal()) == "true") {
    security.not_served =
        fmt::format("{}: delegation tokens (tokenauth) are not served by this version", at(*setting));
    return std::nullopt;
  }
  const auto* username = entry.find("username");
  const auto* password = entry.find("password");
  if (!username || username->empty() || !password) {
    in.complain(refused(*setting, fmt::format("the login module has no {}",
                                              !username || username->empty() ? "username" : "password")));
    return std::nullopt;
  }
  return SaslSettings{std::move(mechanism), std::string(username->reveal()), *password, setting->origin};
}

void warn_unprotected(OptionReader& in) {
  const auto* jaas = in.setting("sasl.jaas.config");
  if (!jaas) return;
  in.warn(WarningKind::value, *jaas,
          "not used: security.protocol is PLAINTEXT, which neither authenticates nor encrypts");
}

}  // namespace

std::string_view to_string(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::plaintext:
      return "PLAINTEXT";
    case SecurityProtocol::ssl:
      return "SSL";
    case SecurityProtocol::sasl_plaintext:
      return "SASL_PLAINTEXT";
    case SecurityProtocol::sasl_ssl:
      return "SASL_SSL";
  }
  return "unknown";
}

SecurityProtocol read_security_protocol(OptionReader& in) {
  return in.choice("security.protocol", SecurityProtocol::plaintext,
                   {{"PLAINTEXT", SecurityProtocol::plaintext},
                    {"SSL", SecurityProtocol::ssl},
                    {"SASL_PLAINTEXT", SecurityProtocol::sasl_plaintext},
                    {"SASL_SSL", SecurityProtocol::sasl_ssl}});
}

SecuritySettings read_security(OptionReader& in, std::string_view cluster) {
  using enum SecurityProtocol;
  SecuritySettings security;
  security.protocol = read_security_protocol(in);
  if (const auto* setting = in.setting("security.protocol")) security.origin = setting->origin;
  if (security.protocol == plaintext) warn_unprotected(in);
  if (security.protocol == ssl || security.protocol == sasl_ssl) security.tls = read_tls(in);
  if (security.protocol == sasl_plaintext || security.protocol == sasl_ssl) {
    if (auto mechanism = read_mechanism(in, cluster, security)) {
      security.sasl = read_jaas(in, cluster, *std::move(mechanism), security);
    }
  }
  return security;
}

std::string normal_pem(std::string_view text) {
  constexpr std::string_view kDashes = "-----";
  constexpr std::size_t kWidth = 64;
  std::string out;
  std::size_t at = 0;
  while (true) {
    const auto begin = text.find("-----BEGIN ", at);
    if (begin == std::string_view::npos) return out.empty() ? std::string(text) : out;
    const auto begin_end = text.find(kDashes, begin + kDashes.size());
    if (begin_end == std::string_view::npos) return std::string(text);
    const auto end = text.find("-----END ", begin_end + kDashes.size());
    if (end == std::string_view::npos) return std::string(text);
    const auto end_end = text.find(kDashes, end + kDashes.size());
    if (end_end == std::string_view::npos) return std::string(text);
    const auto body = text.substr(begin_end + kDashes.size(), end - begin_end - kDashes.size());
    out += fmt::format("{}\n", text.substr(begin, begin_end + kDashes.size() - begin));
    if (body.find(':') != std::string_view::npos) {
      // Headers of an encrypted key of the old kind: their lines mean something.
      out += fmt::format("{}\n", trimmed(body));
    } else {
      std::string base64;
      std::ranges::copy_if(body, std::back_inserter(base64),
                           [](char c) { return static_cast<unsigned char>(c) > ' '; });
      for (std::size_t i = 0; i < base64.size(); i += kWidth) out += base64.substr(i, kWidth) + "\n";
    }
    out += fmt::format("{}\n", text.substr(end, end_end + kDashes.size() - end));
    at = end_end + kDashes.size();
  }
}

}  // namespace longhaul::config
