#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/message.h"

/// The visitors behind decode, encode and encoded_size. Included by messages/*.cc only: everyone else needs
/// the declarations in message.h.
namespace longhaul::protocol::codec {

template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept Enumeration = std::is_enum_v<T>;
template <class T>
concept Structure = std::is_class_v<T> && requires(T& value) { T::describe(value, [](auto&&...) {}); };

/// A structure as its member initialisers leave it, and where its fields are, in the order of describe().
template <Structure S>
class Defaults {
 public:
  [[nodiscard]] static const Defaults& get() {
    static const Defaults instance;
    return instance;
  }
  [[nodiscard]] const S& structure() const { return structure_; }
  template <class T>
  [[nodiscard]] const T& field(std::size_t index) const {
    return *static_cast<const T*>(fields_[index]);
  }

 private:
  Defaults() {
    S::describe(std::as_const(structure_),
                [this](std::string_view, const auto& value, auto...) { fields_.push_back(&value); });
  }
  S structure_{};
  std::vector<const void*> fields_;
};

/// Arrays and records have no other default than empty, apart from null.
template <class T>
[[nodiscard]] bool same(const T& a, const T& b) {
  return a == b;
}
template <class T>
[[nodiscard]] bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() && b.empty();
}
template <class T>
[[nodiscard]] bool same(const std::optional<std::vector<T>>& a, const std::optional<std::vector<T>>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || same(*a, *b));
}
[[nodiscard]] inline bool same(const ConstBytes& a, const ConstBytes& b) {
  return a.empty() && b.empty();
}
[[nodiscard]] inline bool same(const RecordsRef& a, const RecordsRef& b) {
  return a.size() == 0 && b.size() == 0;
}

/// Names of the fields around a failure, outermost first, joined by dots.
inline void enter(std::string& path, std::string_view name) {
  path = path.empty() ? std::string(name) : std::string(name) + "." + path;
}

/// Encodes to a Writer, or counts with a SizeCounter.
template <class Sink>
class Encoder {
 public:
  Encoder(Sink& sink, int version, bool flexible) : sink_(sink), version_(version), flexible_(flexible) {}

  [[nodiscard]] WireErrc error() const { return error_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  template <Structure S>
  void write(const S& structure) {
    std::size_t index = 0;
    std::uint32_t tags = 0;
    S::describe(structure, [&](std::string_view name, const auto& value, auto... options) {
      const FieldRules rules = field_rules(options...);
      const auto at = index++;
      if (failed()) return;
      if (rules.in(version_) && !rules.is_tagged()) {
        write_field(value, rules);
      } else if (!is_default<S>(value, at)) {
        if (rules.in(version_)) {
          ++tags;
        } else if (!rules.ignorable) {
          fail(WireErrc::not_in_version);
        }
      }
      if (failed()) [[unlikely]]
        enter(path_, name);
    });
    if (failed() || !flexible_) return;
    sink_.unsigned_varint(tags);
    if (tags > 0) write_tagged_fields(structure);
  }

 private:
  [[nodiscard]] bool failed() const { return error_ != WireErrc{}; }
  void fail(WireErrc error) { error_ = error; }

  template <class S, class T>
  [[nodiscard]] static bool is_default(const T& value, std::size_t index) {
    return same(value, Defaults<S>::get().template field<T>(index));
  }

  template <class S>
  void write_tagged_fields(const S& structure) {
    std::size_t index = 0;
    S::describe(structure, [&](std::string_view name, const auto& value, auto... options) {
      const FieldRules rules = field_rules(options...);
      const auto at = index++;
      if (failed() || !rules.is_tagged() || !rules.in(version_) || is_default<S>(value, at)) return;
      SizeCounter counter;
      Encoder<SizeCounter>(counter, version_, flexible_).write_field(value, rules);
      sink_.unsigned_varint(static_cast<std::uint32_t>(rules.tag));
      sink_.unsigned_varint(static_cast<std::uint32_t>(counter.size()));
      write_field(value, rules);
      if (failed()) [[unlikely]]
        enter(path_, name);
    });
  }

  template <class T>
  void write_field(const T& value, const FieldRules& /*rules*/) {
    write(value);
  }
  template <class T>
  void write_field(const std::optional<T>& value, const FieldRules& rules) {
    if (value.has_value()) {
      write(*value);
    } else if (!rules.is_nullable(version_)) {
      fail(WireErrc::unexpected_null);
    } else if constexpr (std::same_as<T, std::string>) {
      flexible_ ? sink_.unsigned_varint(0) : sink_.integer(std::int16_t{-1});
    } else {
      write_null_length();
    }
  }

  void write(bool value) { sink_.boolean(value); }
  void write(Number auto value) { sink_.integer(value); }
  void write(Enumeration auto value) { sink_.integer(std::to_underlying(value)); }
  void write(const TopicId& value) { sink_.uuid(value); }
  void write(const std::string& value) {
    if (value.size() > 0x7fff) return fail(WireErrc::bad_length);
    if (flexible_) {
      sink_.unsigned_varint(static_cast<std::uint32_t>(value.size()) + 1);
    } else {
      sink_.integer(static_cast<std::int16_t>(value.size()));
    }
    sink_.raw(as_bytes(value));
  }
  void write(const Bytes& value) {
    write_length(value.size());
    sink_.raw(value);
  }
  void write(const ConstBytes& records) {
    if (records.data() == nullptr) return write_null_length();
    write_length(records.size());
    sink_.reference(records);
  }
  void write(const RecordsRef& records) {
    if (records.is_null()) return write_null_length();
    write_length(records.size());
    sink_.reference(records.header);
    sink_.reference(records.payload);
  }
  template <class T>
  void write(const std::vector<T>& values) {
    write_length(values.size());
    for (const auto& value : values) {
      if (failed()) return;
      write(value);
    }
  }

  void write_length(std::size_t length) {
    if (length >= std::numeric_limits<std::int32_t>::max()) return fail(WireErrc::bad_length);
    if (flexible_) {
      sink_.unsigned_varint(static_cast<std::uint32_t>(length) + 1);
    } else {
      sink_.integer(static_cast<std::int32_t>(length));
    }
  }
  void write_null_length() { flexible_ ? sink_.unsigned_varint(0) : sink_.integer(std::int32_t{-1}); }

  template <class Other>
  friend class Encoder;

  Sink& sink_;
  int version_;
  bool flexible_;
  WireErrc error_{};
  std::string path_;
};

class Decoder {
 public:
  Decoder(Reader& in, int version, bool flexible) : in_(in), version_(version), flexible_(flexible) {}

  [[nodiscard]] std::string take_path() { return std::move(path_); }

  template <Structure S>
  void read(S& structure) {
    S::describe(structure, [this](std::string_view name, auto& value, auto... options) {
      const FieldRules rules = field_rules(options...);
      if (!in_.ok() || rules.is_tagged() || !rules.in(version_)) return;
      read_field(value, rules);
      if (!in_.ok()) [[unlikely]]
        enter(path_, name);
    });
    if (flexible_) read_tagged_fields(structure);
  }

 private:
  template <class S>
  void read_tagged_fields(S& structure) {
    const auto count = in_.unsigned_varint();
    std::int64_t previous = -1;
    for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
      const auto tag = in_.unsigned_varint();
      const auto size = in_.unsigned_varint();
      const auto payload = in_.take(size);
      if (std::int64_t{tag} <= previous) in_.fail(WireErrc::bad_tagged_fields);
      previous = tag;
      if (in_.ok()) read_tagged_field(structure, tag, payload);
    }
    if (!in_.ok() && path_.empty()) enter(path_, "tagged fields");
  }

  template <class S>
  void read_tagged_field(S& structure, std::uint32_t tag, ConstBytes payload) {
    S::describe(structure, [&](std::string_view name, auto& value, auto... options) {
      const FieldRules rules = field_rules(options...);
      if (!rules.is_tagged() || static_cast<std::uint32_t>(rules.tag) != tag || !rules.in(version_)) return;
      Reader in(payload);
      Decoder inner(in, version_, flexible_);
      inner.read_field(value, rules);
      if (in.remaining() > 0) in.fail(WireErrc::bad_tagged_fields);
      if (in.ok()) return;
      path_ = inner.take_path();
      enter(path_, name);
      in_.fail(in.error());
    });
  }

  template <class T>
  void read_field(T& value, const FieldRules& /*rules*/) {
    read(value);
  }
  void read_field(std::optional<std::string>& value, const FieldRules& rules) {
    const auto text = in_.string(flexible_);
    if (!text && !rules.is_nullable(version_)) in_.fail(WireErrc::unexpected_null);
    if (text) {
      value.emplace(*text);
    } else {
      value.reset();
    }
  }
  template <class T>
  void read_field(std::optional<std::vector<T>>& value, const FieldRules& rules) {
    const auto count = in_.array(flexible_, element_size_min<T>());
    if (!count) {
      if (!rules.is_nullable(version_)) in_.fail(WireErrc::unexpected_null);
      value.reset();
      return;
    }
    read_elements(value.emplace(), *count);
  }

  void read(bool& value) { value = in_.boolean(); }
  template <Number T>
  void read(T& value) {
    value = in_.integer<T>();
  }
  template <Enumeration T>
  void read(T& value) {
    value = static_cast<T>(in_.integer<std::underlying_type_t<T>>());
  }
  void read(TopicId& value) { value = in_.uuid(); }
  void read(std::string& value) {
    const auto text = in_.string(flexible_);
    if (!text) return in_.fail(WireErrc::unexpected_null);
    value.assign(*text);
  }
  void read(Bytes& value) {
    const auto bytes = in_.bytes(flexible_);
    if (!bytes) return in_.fail(WireErrc::unexpected_null);
    value.assign(bytes->begin(), bytes->end());
  }
  /// Null stays apart from empty: a null view points nowhere.
  void read(ConstBytes& records) { records = in_.bytes(flexible_).value_or(ConstBytes{}); }
  void read(RecordsRef& records) { records = {{}, in_.bytes(flexible_).value_or(ConstBytes{})}; }
  template <class T>
  void read(std::vector<T>& values) {
    const auto count = in_.array(flexible_, element_size_min<T>());
    if (!count) return in_.fail(WireErrc::unexpected_null);
    read_elements(values, *count);
  }
  template <class T>
  void read_elements(std::vector<T>& values, std::size_t count) {
    values.clear();
    values.reserve(count);
    for (std::size_t i = 0; i < count && in_.ok(); ++i) read(values.emplace_back());
  }

  /// What an element takes at least: strings and arrays are empty in its defaults, and null is no smaller.
  template <class T>
  [[nodiscard]] std::size_t element_size_min() const {
    if constexpr (Structure<T>) {
      SizeCounter counter;
      Encoder<SizeCounter>(counter, version_, flexible_).write(Defaults<T>::get().structure());
      return counter.size();
    } else if constexpr (std::same_as<T, std::string>) {
      return flexible_ ? 1 : sizeof(std::int16_t);
    } else {
      return sizeof(T);
    }
  }

  Reader& in_;
  int version_;
  bool flexible_;
  std::string path_;
};

/// Its detail reads "FetchRequest v12 field topics.partitions.partition".
[[nodiscard]] std::unexpected<Error> failure(WireErrc code, const ApiInfo& api, bool is_request, int version,
                                             std::string_view path);

}  // namespace longhaul::protocol::codec

namespace longhaul::protocol {

template <Message M>
Result<void> encode(const M& message, int version, GatherBuffer& out) {
  const auto& api = api_info(M::kApi);
  if (!api.describes(version)) {
    return codec::failure(WireErrc::unsupported_version, api, RequestMessage<M>, version, {});
  }
  Writer writer(out);
  codec::Encoder<Writer> encoder(writer, version, api.is_flexible(version));
  encoder.write(message);
  if (encoder.error() != WireErrc{}) {
    return codec::failure(encoder.error(), api, RequestMessage<M>, version, encoder.path());
  }
  return {};
}

template <Message M>
Result<M> decode(ConstBytes body, int version) {
  const auto& api = api_info(M::kApi);
  if (!api.describes(version)) {
    return codec::failure(WireErrc::unsupported_version, api, RequestMessage<M>, version, {});
  }
  Result<M> message(std::in_place);
  Reader in(body);
  codec::Decoder decoder(in, version, api.is_flexible(version));
  decoder.read(*message);
  if (in.remaining() > 0) in.fail(WireErrc::trailing_bytes);
  if (!in.ok()) return codec::failure(in.error(), api, RequestMessage<M>, version, decoder.take_path());
  return message;
}

template <Message M>
std::size_t encoded_size(const M& message, int version) {
  SizeCounter counter;
  codec::Encoder<SizeCounter> encoder(counter, version, api_info(M::kApi).is_flexible(version));
  encoder.write(message);
  return counter.size();
}

}  // namespace longhaul::protocol
