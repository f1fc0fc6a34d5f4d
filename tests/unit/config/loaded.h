#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/config/configuration.h"

namespace longhaul::config {

/// Two clusters, so that a test only writes what it is about.
inline constexpr std::string_view kTwoClusters =
    "clusters = A, B\nA.bootstrap.servers = a:9092\nB.bootstrap.servers = b:9092\n";

/// `lines` follow kTwoClusters in "mm2.properties", so the first of them is line 4.
inline Result<Configuration> load_lines(std::string_view lines, const LoadOptions& options = {}) {
  return load_text(std::string(kTwoClusters) + std::string(lines), "mm2.properties", options);
}

inline Configuration loaded(std::string_view lines, const LoadOptions& options = {}) {
  auto configuration = load_lines(lines, options);
  EXPECT_TRUE(configuration.has_value()) << configuration.error().message();
  return configuration ? *std::move(configuration) : Configuration{};
}

/// The flow A->B of a file that enables it; an empty one after a failed expectation.
inline FlowConfig flow_with(std::string_view lines, const LoadOptions& options = {}) {
  const auto configuration = loaded("A->B.enabled = true\n" + std::string(lines), options);
  const auto flow = configuration.flow("A->B");
  EXPECT_TRUE(flow.has_value());
  return flow ? **flow : FlowConfig{};
}

inline std::string error_of(std::string_view lines, const LoadOptions& options = {}) {
  const auto configuration = load_lines(lines, options);
  return configuration ? "loads" : configuration.error().message();
}

inline std::vector<std::string> warnings_of(const Configuration& configuration, WarningKind kind) {
  std::vector<std::string> texts;
  for (const auto& warning : configuration.warnings) {
    if (warning.kind == kind) texts.push_back(warning.text);
  }
  return texts;
}

}  // namespace longhaul::config
