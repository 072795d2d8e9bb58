#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/dataset.h"

namespace telltale::data {
namespace {

DatasetRequest request(const std::string& name, std::int64_t train, std::int64_t test, std::uint64_t seed = 7) {
  DatasetRequest wanted;
  wanted.name = name;
  wanted.generated_train = train;
  wanted.generated_test = test;
  wanted.seed = seed;
  return wanted;
}

bool starts_with(ByteSpan longer, ByteSpan shorter) {
  return longer.size() > shorter.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

class Generated : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Sets, Generated, testing::Values("glyphs", "letters", "tiles"));

TEST_P(Generated, larger_set_extends_a_smaller_one) {
  const Dataset few = load(request(GetParam(), 30, 10)), many = load(request(GetParam(), 50, 25));
  EXPECT_TRUE(starts_with(many.train().images, few.train().images));
  EXPECT_TRUE(starts_with(many.train().labels, few.train().labels));
  EXPECT_TRUE(starts_with(many.test().images, few.test().images));
}

TEST_P(Generated, limit_is_the_same_as_drawing_fewer) {
  DatasetRequest limited = request(GetParam(), 50, 25);
  limited.train_limit = 30;
  limited.test_limit = 10;
  EXPECT_EQ(load(limited).content_hash(), load(request(GetParam(), 30, 10)).content_hash());
}

TEST_P(Generated, limit_beyond_the_set_is_refused) {
  DatasetRequest limited = request(GetParam(), 50, 25);
  limited.train_limit = 51;
  EXPECT_THROW(load_packed(limited), InputError);
  limited.train_limit = 0;
  EXPECT_THROW(load_packed(limited), InputError);
}

TEST_P(Generated, seeds_and_splits_differ) {
  const Dataset one = load(request(GetParam(), 20, 20, 1)), two = load(request(GetParam(), 20, 20, 2));
  EXPECT_NE(one.content_hash(), two.content_hash());
  EXPECT_FALSE(std::equal(one.train().images.begin(), one.train().images.end(), one.test().images.begin()));
}

TEST_P(Generated, one_split_can_be_drawn_alone) {
  DatasetRequest wanted = request(GetParam(), 20, 10);
  const Dataset both = load(wanted);
  wanted.splits = Splits::test;
  const Dataset test_only = load(wanted);
  EXPECT_EQ(test_only.train().count, 0);
  EXPECT_TRUE(std::equal(both.test().images.begin(), both.test().images.end(), test_only.test().images.begin(),
                         test_only.test().images.end()));
}

TEST_P(Generated, default_size_has_every_class_about_equally_often) {
  DatasetRequest wanted;
  wanted.name = GetParam();
  const Dataset set = load(wanted);
  EXPECT_EQ(set.train().count, describe(GetParam()).train_count);
  EXPECT_EQ(set.test().count, describe(GetParam()).test_count);
  EXPECT_EQ(set.origin(), Origin::generated);
  std::vector<int> counts(static_cast<std::size_t>(set.classes()));
  for (const std::uint8_t label : set.train().labels) ++counts.at(label);
  const double each = static_cast<double>(set.train().count) / set.classes();
  for (const int count : counts) EXPECT_NEAR(count, each, 6 * std::sqrt(each));  // above six deviations of a binomial
}

TEST_P(Generated, has_no_official_files) {
  DatasetRequest wanted = request(GetParam(), 10, 10);
  wanted.official = true;
  EXPECT_THROW(load_packed(wanted), InputError);
}

// Pinned: the same bytes on every CPU, compiler and optimization level. A change of the drawing changes every result
// that was ever computed on the set.
TEST(Generated, glyphs_are_the_pinned_ones) {
  EXPECT_EQ(load(request("glyphs", 200, 100)).content_hash().hex(),
            "908397c3ab0489d0c4590bba83f2d9b09bdacca920823bd8af10faa7da480de8");
}

TEST(Generated, letters_are_the_pinned_ones) {
  EXPECT_EQ(load(request("letters", 200, 100)).content_hash().hex(),
            "f55746f94aa5fc93fa1f7fddb7694b55258d6c47e99bad3e4eb382e27b2cb703");
}

TEST(Generated, tiles_are_the_pinned_ones) {
  EXPECT_EQ(load(request("tiles", 200, 100)).content_hash().hex(),
            "397d888ddf9cf2f03ba1d02fdffa7bc749ea4a06955b86a62954ff2038e764ad");
}

TEST(Catalogue, lists_and_describes_without_reading) {
  EXPECT_EQ(dataset_names(), (std::vector<std::string>{"mnist", "fashion-mnist", "cifar-10", "cifar-100", "glyphs",
                                                       "letters", "tiles"}));
  const Description& cifar = describe("cifar-100");
  EXPECT_EQ(cifar.shape, (ImageShape{3, 32, 32}));
  EXPECT_EQ(cifar.shape.pixels(), 3072u);
  EXPECT_EQ(cifar.classes, 100);
  EXPECT_FALSE(cifar.generated);
  EXPECT_TRUE(describe("tiles").generated);
}

TEST(Catalogue, unknown_name_is_refused_with_the_known_ones) {
  try {
    describe("mnits");
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("'mnits'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("fashion-mnist"), std::string::npos);
  }
}

}  // namespace
}  // namespace telltale::data
