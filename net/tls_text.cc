#include "net/tls_text.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string_view>

namespace longhaul::net {
namespace {

constexpr int kNamesShown = 10;
constexpr std::size_t kTextShown = 300;

using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<&GENERAL_NAMES_free>>;

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kTextShown));
  for (auto& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text.size() > kTextShown ? out + "..." : out;
}

std::string one_line(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? printable({text, static_cast<std::size_t>(size)}) : "(no name)";
}

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

/// An address of 4 or 16 bytes.
std::string address_text(std::string_view bytes) {
  std::string out;
  const auto byte_at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 4) {
    return fmt::format("{}.{}.{}.{}", byte_at(0), byte_at(1), byte_at(2), byte_at(3));
  }
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    out += fmt::format("{}{:x}", i == 0 ? "" : ":", byte_at(i) << 8 | byte_at(i + 1));
  }
  return out;
}

}  // namespace

std::string subject_of(const X509& certificate) {
  return one_line(X509_get_subject_name(&certificate));
}

std::string issuer_of(const X509& certificate) {
  return one_line(X509_get_issuer_name(&certificate));
}

std::string names_of(const X509& certificate) {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  int shown = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (shown++ == kNamesShown) return out + ", ...";
    if (!out.empty()) out += ", ";
    out += name->type == GEN_DNS ? printable(bytes_of(name->d.dNSName))
                                 : address_text(bytes_of(name->d.iPAddress));
  }
  return out.empty() ? subject_of(certificate) : out;
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "(no time)";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace longhaul::net
