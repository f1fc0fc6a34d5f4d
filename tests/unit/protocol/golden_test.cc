// Bytes that Kafka's own client wrote for every API and version in the table; see tests/golden/ORIGIN.md.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "protocol/error_code.h"
#include "protocol/header.h"
#include "protocol/messages/all.h"
#include "tests/unit/protocol/golden_json.h"

namespace longhaul::protocol {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(LH_SOURCE_DIR) / "tests/golden";

Bytes file_bytes(const std::string& name) {
  std::ifstream file(kFolder / name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name << " is missing: run tests/golden/generator";
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto bytes = as_bytes(content);
  return {bytes.begin(), bytes.end()};
}

nlohmann::json file_json(const std::string& name) {
  std::ifstream file(kFolder / name);
  EXPECT_TRUE(file.is_open()) << name << " is missing: run tests/golden/generator";
  return nlohmann::json::parse(file);
}

template <class M>
void check_every_truncation_fails(const Bytes& wire, int version) {
  for (std::size_t size = 0; size < wire.size(); ++size) {
    // A copy of its own, so that a sanitizer sees any read behind the end.
    const Bytes cut(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = decode<M>(cut, version);
    ASSERT_FALSE(decoded.has_value()) << "cut to " << size << " of " << wire.size() << " bytes";
    ASSERT_EQ(&decoded.error().code.category(), &wire_category()) << size;
    ASSERT_FALSE(decoded.error().detail.empty()) << size;
  }
  Bytes longer = wire;
  longer.push_back(std::byte{0});
  const auto decoded = decode<M>(longer, version);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, WireErrc::trailing_bytes);
}

template <class M>
void check_file(const std::string& name, int version, const nlohmann::json& values) {
  SCOPED_TRACE(name);
  const auto wire = file_bytes(name);
  const auto decoded = decode<M>(wire, version);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message();

  golden::JsonComparison comparison(version);
  comparison.compare(*decoded, values, name);
  EXPECT_GE(comparison.fields(), static_cast<int>(values.size()));

  GatherBuffer again;
  const auto encoded = encode(*decoded, version, again);
  ASSERT_TRUE(encoded.has_value()) << encoded.error().message();
  EXPECT_EQ(again.flattened(), wire) << print(*decoded);
  EXPECT_EQ(again.size(), wire.size());
  EXPECT_EQ(encoded_size(*decoded, version), wire.size());

  check_every_truncation_fails<M>(wire, version);
}

template <class M>
void check_message(const ApiInfo& api, int version, const std::string& kind, const nlohmann::json& values) {
  const auto key = "v" + std::to_string(version) + "." + kind;
  const auto name = std::string(api.name) + "." + key;
  ASSERT_TRUE(values.contains(key)) << name;
  check_file<M>(name + ".bin", version, values[key]);
  if (values.contains(key + ".nulls")) check_file<M>(name + ".nulls.bin", version, values[key + ".nulls"]);
}

template <class Request>
class Golden : public testing::Test {};

template <class Tuple>
struct AsTestTypes;
template <class... Requests>
struct AsTestTypes<std::tuple<Requests...>> {
  using Types = testing::Types<Requests...>;
};

struct ApiNames {
  template <class Request>
  static std::string GetName(int /*index*/) {
    return std::string(api_info(Request::kApi).name);
  }
};

TYPED_TEST_SUITE(Golden, AsTestTypes<AllRequests>::Types, ApiNames);

TYPED_TEST(Golden, EveryVersionReadsAndWritesKafkasBytes) {
  const auto& api = api_info(TypeParam::kApi);
  const auto values = file_json(std::string(api.name) + ".json");
  for (int version = api.version_min_described; version <= api.version_max_described; ++version) {
    check_message<TypeParam>(api, version, "request", values);
    check_message<typename TypeParam::Response>(api, version, "response", values);
  }
}

TEST(GoldenFiles, NoneIsLeftUnread) {
  std::set<std::string> known = {"RequestHeader.v1.bin", "RequestHeader.v2.bin", "ResponseHeader.v0.bin",
                                 "ResponseHeader.v1.bin"};
  for (const auto& api : kApis) {
    const auto values = file_json(std::string(api.name) + ".json");
    for (const auto& [key, value] : values.items()) known.insert(std::string(api.name) + "." + key + ".bin");
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".bin") continue;
    ++files;
    EXPECT_TRUE(known.contains(entry.path().filename().string())) << entry.path();
  }
  EXPECT_EQ(files, known.size());
}

TEST(GoldenHeader, RequestHeadersAreKafkas) {
  for (const int header : {1, 2}) {
    const auto wire = file_bytes("RequestHeader.v" + std::to_string(header) + ".bin");
    const int version = header == 1 ? 8 : 9;
    ASSERT_EQ(request_header_version(ApiKey::produce, version), header);
    auto frame = begin_request(ApiKey::produce, version, 0x01020304, "cl\u00efent");
    ASSERT_TRUE(finish_frame(frame).has_value());
    const auto ours = frame.flattened();
    EXPECT_EQ(load_be<std::int32_t>(ours), static_cast<std::int32_t>(wire.size()));
    EXPECT_EQ(Bytes(ours.begin() + 4, ours.end()), wire);

    const auto parts = split_request(wire);
    ASSERT_TRUE(parts.has_value()) << parts.error().message();
    EXPECT_EQ(parts->api_key, ApiKey::produce);
    EXPECT_EQ(parts->api_version, version);
    EXPECT_EQ(parts->correlation_id, 0x01020304);
    EXPECT_EQ(parts->client_id, "cl\u00efent");
    EXPECT_TRUE(parts->body.empty());
    for (std::size_t size = 0; size < wire.size(); ++size) {
      EXPECT_FALSE(split_request(ConstBytes(wire).first(size)).has_value()) << size;
    }
  }
}

TEST(GoldenHeader, ResponseHeadersAreKafkas) {
  for (const int header : {0, 1}) {
    const auto wire = file_bytes("ResponseHeader.v" + std::to_string(header) + ".bin");
    const int version = header == 0 ? 8 : 9;
    ASSERT_EQ(response_header_version(ApiKey::produce, version), header);
    const auto ours = begin_response(ApiKey::produce, version, 0x01020304).flattened();
    EXPECT_EQ(Bytes(ours.begin() + 4, ours.end()), wire);

    const auto parts = split_response(wire, ApiKey::produce, version);
    ASSERT_TRUE(parts.has_value()) << parts.error().message();
    EXPECT_EQ(parts->correlation_id, 0x01020304);
    EXPECT_TRUE(parts->body.empty());
    for (std::size_t size = 0; size < wire.size(); ++size) {
      EXPECT_FALSE(split_response(ConstBytes(wire).first(size), ApiKey::produce, version).has_value())
          << size;
    }
  }
}

TEST(GoldenErrors, TableIsKafkas) {
  std::ifstream file(kFolder / "errors.tsv");
  ASSERT_TRUE(file.is_open());
  std::string line;
  int codes = 0;
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    int number = 0;
    std::string name;
    std::string retriable;
    columns >> number >> name >> retriable;
    const auto code = static_cast<KafkaErrc>(number);
    EXPECT_EQ(name_of(code), name);
    EXPECT_EQ(is_retriable(code), retriable == "true") << name;
    ++codes;
  }
  EXPECT_EQ(codes, 135);
  EXPECT_TRUE(name_of(static_cast<KafkaErrc>(codes - 1)).empty()) << "a code that Kafka does not have";
}

}  // namespace
}  // namespace longhaul::protocol
