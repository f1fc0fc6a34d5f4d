#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message_codec.h"

namespace longhaul::protocol::golden {

/// "topic_id" as Kafka's JSON spells it: "topicId".
[[nodiscard]] inline std::string camel_case(std::string_view snake_case) {
  std::string out;
  bool is_upper = false;
  for (const char c : snake_case) {
    if (c != '_') out += is_upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    is_upper = c == '_';
  }
  return out;
}

[[nodiscard]] inline std::string base64(ConstBytes bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t window = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      window = (window << 8U) | (i + j < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool is_padding = i + j > bytes.size();
      out += is_padding ? '=' : kAlphabet[(window >> (18U - 6U * static_cast<unsigned>(j))) & 0x3fU];
    }
  }
  return out;
}

/// Holds a decoded structure against the JSON that Kafka's own converter made of the object behind the golden
/// bytes: the same fields in that version, by name, and the same values.
class JsonComparison {
 public:
  explicit JsonComparison(int version) : version_(version) {}

  template <codec::Structure S>
  void compare(const S& structure, const nlohmann::json& json, const std::string& path) {
    ASSERT_TRUE(json.is_object()) << path;
    std::set<std::string> expected;
    for (const auto& [key, value] : json.items()) expected.insert(key);
    S::describe(structure, [&](std::string_view name, const auto& value, auto... options) {
      if (!field_rules(options...).in(version_)) return;
      const auto found = json.find(key_of(camel_case(name), value, json));
      if (found == json.end()) {
        // Kafka leaves tagged fields out that have their default.
        EXPECT_TRUE(field_rules(options...).is_tagged()) << path << " has no " << name;
        return;
      }
      expected.erase(found.key());
      compare(value, *found, path + "." + found.key());
      ++fields_;
    });
    EXPECT_TRUE(expected.empty()) << path << ": not described: " << *expected.begin();
  }

  /// Number of fields compared, to see that it was not nothing.
  [[nodiscard]] int fields() const { return fields_; }

 private:
  static std::string key_of(std::string name, const auto& /*value*/, const nlohmann::json& /*json*/) {
    return name;
  }
  static std::string key_of(std::string name, const ConstBytes& /*value*/, const nlohmann::json& json) {
    return json.contains("recordsSizeInBytes") ? "recordsSizeInBytes" : name;
  }
  static std::string key_of(std::string name, const RecordsRef& /*value*/, const nlohmann::json& json) {
    return json.contains("recordsSizeInBytes") ? "recordsSizeInBytes" : name;
  }

  void compare(bool value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, value) << path;
  }
  void compare(codec::Number auto value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, value) << path;
  }
  void compare(codec::Enumeration auto value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, std::to_underlying(value)) << path;
  }
  void compare(const std::string& value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, value) << path;
  }
  void compare(const TopicId& value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, value.to_string()) << path;
  }
  void compare(const Bytes& value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json, base64(value)) << path;
  }
  void compare(const ConstBytes& value, const nlohmann::json& json, const std::string& path) {
    EXPECT_EQ(json.is_null(), value.data() == nullptr) << path;
    if (!json.is_null()) EXPECT_EQ(json, value.size()) << path;
  }
  void compare(const RecordsRef& value, const nlohmann::json& json, const std::string& path) {
    EXPECT_TRUE(value.header.empty()) << path;
    compare(value.payload, json, path);
  }
  template <class T>
  void compare(const std::vector<T>& values, const nlohmann::json& json, const std::string& path) {
    ASSERT_TRUE(json.is_array()) << path;
    ASSERT_EQ(json.size(), values.size()) << path;
    for (std::size_t i = 0; i < values.size(); ++i)
      compare(values[i], json[i], path + "[" + std::to_string(i) + "]");
  }
  template <class T>
  void compare(const std::optional<T>& value, const nlohmann::json& json, const std::string& path) {
    ASSERT_EQ(json.is_null(), !value.has_value()) << path;
    if (value.has_value()) compare(*value, json, path);
  }

  int version_;
  int fields_ = 0;
};

}  // namespace longhaul::protocol::golden
