#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/message_codec.h"

/// The visitor behind print. Included by messages/*.cc only.
namespace longhaul::protocol::codec {

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  template <Structure S>
  void print(const S& structure) {
    out_ += '{';
    bool is_first = true;
    S::describe(structure, [&](std::string_view name, const auto& value, auto...) {
      if (!std::exchange(is_first, false)) out_ += ", ";
      out_ += name;
      out_ += '=';
      print(value);
    });
    out_ += '}';
  }

 private:
  void print(bool value) { out_ += value ? "true" : "false"; }
  void print(Number auto value) { fmt::format_to(std::back_inserter(out_), "{}", value); }
  void print(Enumeration auto value) { print(std::to_underlying(value)); }
  void print(KafkaErrc value) {
    const auto name = name_of(value);
    name.empty() ? print(std::to_underlying(value)) : static_cast<void>(out_ += name);
  }
  void print(const TopicId& value) { out_ += value.to_string(); }
  void print(const std::string& value) {
    out_ += '"';
    for (const char c : value) {
      if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
        fmt::format_to(std::back_inserter(out_), "\\x{:02x}", byte);
        continue;
      }
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
  }
  void print_size(std::size_t bytes) { fmt::format_to(std::back_inserter(out_), "<{} bytes>", bytes); }
  void print(const Bytes& value) { print_size(value.size()); }
  void print(const ConstBytes& value) { value.data() == nullptr ? print_null() : print_size(value.size()); }
  void print(const RecordsRef& value) { value.is_null() ? print_null() : print_size(value.size()); }
  template <class T>
  void print(const std::vector<T>& values) {
    out_ += '[';
    bool is_first = true;
    for (const auto& value : values) {
      if (!std::exchange(is_first, false)) out_ += ", ";
      print(value);
    }
    out_ += ']';
  }
  template <class T>
  void print(const std::optional<T>& value) {
    value.has_value() ? print(*value) : print_null();
  }
  void print_null() { out_ += "null"; }

  std::string& out_;
};

}  // namespace longhaul::protocol::codec

namespace longhaul::protocol {

template <Message M>
std::string print(const M& message) {
  std::string out(api_info(M::kApi).name);
  out += RequestMessage<M> ? "Request" : "Response";
  codec::Printer(out).print(message);
  return out;
}

}  // namespace longhaul::protocol

/// Puts the codec of one message into the source file that says it.
#define LH_INSTANTIATE_MESSAGE(M)                                            \
  template ::longhaul::Result<void> encode<M>(const M&, int, GatherBuffer&); \
  template ::longhaul::Result<M> decode<M>(::longhaul::ConstBytes, int);     \
  template std::size_t encoded_size<M>(const M&, int);                       \
  template std::string print<M>(const M&)

/// The same for a request and its response.
#define LH_INSTANTIATE_API(Request) \
  LH_INSTANTIATE_MESSAGE(Request);  \
  LH_INSTANTIATE_MESSAGE(Request::Response)
