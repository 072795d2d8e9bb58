// The real data sets, where TELLTALE_DATA says that they are: hashes, counts and the first labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "data/dataset.h"

namespace telltale::data {
namespace {

struct Known {
  const char* name;
  std::int64_t train_count;
  Bytes train_labels, test_labels;
};

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    const char* places = std::getenv("TELLTALE_DATA");
    if (places == nullptr || *places == '\0') GTEST_SKIP() << "TELLTALE_DATA names no directory with the real data";
    std::stringstream list(places);
    for (std::string place; std::getline(list, place, ':');) directories_.emplace_back(place);
  }

  std::vector<std::filesystem::path> directories_;
};

class Published : public RealData, public testing::WithParamInterface<Known> {};

INSTANTIATE_TEST_SUITE_P(
    Sets, Published,
    testing::Values(Known{"mnist", 60'000, {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}},
                    Known{"fashion-mnist", 60'000, {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, {9, 2, 1, 1, 6, 1, 4, 6, 5, 7}},
                    Known{"cifar-10", 50'000, {6, 9, 9, 4, 1, 1, 2, 7, 8, 3}, {3, 8, 8, 0, 6, 6, 1, 6, 3, 1}}),
    [](const auto& instance) {
      std::string name = instance.param.name;
      name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
      return name;
    });

TEST_P(Published, official_files_have_their_known_labels) {
  DatasetRequest request;
  request.name = GetParam().name;
  request.directories = directories_;
  request.official = true;
  const Dataset set = load(request);
  EXPECT_EQ(set.origin(), Origin::official);
  EXPECT_EQ(set.train().count, GetParam().train_count);
  EXPECT_EQ(set.test().count, 10'000);
  EXPECT_EQ(Bytes(set.train().labels.begin(), set.train().labels.begin() + 10), GetParam().train_labels);
  EXPECT_EQ(Bytes(set.test().labels.begin(), set.test().labels.begin() + 10), GetParam().test_labels);
}

// MNIST and Fashion-MNIST have the same file names.
TEST_F(RealData, mnist_is_not_taken_for_fashion_mnist) {
  for (const auto& directory : directories_)
    if (std::filesystem::is_directory(directory / "mnist")) {
      DatasetRequest request;
      request.name = "fashion-mnist";
      request.directories = {directory / "mnist"};
      try {
        load_packed(request);
        FAIL() << "MNIST was taken for Fashion-MNIST";
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("belongs to mnist, not to fashion-mnist"), std::string::npos)
            << error.what();
      }
      return;
    }
  GTEST_SKIP() << "no folder mnist in TELLTALE_DATA";
}

}  // namespace
}  // namespace telltale::data
