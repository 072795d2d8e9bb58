#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "study/job.h"
#include "study/keys.h"

namespace telltale::study {
namespace {

namespace fs = std::filesystem;

const fs::path repository = TELLTALE_REPOSITORY;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// TELLTALE_UPDATE_DOCS=1 rewrites the page instead of failing.
TEST(Documents, TheReferenceOfKeysIsTheProgramsOwn) {
  const fs::path page = repository / "docs" / "job-files.md";
  const std::string text = contents(page);
  const auto start = text.find("### The study");
  ASSERT_NE(start, std::string::npos);
  if (std::getenv("TELLTALE_UPDATE_DOCS") != nullptr)
    std::ofstream(page) << text.substr(0, start) << reference_of_keys();
  EXPECT_EQ(contents(page).substr(start), reference_of_keys()) << "run again with TELLTALE_UPDATE_DOCS=1";
}

TEST(Documents, EveryJobFileIsAccepted) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(repository / "jobs")) {
    if (entry.path().extension() != ".ini") continue;
    EXPECT_NO_THROW((void)Job::load(entry.path().string(), {})) << entry.path();
    EXPECT_NE(contents(repository / "jobs" / "README.md").find(entry.path().filename().string()), std::string::npos)
        << entry.path().filename() << " is not in jobs/README.md";
    ++count;
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace telltale::study
