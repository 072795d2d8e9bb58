#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/temporary_directory.h"
#include "store/results_file.h"
#include "study/results.h"

namespace telltale::study {
namespace {

class PublicationFile : public ::testing::Test {
 protected:
  // As publish() does it: the journal first.
  void publish(const std::string& title) {
    store::Group root;
    root.attributes = {{"title", title}};
    store::write_results_file(paths_.results, root, [this](const Identity& hash) {
      journal_.append(static_cast<std::uint32_t>(RecordType::published),
                      as_bytes(canonical({{"sha256", hash.hex()}, {"at_s", 1}})));
      journal_.flush();
    });
  }
  std::string title() { return std::get<std::string>(open_results(paths_).find_attribute("title")->value); }

  TemporaryDirectory directory_;
  StudyPaths paths_{directory_ / "x.h5"};
  store::Journal journal_{paths_.journal()};
};

TEST_F(PublicationFile, IsKnownToItsJournal) {
  publish("first");
  publish("second");
  const Publication found = read_publication(paths_);
  EXPECT_TRUE(found.known);
  EXPECT_EQ(found.hash, found.records.published.back());
  EXPECT_EQ(title(), "second");
}

TEST_F(PublicationFile, AFileThatIsReplacedWhileItIsReadIsNotTakenForDamaged) {
  publish("first");
  const Publication found = read_publication(paths_, [this] { publish("second"); });
  EXPECT_TRUE(found.known);
  EXPECT_EQ(found.hash, found.records.published.front());
  EXPECT_TRUE(read_publication(paths_).known);
}

TEST_F(PublicationFile, AFirstFileThatAppearsMeanwhileIsNotYetThere) {
  const Publication found = read_publication(paths_, [this] { publish("first"); });
  EXPECT_FALSE(found.file);
  EXPECT_FALSE(found.known);
}

TEST_F(PublicationFile, AStrangersFileIsDamaged) {
  publish("first");
  std::ofstream(paths_.results) << "something else";
  EXPECT_FALSE(read_publication(paths_).known);
  try {
    open_results(paths_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("is damaged"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace telltale::study
