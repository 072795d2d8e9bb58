#include "experiments/boundary/samples.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "support/boundary_samples.h"
#include "support/refusal.h"

namespace telltale::experiments {
namespace {

store::Variable& variable(store::Group& root, const std::string& name) {
  auto& variables = root.children.front().variables;
  return *std::find_if(variables.begin(), variables.end(), [&](const auto& one) { return one.name == name; });
}

template <typename T>
void set(store::Variable& of, std::size_t at, T value) {
  Array& array = std::get<Array>(of.data);
  std::vector<T> values(array.as<T>().begin(), array.as<T>().end());
  values.at(at) = value;
  array = Array::of(array.shape, values);
}

std::string refusal_to_read(const store::Group& root) {
  return refusal([&] { read_samples(root); });
}

TEST(Samples, AreTheVerifiedSuccessesInTheOrderOfTheCases) {
  const BoundarySamples all = read_samples(boundary_results());
  ASSERT_EQ(all.samples.size(), 4u * 2 * 5);
  EXPECT_EQ(all.dimensions, (std::vector<std::string>{"search", "versus", "target", "grid", "image"}));
  EXPECT_EQ(all.machines.size(), 4u);
  EXPECT_EQ(all.model, std::string(64, 'a'));
  EXPECT_EQ(all.classes * all.channels * all.rows * all.columns, 3 * 1 * 6 * 9);
  // Of seven images, those with the coordinates 3 (failed) and 8 (not verified) are left out.
  const BoundarySample& ninth = all.samples[9];
  EXPECT_EQ(ninth.coordinates, (std::vector<std::string>{"telltale", "all, of them", "sandybridge", "8-bit", "13"}));
  EXPECT_TRUE(ninth.eight_bit);
  EXPECT_EQ(ninth.identified, "sandybridge");
  EXPECT_EQ(ninth.identifying_label, 13 % 3);
  EXPECT_EQ(ninth.labels, (std::vector<std::int32_t>{1, 2, 2, 2}));
  EXPECT_EQ(ninth.logits.size(), 4u * 3);
  EXPECT_EQ(ninth.pixels.size(), 6u * 9);
  EXPECT_EQ(ninth.pixels[1], static_cast<float>((13 * 41 + 5) % 256) / 255.0f);
}

TEST(Samples, ThatAreMissingAreSaidToBeSo) {
  EXPECT_NE(refusal_to_read(store::Group{}).find("no boundary samples"), std::string::npos);
  EXPECT_NE(refusal_to_read(boundary_results({.verified = false})).find("48 of 56 searches succeeded"),
            std::string::npos);
  store::Group none = boundary_results();
  for (auto& text : std::get<std::vector<std::string>>(variable(none, "status").data)) text = "saturated";
  EXPECT_NE(refusal_to_read(none).find("none of 56 searches has succeeded"), std::string::npos);
}

TEST(Samples, ThatCountMustBeWhole) {
  for (const char* name : {"identifying_label", "contrast_label"}) {
    store::Group root = boundary_results();
    set<std::int64_t>(variable(root, name), 0, -1);
    EXPECT_THROW(read_samples(root), Error) << name;
  }
  store::Group root = boundary_results();
  set<float>(variable(root, "sample"), 7, std::nanf(""));
  EXPECT_THROW(read_samples(root), Error);
}

TEST(Samples, MayLackTheLabelOfAMachineThatTookNoPart) {
  store::Group root = boundary_results();
  set<std::int32_t>(variable(root, "label"), 3, -1);
  EXPECT_EQ(read_samples(root).samples.front().labels, (std::vector<std::int32_t>{0, 1, 1, -1}));
}

TEST(Samples, AreOfOneNetwork) {
  const store::Group root = boundary_results({.networks = true});
  EXPECT_EQ(refusal_to_read(root),
            "these samples are of several networks, and a service runs one: --where selects it, of epochs=5, epochs=9");
  const BoundarySamples first = read_samples(root, "epochs=5"), second = read_samples(root, "epochs=9, target=zen");
  EXPECT_EQ(first.model, std::string(64, 'a'));
  EXPECT_EQ(second.model, std::string(64, 'b'));
  EXPECT_EQ(first.samples.size(), 40u);
  EXPECT_EQ(second.samples.size(), 40u) << "the samples' numbers depend on their network alone";
  EXPECT_NE(first.identity(), second.identity());
  for (const BoundarySample& sample : second.samples) EXPECT_EQ(sample.coordinates.front(), "9");
}

TEST(Samples, OfAnotherLayoutAreRefused) {
  store::Group root = boundary_results();
  std::swap(variable(root, "label").dimensions[0], variable(root, "label").dimensions[1]);
  EXPECT_THROW(read_samples(root), Error);
}

TEST(Samples, FindAMachineByName) {
  const BoundarySamples all = read_samples(boundary_results());
  EXPECT_EQ(all.machine("zen"), 3u);
  EXPECT_THROW((void)all.machine("pentium"), InputError);
}

}  // namespace
}  // namespace telltale::experiments
