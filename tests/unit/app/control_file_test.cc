#include "app/control_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace longhaul::app {
namespace {

/// A file of this test alone, gone afterwards.
class ControlFileTest : public testing::Test {
 protected:
  ControlFileTest() { std::filesystem::create_directories(directory_); }
  ~ControlFileTest() override { std::filesystem::remove_all(directory_); }

  void write(std::string_view text, std::ios::openmode mode = std::ios::app) const {
    std::ofstream(path(), mode) << text;
  }
  [[nodiscard]] std::string path() const { return (directory_ / "control").string(); }
  [[nodiscard]] std::string out() const {
    std::stringstream text;
    text << std::ifstream(path() + ".out").rdbuf();
    return text.str();
  }
  static std::string joined(const std::vector<ControlFile::Line>& lines) {
    std::string text;
    for (const auto& line : lines) text += fmt::format("{}:{};", line.number, line.text);
    return text;
  }

  std::filesystem::path directory_ =
      std::filesystem::path(testing::TempDir()) /
      fmt::format("control-{}-{}", ::getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ControlFileTest, GivesEachCompleteLineOnce) {
  auto file = ControlFile::open(path());
  ASSERT_TRUE(file);
  EXPECT_EQ(joined(file->new_lines()), "") << "a file that does not exist yet";
  write("one\ntw");
  EXPECT_EQ(joined(file->new_lines()), "1:one;");
  EXPECT_EQ(joined(file->new_lines()), "");
  write("o\n\n  # a comment\nthree\r\n");
  EXPECT_EQ(joined(file->new_lines()), "2:two;5:three;");
}

TEST_F(ControlFileTest, StartsAgainWithAFileThatBecameShorter) {
  write("one\ntwo\n");
  auto file = ControlFile::open(path());
  ASSERT_TRUE(file);
  EXPECT_EQ(joined(file->new_lines()), "1:one;2:two;") << "what stands there already";
  write("new\n", std::ios::trunc);
  EXPECT_EQ(joined(file->new_lines()), "1:new;");
}

TEST_F(ControlFileTest, ReportsOutcomesByLineNumber) {
  std::ofstream(path() + ".out") << "of an earlier process\n";
  const auto file = ControlFile::open(path());
  ASSERT_TRUE(file);
  file->report({3, "x"}, "done");
  file->report({4, "y"}, std::unexpected(Error{{}, "no such thing"}));
  file->report({5, "z"}, "several\nlines\n");
  EXPECT_EQ(out(), "3 ok done\n4 error no such thing\n5 ok several; lines\n");
}

TEST_F(ControlFileTest, RefusesWhatCannotBe) {
  const auto directory = ControlFile::open(directory_.string());
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().message().find("is a directory"), std::string::npos);
  const auto nowhere = ControlFile::open((directory_ / "missing" / "control").string());
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message().find("cannot write"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::app
