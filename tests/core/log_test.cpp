#include "core/log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/temporary_directory.h"

namespace telltale::log {
namespace {

TEST(LogFile, HasTheRankInItsName) {
  EXPECT_EQ(file_of_rank("run.log", 3), "run.0003.log");
  EXPECT_EQ(file_of_rank("a.b/run", 12), "a.b/run.0012");
  EXPECT_EQ(file_of_rank("logs/.hidden", 0), "logs/.hidden.0000");
  EXPECT_EQ(file_of_rank("x.tar.gz", 12345), "x.tar.12345.gz");
}

TEST(LogLevel, IsReadByName) {
  EXPECT_EQ(parse_level("warn"), Level::warn);
  EXPECT_EQ(parse_level("off"), Level::off);
  EXPECT_THROW(parse_level("loud"), InputError);
}

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Log : public testing::Test {
 protected:
  void TearDown() override { threshold = Level::off; }
  TemporaryDirectory folder_;
};

TEST_F(Log, HoldsLinesOfItsLevelAndAboveAndIsAddedTo) {
  const std::string file = folder_ / "run.log";
  start({Level::info, file, 7});
  debug("too {}", "quiet");
  info("task {} is tried again", 3);
  start({Level::warn, file, 7});
  warn("braces {{}} in {}", "{text}");
  const std::string text = content(folder_ / "run.0007.log");
  EXPECT_EQ(text.find("too quiet"), std::string::npos);
  EXPECT_NE(text.find(" rank 7 info: task 3 is tried again\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" rank 7 warning: braces {} in {text}\n"), std::string::npos) << text;
}

TEST_F(Log, MakesNoTextThatNobodyReads) {
  int made = 0;
  const auto costly = [&made] { return ++made; };
  start({Level::off, {}, 0});
  if (enabled(Level::error)) error("{}", costly());
  EXPECT_EQ(made, 0);
}

TEST_F(Log, ThatCannotBeWrittenIsRefused) {
  std::ofstream(folder_ / "plain");
  EXPECT_THROW(start({Level::info, folder_ / "plain/run.log", 0}), InputError);
}

}  // namespace
}  // namespace telltale::log
